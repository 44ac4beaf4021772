"""Working copies: the author's files, read as `pinset.working` does and written where nothing is lost."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING

from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.errors import AlreadyExists, InvalidInput, NotFound, PinsetError, ReadOnly
from pinset.working import files
from pinset_cli import output

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def read_bundle(directory: Path) -> dict[str, str]:
    """The texts of a bundle directory by path. Raises NotFound without a manifest, and for what cannot be published."""
    return files.read_bundle(directory, _left_out)


def holding(files: Iterable[Path]) -> list[Path]:
    """The bundle directories that hold these files, each once: the nearest above a file that has a manifest."""
    found: dict[Path, None] = {}
    for file in files:
        for directory in (file, *file.parents):
            if any((directory / name).is_file() for name in MANIFEST_NAMES):
                found[directory] = None
                break
    return list(found)


def read_component(path: Path) -> dict[str, str]:
    """The texts of a component: one file, or a directory."""
    return files.read_component(path, _left_out)


def _left_out(why: str) -> None:
    output.talk(output.safe(f"left out: {why}"))


def begin(directory: Path, texts: Mapping[str, str]) -> None:
    """Write the files of a new bundle beside whatever is there. Raises AlreadyExists, before anything is written."""
    taken = [name for name in (*MANIFEST_NAMES, *texts) if os.path.lexists(directory / name)]
    if taken:
        raise AlreadyExists(f"{directory / taken[0]} exists", hint="name another directory; nothing is overwritten")
    try:
        _write(directory, texts)
    except OSError as error:
        raise _unwritable(directory, error) from error


def write_tree(directory: Path, texts: Mapping[str, str]) -> bool:
    """Make a directory that holds these files, all or none; False where it holds exactly them already.

    Raises AlreadyExists for a directory with anything else in it, and for what is not a directory.
    """
    if os.path.lexists(directory) and not directory.is_dir():
        what = "a link that leads nowhere" if not directory.exists() else "not a directory"
        raise AlreadyExists(f"{directory} is {what}", hint="name a new directory")
    building = directory.parent / f".{directory.name}.{uuid.uuid4().hex[:8]}"
    try:
        if directory.is_dir() and any(directory.iterdir()):
            if _holds(directory, texts):
                return False
            raise AlreadyExists(f"{directory} is not empty, and holds something else", hint="name a new directory")
        _write(building, texts)
        if directory.is_dir():
            for entry in building.iterdir():
                entry.rename(directory / entry.name)
        else:
            building.rename(directory)
    except OSError as error:
        raise _unwritable(directory, error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return True


def _unwritable(directory: Path, error: OSError) -> PinsetError:
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return AlreadyExists(f"{directory} cannot be made: a file is in the way", hint="name a new directory")
    return ReadOnly(f"{directory} cannot be written: {error.strerror}", hint=output.way_to_write(error))


def _holds(directory: Path, texts: Mapping[str, str]) -> bool:
    try:
        return files.read_tree(directory) == dict(texts)
    except (InvalidInput, NotFound):
        return False


def _write(directory: Path, texts: Mapping[str, str]) -> None:
    for path, text in texts.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
