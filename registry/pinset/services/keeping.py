"""A directory that is there whole or not at all: how registries and backups are made."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pinset.errors import AlreadyExists, ReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def built_aside(target: Path, *, what: str, taken: str) -> Iterator[Path]:
    """A directory to fill, which becomes ``target`` on a clean exit, durable; on any other it is gone.

    what: begins the error for a disk that refuses, as in "the backup cannot be written". taken: the way out where
    the target is not empty. Raises AlreadyExists, ReadOnly.
    """
    building = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise AlreadyExists(f"{target} is not an empty directory", hint=taken)
        building.mkdir(parents=True)
        yield building
        _sync(building)
        if target.exists():
            target.rmdir()
        building.rename(target)
        _sync_one(target.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReadOnly(f"{what}: {reason}", hint="check the disk and the permissions, then try again") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _sync(directory: Path) -> None:
    for folder, _, files in os.walk(directory):
        for name in files:
            _sync_one(Path(folder) / name)
        _sync_one(Path(folder))


def _sync_one(path: Path) -> None:
    if path.is_symlink():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
