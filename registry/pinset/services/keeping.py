"""A directory that is there whole or not at all: how registries and backups are made."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pinset.durable import make_directories, sync, way_out
from pinset.errors import AlreadyExists, InvalidInput, PinsetError, ReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def built_aside(target: Path, *, what: str, taken: str) -> Iterator[Path]:
    """A directory to fill, which becomes ``target`` on a clean exit, durable; on any other it is gone.

    what: begins the error for a disk that refuses, as in "the backup cannot be written". taken: the way out where
    the target is not empty. Raises AlreadyExists, InvalidInput, ReadOnly.
    """
    building = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}"
    above = [path for path in target.parents if not path.exists()]
    try:
        if os.path.lexists(target) and (not target.is_dir() or any(target.iterdir())):
            raise AlreadyExists(f"{target} is not an empty directory", hint=taken)
        make_directories(target.parent)
        building.mkdir()
        yield building
        _sync_all(building)
        if target.exists():
            target.rmdir()
        building.rename(target)
        sync(target.parent)
    except (NotADirectoryError, FileExistsError) as error:
        raise InvalidInput(
            f"{what}: a part of {target.parent} is not a directory", hint="choose another path"
        ) from error
    except OSError as error:
        first = _first(error)
        hint = way_out(first, "check the disk and the permissions, then try again")
        raise ReadOnly(f"{what}: {first.strerror or first}", hint=hint) from error
    except PinsetError as error:
        error.message = error.message.replace(str(building), str(target))
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
        for path in above:
            with suppress(OSError):
                path.rmdir()  # made above, and empty: nothing came of it


def _first(error: OSError) -> OSError:
    """The first of the errors that `shutil` gathers in a list, each as text that names its number."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        text = str(error.args[0][0][-1])
        number = re.match(r"\[Errno (\d+)\]", text)
        return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(text)
    return error


def _sync_all(directory: Path) -> None:
    for folder, _, files in os.walk(directory):
        for path in (*(Path(folder) / name for name in files), Path(folder)):
            if not path.is_symlink():
                sync(path)
