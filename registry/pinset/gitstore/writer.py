"""Writing and moving, in the child process: the part of the store that speaks to libgit2."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pygit2
from pygit2.enums import ConfigLevel, ObjectType

from pinset.domain.records import ROOT
from pinset.durable import make_directories, sync
from pinset.errors import Conflict, Integrity, Unavailable
from pinset.gitstore import refs
from pinset.gitstore.faults import moved_meanwhile, name_in_the_way, no_such_commit, number_in, translate
from pinset.gitstore.keyfiles import KeyFiles
from pinset.gitstore.loose import CheckedObjects, is_missing
from pinset.gitstore.objects import (
    EMPTY_TREE,
    ROOT_COMMIT,
    CommitFacts,
    GitObject,
    commit_facts,
    head_of,
    is_id,
    parents_in,
    said_by,
    tree_objects,
)
from pinset.gitstore.scanning import Scanner, damaged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TYPES: Final = {"blob": ObjectType.BLOB, "tree": ObjectType.TREE, "commit": ObjectType.COMMIT}
_TRIES: Final = 5
_REMEMBERED: Final = 10_000
"""Objects that are known to be durable: a writer may live as long as a server."""
_NAMES: Final = {kind: name for name, kind in _TYPES.items()}


class Repository:
    """One repository opened by libgit2, every write synced, no configuration but its own."""

    def __init__(self, path: Path) -> None:
        for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
            pygit2.settings.search_path[level] = ""
        # Before the repository is opened: its ref database looks at this once.
        pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - pygit2 takes it by position only
        self._git = pygit2.Repository(str(path))
        self._path = path
        self._durable_objects: set[str] = set()
        self._durable_folders: set[tuple[Path, tuple[int, int] | None]] = set()
        self.objects = CheckedObjects(path / "objects", self._read_packed)
        self.scanner = Scanner(self.objects)
        self._keys = KeyFiles.beside(path)

    def write(self, commit: Mapping[str, Any]) -> dict[str, Any]:
        """Write a commit and all it needs. The answer: ``commit``, ``tree`` and ``head``."""
        made, tree = self._tree(commit)
        parents = [self._root() if parent == ROOT else parent for parent in commit["parents"]]
        for parent in parents:
            self._commit(parent)
        message, author, at = commit["message"], commit["author"], commit["at"]
        sign = self._keys.signer(commit["signer"])
        new = commit_facts(tree=tree, parents=parents, message=message, author=author, at=at, sign=sign)
        for each in (*made, new):
            self._put(each)
        return {"commit": new.id, "tree": tree, "head": head_of(new)}

    def move(self, moves: Sequence[Mapping[str, Any]], since: float) -> None:
        """Move refs in order, each durable before the next. since: lock files from before this time are stale."""
        for move in moves:
            refs.checked_name(move["ref"])
            self._commit(move["new"])
        for move in moves:
            self._prepare(move["ref"], since)
            self._move(move["ref"], move["expected"], move["new"])

    def peek(self, wanted: str) -> str:
        """Who a commit says wrote it, and its first line, whatever it is like; '' where it says nothing."""
        try:
            kind, data = self.objects(wanted)
        except Integrity:
            return ""
        return said_by(data) if kind == "commit" else ""

    def parents(self, wanted: str) -> list[str]:
        """The parents that a commit names, whatever it is like; none where it cannot be read."""
        try:
            kind, data = self.objects(wanted)
        except Integrity:
            return []
        return parents_in(data) if kind == "commit" else []

    def set_aside(self, ref: str, found: str | None, own: str | None, since: float) -> str | None:
        """Keep what was found on a ref below refs/quarantine, then put the ref back."""
        refs.checked_name(ref)
        kept = None
        if found is not None:
            kept = refs.quarantine(ref, found)
            self._prepare(kept, since)
            if self.ref(kept) != found:
                self._move(kept, self.ref(kept), found)
        self._prepare(ref, since)
        if own is not None:
            self._commit(own)
            self._move(ref, found, own)
        elif self.ref(ref) is not None:
            self._delete(ref, found)
        return kept

    def _delete(self, ref: str, found: str | None) -> None:
        """Remove a ref. After a power cut it may be there again: then it is found and removed again."""
        if (now := self.ref(ref)) != found:
            raise moved_meanwhile(ref, found, now)
        try:
            self._git.references.delete(ref)
        except Exception as error:
            raise translate(explained(error, (self._path / ref).parent, b"0" * 41), writing=True) from error
        # Its name may be a folder of our own refs: what it leaves empty is in their way. libgit2 removes some itself.
        folder = (self._path / ref).parent
        while folder != self._path / "refs" / "heads" and not (folder.is_dir() and any(folder.iterdir())):
            if folder.is_dir():
                folder.rmdir()
            folder = folder.parent
        sync(folder)

    def ref(self, name: str) -> str | None:
        """The commit of one ref, None where it does not exist. Raises Integrity."""
        loose = refs.read_loose(self._path, refs.checked_name(name, quarantine=True))
        if loose is not None:
            return loose
        refs.check_packed(self._path)
        try:
            return str(self._git.lookup_reference(name).target)
        except KeyError:
            return None

    def _tree(self, commit: Mapping[str, Any]) -> tuple[list[GitObject], str]:
        if commit["files"] is None:
            return [], self._commit(commit["tree_of"]).tree
        made = tree_objects(commit["files"])
        return made, made[-1].id

    def _commit(self, wanted: str) -> CommitFacts:
        """A commit that must be there. Raises NotFound, Integrity."""
        if not is_id(wanted):
            raise no_such_commit(wanted)
        try:
            return self.scanner.commit(wanted)
        except Integrity as error:
            raise (no_such_commit(wanted) if is_missing(error) else error) from error

    def _root(self) -> str:
        self._put(EMPTY_TREE)
        self._put(ROOT_COMMIT)
        return ROOT_COMMIT.id

    def _put(self, made: GitObject) -> None:
        """Make an object durable and read it back, also where it was there before."""
        for left in reversed(range(_TRIES)):
            try:
                return self._put_once(made)
            except FileNotFoundError:
                # `git repack -d`, run by hand beside us, packs what a directory holds and removes the directory.
                if not left:
                    raise
        return None

    def _put_once(self, made: GitObject) -> None:
        path = self.objects.loose_path(made.id)
        there, folder = path.exists(), _identity(path.parent)
        # Written even when known: this renews its time, so that no pruning takes it from under us.
        try:
            given = str(self._git.odb.write(_TYPES[made.kind], made.data))
        except Exception as error:
            if os.strerror(errno.ENOENT) in str(error):
                raise FileNotFoundError(errno.ENOENT, str(error)) from error
            raise explained(error, path.parent, made.data) from error
        if given != made.id:
            raise damaged(made.kind, made.id, "libgit2 made another id of it")
        if _identity(path.parent) != folder:
            # libgit2 made the folder anew, after git had removed it, and does not sync what holds it.
            sync(path.parent.parent)
        if there and made.id not in self._durable_objects:
            # Whoever wrote it may have died between its rename and the sync of its directory.
            sync(path.parent)
        if len(self._durable_objects) >= _REMEMBERED:
            self._durable_objects.clear()  # what is not known to be durable is synced once more
        self._durable_objects.add(made.id)
        self.objects(made.id)

    def _prepare(self, ref: str, since: float) -> None:
        """Make room for a ref: its directories, durable, and no lock of a dead writer."""
        path = self._path / ref
        try:
            make_directories(path.parent)
        except (FileExistsError, NotADirectoryError) as error:
            raise name_in_the_way(ref) from error
        for folder in (path.parent, *path.parent.parents):
            # Whoever made it may have died before it was durable in the one that holds it.
            if folder == self._path or (folder, _identity(folder)) in self._durable_folders:
                break
            sync(folder.parent)
            self._durable_folders.add((folder, _identity(folder)))
        lock = path.with_name(path.name + ".lock")
        with suppress(FileNotFoundError):
            # The lock on the registry is ours, so none of its writers can be at work on this one.
            if lock.stat().st_mtime < since:
                lock.unlink()

    def _move(self, ref: str, expected: str | None, new: str) -> None:
        if expected == new:
            self._make_durable(ref, new)
            return
        if expected is None:
            self._refuse_nested(ref)
        try:
            with self._git.transaction() as change:
                change.lock_ref(ref)
                found = self.ref(ref)
                if found != expected:
                    raise moved_meanwhile(ref, expected, found)  # noqa: TRY301 - it must leave the transaction undone
                change.set_target(ref, new)
        except (Conflict, Integrity):
            raise
        except Exception as error:  # noqa: BLE001 - whatever libgit2 says, only the ref knows
            self._answer_by_ref(ref, expected, new, error)
        if self.ref(ref) != new:
            raise Unavailable(f"{ref} was moved and does not say so", hint="read it again", details={"ref": ref})

    def _make_durable(self, ref: str, new: str) -> None:
        """Make a ref durable where it is: libgit2 writes nothing that is there already, whoever wrote it."""
        found = self.ref(ref)
        if found != new:
            raise moved_meanwhile(ref, new, found)
        path = self._path / ref
        file = path if path.is_file() else self._path / "packed-refs"
        sync(file)
        sync(file.parent)

    def _answer_by_ref(self, ref: str, expected: str | None, new: str, error: Exception) -> None:
        """Return where the ref has moved for good in spite of the error; raise what is known otherwise."""
        found = self.ref(ref)
        failed = translate(explained(error, (self._path / ref).parent, b"0" * 41), writing=True)
        if found == expected:
            raise failed from error
        if found != new or number_in(str(error)) is not None:
            # Moved, and a sync failed: it may be gone after a power cut, so it is not known.
            failed.details.update(ref=ref, found=found, unknown=True)
            raise failed from error
        sync(self._path / ref)
        sync((self._path / ref).parent)

    def _refuse_nested(self, ref: str) -> None:
        segments = ref.split("/")
        above = ("/".join(segments[:n]) for n in range(3, len(segments)))
        below = os.walk(self._path / ref)
        if any(self.ref(name) for name in above) or any(names for _, _, names in below):
            raise name_in_the_way(ref)

    def _read_packed(self, wanted: str, limit: int) -> tuple[str, bytes]:
        oid = pygit2.Oid(hex=wanted)
        kind, size = self._git.odb.read_header(oid)
        if size > limit:
            raise ValueError(f"it has {size} bytes, more than any of ours")
        kind, data = self._git.odb.read(oid)
        return _NAMES.get(ObjectType(kind), "unknown"), data


def explained(error: Exception, directory: Path, data: bytes) -> Exception:
    """The reason why the data could not be written there, which libgit2 often does not keep: found by trying."""
    if number_in(str(error)) is not None:
        return error
    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix="tmp_try_", suffix=".lock") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as reason:
        return reason
    # Its text may be left from an earlier failure, so it would mislead.
    return OSError("libgit2 gave no reason")


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder this is; None where there is none."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
