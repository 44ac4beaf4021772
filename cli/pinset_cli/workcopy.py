"""Working copies: the author's files, read within the limits and written where nothing is lost.

Every file below the directory is read but hidden ones, so that the server can say which of them the manifest does
not name. What could not be published anyway (no UTF-8, too large) stops the command only where the manifest's text
mentions its path; else it is left out, and that is said: a picture beside the prompts is nobody's mistake. Links always stop it.
"""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.domain.checks.texts import FILES_LIMIT, RELEASE_LIMIT, TEXT_LIMIT
from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.errors import AlreadyExists, InvalidInput, InvalidName, NotFound, PinsetError, ReadOnly, TooLarge
from pinset_cli import output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COMPONENT_MANIFESTS: Final = ("component.yaml", "component.yml", "component.json")
_IGNORED: Final = ("manifest.json", "components")
"""At the top: written by the registry, and by `pull` of an older program."""


def read_bundle(directory: Path) -> dict[str, str]:
    """The texts of a bundle directory by path. Raises NotFound without a manifest, and for what cannot be published."""
    if directory.is_file():
        raise InvalidInput(
            f"{directory} is a file, and a bundle is a directory", hint=f"name its directory: {directory.parent}"
        )
    if not directory.is_dir():
        raise NotFound(f"there is no directory {directory}", hint="begin one: pinset new NAME")
    if not any(os.path.lexists(directory / name) for name in MANIFEST_NAMES):
        raise NotFound(f"{directory} has no release.yaml", hint="begin a bundle directory: pinset new NAME")
    return read_tree(directory, manifests=MANIFEST_NAMES)


def read_component(path: Path) -> dict[str, str]:
    """The texts of a component: one file, or a directory."""
    if path.is_dir():
        return read_tree(path, manifests=_COMPONENT_MANIFESTS)
    if path.is_symlink():
        raise InvalidName(f"{path} is a symbolic link", hint=f"name the file itself: {path.resolve()}")
    if path.exists() and not path.is_file():
        raise InvalidName(f"{path} is not a regular file", hint="name a text file, or a directory of text files")
    return {path.name: _read(path, path.name)}


def read_tree(directory: Path, *, manifests: tuple[str, ...] = ()) -> dict[str, str]:
    """Every file below a directory but hidden ones, within the limits.

    manifests: names at the top; what no text of theirs mentions may be unfit, and is then left out.
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
            output.talk(output.safe(f"left out: {error.message}"))
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


def begin(directory: Path, files: Mapping[str, str]) -> None:
    """Write the files of a new bundle beside whatever is there. Raises AlreadyExists, before anything is written."""
    taken = [name for name in (*MANIFEST_NAMES, *files) if os.path.lexists(directory / name)]
    if taken:
        raise AlreadyExists(f"{directory / taken[0]} exists", hint="name another directory; nothing is overwritten")
    try:
        _write(directory, files)
    except OSError as error:
        raise _unwritable(directory, error) from error


def write_tree(directory: Path, files: Mapping[str, str]) -> bool:
    """Make a directory that holds these files, all or none; False where it holds exactly them already.

    Raises AlreadyExists for a directory with anything else in it, and for what is not a directory.
    """
    if os.path.lexists(directory) and not directory.is_dir():
        what = "a link that leads nowhere" if not directory.exists() else "not a directory"
        raise AlreadyExists(f"{directory} is {what}", hint="name a new directory")
    building = directory.parent / f".{directory.name}.{uuid.uuid4().hex[:8]}"
    try:
        if directory.is_dir() and any(directory.iterdir()):
            if _holds(directory, files):
                return False
            raise AlreadyExists(f"{directory} is not empty, and holds something else", hint="name a new directory")
        _write(building, files)
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


def _holds(directory: Path, files: Mapping[str, str]) -> bool:
    try:
        return read_tree(directory) == dict(files)
    except (InvalidInput, NotFound):
        return False


def _write(directory: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


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
