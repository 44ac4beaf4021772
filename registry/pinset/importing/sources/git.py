"""The history of a path in a git repository: each commit that changed it is a version, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pinset.domain.checks.texts import FILES_LIMIT, RELEASE_LIMIT, TEXT_LIMIT
from pinset.domain.exchange.incoming import THERE, Incoming, Lost, Taken
from pinset.domain.manifest import draft
from pinset.domain.manifest.loading import MANIFEST_NAMES
from pinset.domain.names import file_path
from pinset.domain.provenance import AUTHORS, LIMITS
from pinset.errors import InvalidInput, InvalidName, NotFound, PinsetError, TooLarge
from pinset.importing import shapes
from pinset.importing.objects import FOLDER, LINK, MODULE, Entry, Objects, reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.importing.gitting import Repository
    from pinset.importing.objects import Commit

_RENAMES: Final = 100
"""Renames that are followed, one after another."""
_NEAR: Final = 2_000
"""Files of a folder that one of its files may name."""
_DEPTH: Final = 32
_OURS: Final = ("manifest.json", "components")
"""At the top of a bundle's folder: what the registry writes itself."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A commit, and what the path was called then."""

    commit: str
    path: str


class GitSource:
    """Implements `pinset.domain.exchange.incoming.Resumable`.

    path: of a bundle's folder, of a folder of prompts, or of a file of a known format, from the top; all of the versions
    have one name: what the newest manifest says, else the path's. Raises NotFound where no commit has the path.
    """

    system = "git"

    def __init__(self, repository: Repository, path: str) -> None:
        self._repository = repository
        self._path = _plain(path)
        self._known: Callable[[str, str], bool] = lambda _name, _origin: False
        self._steps = _steps(repository, self._path)
        if not self._steps:
            raise NotFound(
                f"no commit of {repository.address} has {path}",
                hint="name a path from the top: git log --oneline -- PATH",
            )

    def count(self) -> int | None:
        """How many commits changed the path."""
        return len(self._steps)

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """Leave out what is here already: its content is not read again."""
        self._known = known

    def versions(self) -> Iterator[Incoming]:
        """A version for each commit whose content is another than before; what is deleted is told with a neighbour."""
        with reading(self._repository) as objects:
            name = self._name(objects)
            if self._repository.lacks:
                self._repository.fetch(self._wanted(objects, name))
            held: Incoming | None = None
            gone: list[Lost] = []
            before: Entry | None = None
            for step in self._steps:
                commit = objects.commit(step.commit)
                entry = objects.at(commit.tree, step.path)
                if entry is None:
                    if before is not None:
                        gone.append(
                            Lost(
                                what=commit.oid[:10], why=f"{step.path} was deleted by this commit: no version is made"
                            )
                        )
                elif entry != before:
                    if held is not None:
                        yield held
                    held, gone = _with(self._incoming(objects, name, step, commit, entry), gone), []
                before = entry
            if held is not None:
                yield _with(held, gone)

    def _incoming(self, objects: Objects, name: str, step: _Step, commit: Commit, entry: Entry) -> Incoming:
        origin = self._origin(commit.oid)
        one = Incoming(
            name=name,
            taken=THERE,
            origin=origin,
            label=f"{commit.day}-{commit.oid[:10]}",
            message=commit.message,
            at=commit.at,
            source={
                "repository": self._repository.address[: LIMITS["repository"]],
                "commit": commit.oid,
                "path": step.path[: LIMITS["path"]],
            },
        )
        if self._known(name, origin):
            return one
        try:
            return replace(
                one, taken=self._taken(objects, step, commit, entry), authors=self._authors(objects, step, commit)
            )
        except PinsetError as error:
            return replace(one, taken=Taken(files={}), problem=error)

    def _origin(self, commit: str) -> str:
        return f"git:{self._repository.address}/{self._path}@{commit}"

    def _authors(self, objects: Objects, step: _Step, commit: Commit) -> tuple[str, ...]:
        """Who wrote it: of a merge, whoever wrote what it brought in."""
        found = [commit.author]
        if len(commit.parents) > 1:
            joined = self._repository.joined(commit.oid, step.path, 3 * AUTHORS)
            found = [objects.commit(one).author for one in joined if one != commit.oid] or found
        return tuple(dict.fromkeys(filter(None, found)))[:AUTHORS]

    def _taken(self, objects: Objects, step: _Step, commit: Commit, entry: Entry) -> Taken:
        """What a state comes to. Raises InvalidInput."""
        if entry.mode in (LINK, MODULE):
            what = "a symbolic link" if entry.mode == LINK else "a submodule"
            raise InvalidInput(f"{step.path} is {what} in {commit.oid[:10]}", hint="name what it leads to")
        if entry.mode == FOLDER:
            files, lost = _files(objects, entry)
            taken = shapes.take_folder(files)
            return Taken(files=taken.files, lost=(*lost, *taken.lost))
        folder, _, name = step.path.rpartition("/")
        around = objects.at(commit.tree, folder)
        if around is None:
            raise AssertionError("a file that is there is in a folder")
        return shapes.take_file(name, Beside(objects, around))

    def _name(self, objects: Objects) -> str:
        """What all versions are called: as the newest manifest says, else as the path."""
        said = shapes.stem_of(self._path).rpartition("/")[2] or shapes.stem_of(self._path)
        for step in reversed(self._steps):
            entry = objects.at(objects.commit(step.commit).tree, step.path)
            if entry is None:
                continue
            held = objects.folder(entry.oid) if entry.mode == FOLDER else {}
            said = said if entry.mode != FOLDER else self._path.rpartition("/")[2]
            manifests = [name for name in MANIFEST_NAMES if name in held]
            if len(manifests) == 1:
                self._repository.fetch([held[manifests[0]].oid])
                text = objects.text(held[manifests[0]].oid, manifests[0], TEXT_LIMIT)
                said = draft.read({manifests[0]: text}).bundle or said
            break
        return said or self._repository.address.rstrip("/").rpartition("/")[2].removesuffix(".git") or "imported"

    def _wanted(self, objects: Objects, name: str) -> Iterator[str]:
        """The contents that are not here yet, each once."""
        seen: set[str] = set()
        for step in self._steps:
            if self._known(name, self._origin(step.commit)):
                continue
            tree = objects.commit(step.commit).tree
            entry = objects.at(tree, step.path)
            if entry is None or entry.mode in (LINK, MODULE):
                continue
            around = entry if entry.mode == FOLDER else objects.at(tree, step.path.rpartition("/")[0])
            for path, one in _walked(objects, around or entry):
                if one.mode not in (LINK, MODULE) and (
                    entry.mode == FOLDER or one == entry or shapes.may_be_needed(path)
                ):
                    seen.add(one.oid)
        yield from sorted(seen)


