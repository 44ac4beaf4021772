"""Releases as files of other tools, one for each prompt: what every such format of `pinset export` has in common."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset_cli import output
from pinset_cli.locate import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pinset.domain.exchange.telling import Told
    from pinset_cli.exporting import Asked

    Tell = Callable[[Mapping[str, Any]], Told]


@dataclass(frozen=True, slots=True)
class _Item:
    """A release, and what it comes to. files: texts by where they go."""

    document: Mapping[str, Any]
    told: Told
    files: Mapping[Path, str]


def export(asked: Asked, tell: Tell, *, form: str, ending: str) -> None:
    """Write the releases that were named, and say what could not be carried. ending: of the format's files.

    Into the file that was named, where there is one prompt; else into the directory.
    """
    place = asked.file or Path()
    with opened(asked.options) as registry:
        documents = [registry.release(target) for target in asked.targets]
    items = _placed([(document, tell(document)) for document in documents], place, ending)
    _refuse_others(path for item in items for path in item.files)
    if not asked.options.dry_run:
        for item in items:
            for path, text in item.files.items():
                _write(path, text)
        output.done(f"{output.count(sum(len(item.files) for item in items), 'file')} written")
    if asked.options.as_json:
        output.show_json({"format": form, "items": [_as_json(item) for item in items]})
    else:
        for item in items:
            for path in item.files:
                output.say(output.on_one_line(f"{item.document['ref']}  {path}"))
    for item in items:
        if item.document.get("yanked"):
            output.talk(output.safe(f"warning: {item.document['ref']} is yanked: {item.document['yanked']}"))
        for lost in item.told.lost:
            output.talk(output.safe(f"not carried: {item.document['ref']}: {lost.what}: {lost.why}"))
    output.unchanged(dry_run=asked.options.dry_run)


def _placed(told: list[tuple[Mapping[str, Any], Told]], place: Path, ending: str) -> list[_Item]:
    """Where each file goes. Raises InvalidInput for several that would go into one."""
    from pinset.errors import InvalidInput

    files = [name for _, one in told for name in one.files]
    if place.name.endswith(ending) and not place.is_dir():
        if len(files) > 1:
            hint = f"name a directory: -o {place.parent / place.stem}"
            raise InvalidInput(f"there are {len(files)} prompts, and {place} is one file", hint=hint)
        return [_Item(document, one, dict.fromkeys([place], next(iter(one.files.values())))) for document, one in told]
    doubled = sorted({name for name in files if files.count(name) > 1})
    apart = bool(doubled) or (len(told) > 1 and any(len(one.files) > 1 for _, one in told))
    return [
        _Item(document, one, {_path(place, document, name, apart=apart): text for name, text in one.files.items()})
        for document, one in told
    ]


def _path(place: Path, document: Mapping[str, Any], name: str, *, apart: bool) -> Path:
    """Where a file goes: where several releases have many, each has a folder of its own."""
    return place / f"{document['bundle']}-v{document['version']}" / name if apart else place / name


def _refuse_others(paths: Iterable[Path]) -> None:
    """Raises AlreadyExists for what is there already, before anything is written."""
    from pinset.errors import AlreadyExists

    for path in paths:
        if os.path.lexists(path):
            raise AlreadyExists(f"{path} exists", hint="name another directory with -o, or remove it")


def _write(path: Path, text: str) -> None:
    """Put a file in its place once all of it is written. Raises ReadOnly."""
    from pinset.errors import ReadOnly

    building = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with building.open("x", encoding="utf-8", newline="") as open_file:
            open_file.write(text)
            open_file.flush()
            os.fsync(open_file.fileno())
        building.replace(path)
    except OSError as error:
        raise ReadOnly(f"{path} cannot be written: {error.strerror}", hint=output.way_to_write(error)) from error
    finally:
        building.unlink(missing_ok=True)


def _as_json(item: _Item) -> dict[str, Any]:
    head = {key: item.document[key] for key in ("ref", "bundle", "version", "label", "digest")}
    lost = [{"what": one.what, "why": one.why} for one in item.told.lost]
    return {**head, "files": [str(path) for path in item.files], "lost": lost}
