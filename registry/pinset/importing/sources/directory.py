"""Prompts in a directory: each bundle directory, and each file of a format that is known, is a bundle."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.domain.exchange.promptfoo import NAMES as CONFIGS
from pinset.domain.manifest import draft
from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.errors import InvalidInput, NotFound, PermissionDenied, PinsetError
from pinset.importing import shapes
from pinset.working import files as working

if TYPE_CHECKING:
    from collections.abc import Callable

_NEAR: Final = 2_000
"""Files of a folder that one of its files may name."""
_NOTHING: Final = Taken(files={})


class DirectorySource:
    """Implements `pinset.domain.exchange.incoming.Resumable`. wanted: one of `shapes.FORMATS`.

    A bundle directory keeps the name that its manifest says; else a name is the path from the directory, without the
    ending. Raises NotFound where there is nothing at the path.
    """

    system = "files"

    def __init__(self, path: Path, wanted: str = shapes.AUTO) -> None:
        if not path.exists():
            raise NotFound(f"there is no {path}", hint="name a directory of prompts, or a file")
        self._path, self._wanted = path, wanted
        self._names: dict[str, str] = {}
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """Tell nothing of what is here already."""
        self._known = known

    def count(self) -> int | None:
        """How many bundles it will be, by the names of files alone."""
        return sum(1 for _ in self._found())

    def versions(self) -> Iterator[Incoming]:
        """Each bundle once, by path. One that cannot be read says why."""
        for place in self._found():
            yield self._incoming(place)

    def _found(self) -> Iterator[Path]:
        """Bundle directories, folders of promptfoo, and files, in a fixed order; nothing hidden, no link."""
        if self._path.is_file():
            yield self._path
            return
        for folder, folders, names in os.walk(self._path, onerror=_unreadable):
            here = Path(folder)
            if any(name in names for name in MANIFEST_NAMES):
                folders.clear()
                if self._wanted == shapes.AUTO:
                    yield here
                continue
            folders[:] = sorted(
                one for one in folders if not one.startswith((".", "__")) and not (here / one).is_symlink()
            )
            config = next((name for name in CONFIGS if name in names), None)
            if config is not None and self._wanted in (shapes.AUTO, "promptfoo"):
                folders.clear()
                yield here / config
                continue
            for name in sorted(names):
                if not name.startswith(".") and shapes.format_of(name, self._wanted) and _is_inside(here, name):
                    yield here / name

    def _incoming(self, place: Path) -> Incoming:
        base = self._path if self._path.is_dir() else self._path.parent
        inside = place.relative_to(base).as_posix()
        name = shapes.stem_of(inside) if place.is_file() else inside
        name = name if name not in ("", ".") else base.absolute().name
        try:
            taken, name = self._taken(place, name)
            self._note(name, inside)
        except PinsetError as error:
            return Incoming(name=name, taken=_NOTHING, origin=f"file:{inside}", problem=error)
        origin = f"file:{inside}#{_mark(taken)}"
        return Incoming(name=name, taken=THERE if self._known(name, origin) else taken, origin=origin)

    def _taken(self, place: Path, name: str) -> tuple[Taken, str]:
        if place.is_file():
            return shapes.take_file(place.name, Folder(place.parent), self._wanted), name
        lost: list[Lost] = []
        files = working.read_bundle(place, lambda why: lost.append(Lost(what="a file of the bundle", why=why)))
        return Taken(files=files, lost=tuple(lost)), draft.read(files).bundle or name

    def _note(self, name: str, inside: str) -> None:
        """Raises InvalidInput where another file has the name: they are no versions of each other."""
        other = self._names.setdefault(name, inside)
        if other != inside:
            raise InvalidInput(f"{inside} would be the bundle {name}, as {other} is", hint="rename one of them")


class Folder(Mapping[str, str]):
    """The texts of a folder and of those below it by their paths from it, read when they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: list[str] | None = None

    def __getitem__(self, path: str) -> str:
        target = self._folder / path
        if path not in self:
            raise KeyError(path)
        try:
            return next(iter(working.read_component(target).values()))
        except NotFound as error:
            raise KeyError(path) from error

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and _is_inside(self._folder, path)

    def __iter__(self) -> Iterator[str]:
        if self._listed is None:
            self._listed = sorted(_below(self._folder, shapes.may_be_needed))
        return iter(self._listed)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _unreadable(error: OSError) -> NoReturn:
    """A folder that is left out in silence would be prompts that nobody misses until they are wanted."""
    raise PermissionDenied(f"{error.filename} cannot be read: {error.strerror}", hint="check its permissions")


def _is_inside(folder: Path, path: str) -> bool:
    """Whether a path leads to a file below a folder, over no link: a file names what it likes."""
    steps = path.split("/")
    if path.startswith("/") or ".." in steps:
        return False
    mode = 0
    try:
        for step in steps:
            folder = folder / step
            mode = folder.lstat().st_mode
            if stat.S_ISLNK(mode):
                return False
    except (OSError, ValueError):  # a name that is too long, or none
        return False
    return stat.S_ISREG(mode)


def _below(folder: Path, fits: Callable[[str], bool]) -> Iterator[str]:
    seen = 0
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for name in sorted(names):
            if fits(name) and not (Path(at) / name).is_symlink():
                seen += 1
                if seen > _NEAR:
                    return
                yield (Path(at) / name).relative_to(folder).as_posix()


def _mark(taken: Taken) -> str:
    """What tells one content from another."""
    seen = hashlib.sha256()
    for path, text in sorted(taken.files.items()):
        for part in (path, text):
            data = part.encode()
            seen.update(len(data).to_bytes(8, "big") + data)
    return seen.hexdigest()[:32]