class Beside(Mapping[str, str]):
    """The texts of a folder and of those below it by their paths from it, read when they are asked for."""

    def __init__(self, objects: Objects, folder: Entry) -> None:
        self._objects, self._folder = objects, folder

    def __getitem__(self, path: str) -> str:
        found = self._objects.at(self._folder.oid, path)
        if found is None or found.mode in (FOLDER, LINK, MODULE):
            raise KeyError(path)
        return self._objects.text(found.oid, path, TEXT_LIMIT)

    def __contains__(self, path: object) -> bool:
        found = self._objects.at(self._folder.oid, path) if isinstance(path, str) else None
        return found is not None and found.mode not in (FOLDER, LINK, MODULE)

    def __iter__(self) -> Iterator[str]:
        for seen, (path, entry) in enumerate(_walked(self._objects, self._folder)):
            if seen < _NEAR and entry.mode not in (LINK, MODULE) and shapes.may_be_needed(path):
                yield path

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _with(one: Incoming, lost: list[Lost]) -> Incoming:
    """A version with more to tell of; of one that is here already nothing is told again."""
    if not lost or one.taken is THERE:
        return one
    return replace(one, taken=Taken(files=one.taken.files, lost=(*lost, *one.taken.lost)))


def _plain(path: str) -> str:
    """A path from the top, as git writes it. Raises InvalidInput."""
    steps = [step for step in path.split("/") if step not in ("", ".")]
    if ".." in steps or path.startswith("/") or not path.isprintable():
        raise InvalidInput(f"{path!r:.80} is no path in a repository", hint="name it from the top: prompts/support")
    return "/".join(steps)


