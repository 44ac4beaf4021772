"""A snapshot: releases in a file that is shipped with an application, for its start while the registry is down."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset_cli import output
from pinset_cli.locate import opened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.errors import PinsetError
    from pinset.ports.registry import Registry
    from pinset_cli.exporting import Asked


def export(asked: Asked) -> None:
    """Write the releases that were named; the file is replaced whole."""
    from pinset.client import snapshot as snapshots

    file = asked.file or Path("snapshot.json")
    _refuse_other(file)
    with opened(asked.options) as found:
        releases = _fetched(found, asked.targets)
    snapshot = {
        "format": snapshots.FORMAT,
        "registry": releases[0]["registry"],
        "exported_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "releases": releases,
    }
    dry_run = asked.options.dry_run
    if not dry_run:
        _write(file, json.dumps(snapshot, ensure_ascii=False, indent=2) + "\n")
        output.done(f"{file} is written")
    if asked.options.as_json:
        heads = [_head(answer) for answer in releases]
        output.show_json({**snapshot, "file": str(file), "releases": heads})
        output.unchanged(dry_run=dry_run)
        return
    for answer in releases:
        output.say(f"{answer['ref']}  {_as(answer)}{answer['digest']}")
    if dry_run:
        output.unchanged(dry_run=True)
        return
    output.talk(output.safe(f"wrote {file}: Client(snapshot={str(file)!r}) serves these while the registry is away"))


def _fetched(registry: Registry, references: Sequence[str]) -> list[dict[str, Any]]:
    """The sealed forms, proven. Raises the first problem, with all the others in it."""
    from pinset.errors import PinsetError

    releases: list[dict[str, Any]] = []
    problems: list[tuple[str, PinsetError]] = []
    for reference in references:
        try:
            releases.append(_proven(registry, reference))
        except PinsetError as error:
            problems.append((reference, error))
    if problems:
        raise _all(problems, len(references))
    for answer in releases:
        if answer.get("yanked"):
            output.talk(output.safe(f"warning: {answer['ref']} is yanked: {answer['yanked']}"))
    return releases


def _proven(registry: Registry, reference: str) -> dict[str, Any]:
    """Raises what the registry says, and Integrity for bytes that are not those of the digest."""
    from pinset.client.release import Release, Standing

    answer = {**registry.sealed(reference)}
    Release(answer, Standing("snapshot"))
    return answer


def _all(problems: Sequence[tuple[str, PinsetError]], asked: int) -> PinsetError:
    """One problem as it is; of several the first one's kind, with every one of them told."""
    first = problems[0][1]
    if len(problems) == 1:
        return first
    told = "; ".join(error.message for _, error in problems)
    details = [{"reference": ref, "code": e.code, "message": e.message, "hint": e.hint} for ref, e in problems]
    message = f"{len(problems)} of {asked} releases cannot be exported: {told}"
    return type(first)(message, hint=first.hint, details={"problems": details})


def _refuse_other(file: Path) -> None:
    """Raises AlreadyExists for a file that is no snapshot, before anything is fetched."""
    from pinset.client import snapshot as snapshots
    from pinset.errors import AlreadyExists, InvalidInput

    if not os.path.lexists(file):
        return
    try:
        snapshots.load(file)
    except InvalidInput as error:
        raise AlreadyExists(f"{file} exists, and is no snapshot", hint="name another file") from error


def _write(file: Path, text: str) -> None:
    """Replace a file whole: whoever reads it finds the old snapshot or the new one."""
    from pinset.errors import ReadOnly

    building = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        with building.open("x", encoding="utf-8") as open_file:
            open_file.write(text)
            open_file.flush()
            os.fsync(open_file.fileno())
        building.replace(file)
    except OSError as error:
        raise ReadOnly(f"{file} cannot be written: {error.strerror}", hint=output.way_to_write(error)) from error
    finally:
        building.unlink(missing_ok=True)


def _head(answer: Mapping[str, Any]) -> dict[str, Any]:
    alias = answer["alias"] or {}
    told = {key: answer[key] for key in ("ref", "bundle", "version", "label", "digest")}
    return {**told, "alias": alias.get("name"), "seq": alias.get("seq")}


def _as(answer: Mapping[str, Any]) -> str:
    return f"{answer['alias']['name']}  " if answer["alias"] else ""
