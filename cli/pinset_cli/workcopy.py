"""Reading a working copy: the author's files, and nothing that was not meant to be published."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pinset.domain.checks.texts import FILES_LIMIT, RELEASE_LIMIT, TEXT_LIMIT
from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.errors import InvalidInput, InvalidName, NotFound, TooLarge

_IGNORED = ("manifest.json", "components")
"""At the top: written by the registry, and by `pull` of an older program."""


def read_bundle(directory: Path) -> dict[str, str]:
    """The texts of a bundle directory by path. Raises NotFound without a manifest, and for what cannot be published."""
    if not directory.is_dir():
        raise NotFound(f"there is no directory {directory}", hint="begin one: pinset new NAME")
    if not any((directory / name).exists() for name in MANIFEST_NAMES):
        raise NotFound(f"{directory} has no release.yaml", hint="begin a bundle directory: pinset new NAME")
    return read_tree(directory)


def read_component(path: Path) -> dict[str, str]:
    """The texts of a component: one file, or a directory."""
    if path.is_dir():
        return read_tree(path)
    return {path.name: _read(path, path.name)}


def read_tree(directory: Path) -> dict[str, str]:
    """Every file below a directory but hidden ones, within the limits. Raises InvalidName for links."""
    found: dict[str, str] = {}
    total = 0
    for folder, folders, files in os.walk(directory):
        base = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        for name in sorted([*files, *(one for one in folders if (base / one).is_symlink())]):
            path = base / name
            inside = path.relative_to(directory).as_posix()
            if name.startswith(".") or inside.split("/")[0] in _IGNORED:
                continue
            text = _read(path, inside)
            total += len(text)
            if len(found) >= FILES_LIMIT:
                raise TooLarge(
                    f"{directory} holds more than {FILES_LIMIT} files", hint="keep a bundle in a directory of its own"
                )
            if total > RELEASE_LIMIT:
                raise TooLarge(
                    f"the texts of {directory} are over {RELEASE_LIMIT:,} bytes", hint="pin large data by digest"
                )
            found[inside] = text
    return found


def write_tree(directory: Path, files: dict[str, str]) -> None:
    """Write files below a directory that is empty or holds the same."""
    if directory.exists() and any(directory.iterdir()):
        same = all(
            (directory / path).is_file() and _read(directory / path, path) == text for path, text in files.items()
        )
        if same and set(read_tree(directory)) == set(files):
            return
        raise InvalidInput(f"{directory} is not empty", hint="name a new directory")
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def _read(path: Path, shown: str) -> str:
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise InvalidName(f"{shown} is a symbolic link", hint="put the file itself there")
        if not stat.S_ISREG(status.st_mode):
            raise InvalidName(f"{shown} is no regular file", hint="remove it")
        if status.st_size > TEXT_LIMIT:
            raise TooLarge(
                f"{shown} has {status.st_size:,} bytes, and a text may have {TEXT_LIMIT:,}",
                hint="keep large data elsewhere and pin it by digest",
            )
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{shown} is not UTF-8 text", hint="move it out of the directory, or pin it by digest"
        ) from error
    except OSError as error:
        raise InvalidInput(f"{shown} cannot be read: {error.strerror}", hint="check its permissions") from error