def _steps(repository: Repository, path: str) -> list[_Step]:
    """The commits that changed a path, the oldest first, under the names that it had."""
    found: list[_Step] = []
    tip, here = repository.tip, path
    for _ in range(_RENAMES):
        commits = repository.commits(here, tip)
        found += [_Step(commit, here) for commit in commits]
        before = _before(repository, commits[-1], here) if commits and here else None
        if before is None:
            break
        tip, here = f"{commits[-1]}^1", before
    return found[::-1]


def _before(repository: Repository, commit: str, path: str) -> str | None:
    """What a path was called before the commit that made it; None where it is new."""
    if not repository.run("rev-list", "--max-count=1", "--min-parents=1", f"{commit}^!").strip():
        return None
    moved = repository.renamed(commit)
    for old, new in moved:
        if new == path:
            return old
    inside = [(old, new[len(path) :]) for old, new in moved if new.startswith(f"{path}/")]
    folders = [old.removesuffix(rest) for old, rest in inside if old.endswith(rest) and old != rest.lstrip("/")]
    return max(set(folders), key=folders.count) if 2 * len(folders) > len(inside) else None


def _walked(objects: Objects, folder: Entry, before: str = "", depth: int = 0) -> Iterator[tuple[str, Entry]]:
    """Every file below a folder that is not hidden, by its path from there, in git's order."""
    if folder.mode != FOLDER:
        yield before, folder
        return
    for name, entry in objects.folder(folder.oid).items():
        if name.startswith(".") or (entry.mode == FOLDER and (name == "__pycache__" or depth >= _DEPTH)):
            continue
        path = f"{before}{name}"
        if entry.mode == FOLDER:
            yield from _walked(objects, entry, f"{path}/", depth + 1)
        else:
            yield path, entry


def _files(objects: Objects, folder: Entry) -> tuple[dict[str, str], list[Lost]]:
    """The texts of a folder, within a release's limits. What is no text is left out, unless the manifest names it."""
    held = objects.folder(folder.oid)
    manifests = [name for name in MANIFEST_NAMES if name in held]
    named = "".join(objects.text(held[name].oid, name, TEXT_LIMIT) for name in manifests)
    files: dict[str, str] = {}
    lost: list[Lost] = []
    size = 0
    for path, entry in _walked(objects, folder):
        if manifests and path.split("/")[0] in _OURS:
            continue
        try:
            files[path] = _text(objects, path, entry, strict=bool(manifests))
        except (InvalidInput, TooLarge) as error:
            if path in named or path in manifests:
                raise
            lost.append(Lost(what=path, why=f"it is left out: {error.message}"))
            continue
        size += len(files[path].encode())
        if len(files) > FILES_LIMIT or size > RELEASE_LIMIT:
            most = f"{FILES_LIMIT} files" if len(files) > FILES_LIMIT else f"{RELEASE_LIMIT:,} bytes"
            raise TooLarge(f"the folder holds more than {most}", hint="name a folder of the bundle alone")
    return files, lost


def _text(objects: Objects, path: str, entry: Entry, *, strict: bool) -> str:
    if entry.mode in (LINK, MODULE):
        raise InvalidName(
            f"{path} is a {'symbolic link' if entry.mode == LINK else 'submodule'}", hint="put the file there"
        )
    if strict:
        file_path(path)
    return objects.text(entry.oid, path, TEXT_LIMIT)
