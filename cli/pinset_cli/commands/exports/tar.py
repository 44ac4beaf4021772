"""A tar: every version of bundles, and of the shared components that they hold."""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from pinset_cli import output
from pinset_cli.locate import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset_cli.exporting import Asked

_STDOUT: Final = Path("-")


def export(asked: Asked) -> None:
    """Write all versions of the bundles that were named, or of all; ``-`` is stdout."""
    from pinset.importing.exporting import export as write
    from pinset_cli.progress import progress

    file, dry_run = asked.file or Path("export.tar"), asked.options.dry_run
    bundles = None if asked.everything else [_bundle(target) for target in asked.targets]
    with opened(asked.options) as registry, _written(file, dry_run=dry_run) as stream:
        done = write(registry, stream, bundles, progress=progress())
    told = {
        "bundles": done.bundles,
        "releases": done.releases,
        "components": done.components,
        "purged": done.purged,
    }
    if file == _STDOUT and not dry_run:
        return
    if asked.options.as_json:
        output.show_json({"format": "tar", "file": str(file), **told})
    else:
        held = f"{output.count(done.releases, 'release')} of {output.count(done.bundles, 'bundle')}"
        shared = f", {output.count(done.components, 'version')} of shared components" if done.components else ""
        output.say(output.on_one_line(f"{file}: {held}{shared}"))
        if done.purged:
            output.talk(f"{output.count(done.purged, 'version')} not in it: purged, so that the content is gone")
        if not dry_run:
            output.advise(f"next: pinset import tar {file}, in another registry")
    output.unchanged(dry_run=dry_run)


def _bundle(target: str) -> str:
    """The bundle that was named. Raises InvalidReference for one of its releases: a tar has all of them."""
    from pinset.domain.names import bundle_name
    from pinset.errors import InvalidReference

    name, at, _ = target.partition("@")
    if at:
        raise InvalidReference(
            f"a tar has every release of a bundle, and {target} is one", hint=f"pinset export {name} --to tar"
        )
    return bundle_name(name)


@contextmanager
def _written(file: Path, *, dry_run: bool) -> Iterator[BinaryIO]:
    """A stream whose content is the file once all of it is written. Raises AlreadyExists, ReadOnly."""
    from pinset.errors import ReadOnly

    if dry_run:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
            yield nowhere
        return
    if file == _STDOUT:
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise output.unwritable(error) from error
        return
    _refuse_other(file)
    building = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        with building.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        building.replace(file)
    except OSError as error:
        raise ReadOnly(f"{file} cannot be written: {error.strerror}", hint=output.way_to_write(error)) from error
    finally:
        building.unlink(missing_ok=True)


def _refuse_other(file: Path) -> None:
    """Raises AlreadyExists for a file that is no export, before anything is read."""
    from pinset.domain.exchange.archive import BEGIN
    from pinset.errors import AlreadyExists

    if not os.path.lexists(file):
        return
    try:
        with file.open("rb") as there:
            begins = there.read(len(BEGIN) + 1)
    except OSError:
        begins = b""
    if begins != BEGIN.encode() + b"\0":
        raise AlreadyExists(f"{file} exists, and is no export", hint="name another file: -o FILE")
