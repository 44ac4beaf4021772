"""The texts of a directory: read within the limits, links never followed.

Every file below the directory is read but hidden ones, so that the registry can say which of them the manifest does
not name. What could not be published anyway (no UTF-8, too large) stops the reader only where the manifest's text
mentions its path; else it is left out, and that is said: a picture beside the prompts is nobody's mistake. Links always
stop it.
"""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.checks.texts import FILES_LIMIT, RELEASE_LIMIT, TEXT_LIMIT
from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.errors import InvalidInput, InvalidName, NotFound, TooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COMPONENT_MANIFESTS: Final = ("component.yaml", "component.yml", "component.json")
_IGNORED: Final = ("manifest.json", "components")
"""At the top: written by the registry, and by `pull` of an older program."""


def _silent(text: str) -> None:
    """Nobody is told."""


def read_bundle(directory: Path, left_out: Callable[[str], None] = _silent) -> dict[str, str]:
    """The texts of a bundle directory by path. Raises NotFound without a manifest, and for what cannot be published."""
    if directory.is_file():
        raise InvalidInput(
            f"{directory} is a file, and a bundle is a directory", hint=f"name its directory: {directory.parent}"
        )
    if not directory.is_dir():
        raise NotFound(f"there is no directory {directory}", hint="begin one: pinset new NAME")
    if not any(os.path.lexists(directory / name) for name in MANIFEST_NAMES):
        raise NotFound(f"{directory} has no release.yaml", hint="begin a bundle directory: pinset new NAME")
    return read_tree(directory, left_out, manifests=MANIFEST_NAMES)


def read_component(path: Path, left_out: Callable[[str], None] = _silent) -> dict[str, str]:
    """The texts of a component: one file, or a directory."""
    if path.is_dir():
        return read_tree(path, left_out, manifests=_COMPONENT_MANIFESTS)
    if path.is_symlink():
        raise InvalidName(f"{path} is a symbolic link", hint=f"name the file itself: {os.path.realpath(path)}")
    if path.exists() and not path.is_file():
        raise InvalidName(f"{path} is not a regular file", hint="name a text file, or a directory of text files")
    return {path.name: _read(path, path.name)}


def read_tree(
    directory: Path, left_out: Callable[[str], None] = _silent, *, manifests: tuple[str, ...] = ()
) -> dict[str, str]:
    """Every file below a directory but hidden ones, within the limits.

    manifests: names at the top; what no text of theirs mentions may be unfit, and is then left out. left_out: is told
    which that is, and why.
    """
    named = "".join(_read(directory / name, name) for name in manifests if os.path.lexists(directory / name))
    found: dict[str, str] = {}
    total = 0
    for path in _walk(directory):
        inside = path.relative_to(directory).as_posix()
        try:
            text = _read(path, inside)
        except (InvalidInput, TooLarge) as error:
            if isinstance(error, InvalidName) or not manifests or inside in named or inside in manifests:
                raise
            left_out(error.message)
            continue
        found[inside] = text
        total += len(text.encode())
        if len(found) > FILES_LIMIT:
            raise TooLarge(
                f"{directory} holds more than {FILES_LIMIT} files", hint="keep a bundle in a directory of its own"
            )
        if total > RELEASE_LIMIT:
            raise TooLarge(
                f"the texts of {directory} are over {RELEASE_LIMIT:,} bytes", hint="pin large data by its digest"
            )
    return found


def mark_of(*places: Path) -> str:
    """A text that changes when files, or those below directories, do: by name, size and time, none of them read."""
    seen = hashlib.sha256()
    for place in places:
        for path in _walk(place) if place.is_dir() else [place]:
            with suppress(OSError):
                status = path.lstat()
                seen.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape"))
    return seen.hexdigest()


def _walk(directory: Path) -> Iterator[Path]:
    """Files in a fixed order, links to directories among them: they are refused, not followed."""
    for folder, folders, files in os.walk(directory):
        base = Path(folder)
        kept = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        if base == directory:
            kept = [name for name in kept if name not in _IGNORED]
        links = [name for name in kept if (base / name).is_symlink()]
        folders[:] = [name for name in kept if name not in links]
        for name in sorted([*files, *links]):
            if not name.startswith(".") and not (base == directory and name in _IGNORED):
                yield base / name


def _read(path: Path, shown: str) -> str:
    """One text. What is looked at is what is read: the file may not become another in between."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(opened, "rb") as file:  # noqa: PTH123 - a descriptor, opened without following links
            status = os.fstat(opened)
            if not stat.S_ISREG(status.st_mode):
                raise InvalidName(f"{shown} is not a regular file", hint="move it out of the directory")
            content = file.read(TEXT_LIMIT + 1) if status.st_size <= TEXT_LIMIT else b""
            if max(status.st_size, len(content)) > TEXT_LIMIT:
                raise TooLarge(
                    f"{shown} has {status.st_size:,} bytes, and a text may have {TEXT_LIMIT:,}",
                    hint="keep large data elsewhere and pin it by its digest",
                )
            return content.decode()
    except FileNotFoundError as error:
        raise NotFound(f"there is no {path}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{shown} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8, or pin it by its digest"
        ) from error
    except OSError as error:
        if path.is_symlink():
            raise InvalidName(f"{shown} is a symbolic link", hint="put the file itself there") from error
        raise InvalidInput(f"{shown} cannot be read: {error.strerror}", hint="check its permissions") from error
