"""The store on a git repository: what `ports.store.Store` promises, by a lock, a child process and the git binary."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from pinset.gitstore import git, layout, packing, refs, sweeping
from pinset.gitstore.faults import system_error
from pinset.gitstore.keyfiles import KeyFiles
from pinset.gitstore.locks import FileLock
from pinset.gitstore.supervisor import Supervisor
from pinset.ports.store import Files, StoredCommit, Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pinset.ports.progress import Progress
    from pinset.ports.store import Damage, NewCommit, RefMove

_STALE_SECONDS: Final = 3600.0


class GitStore:
    """Implements `ports.store.Store` on the bare repository ``<registry>/repository.git``.

    The lock file is ``<registry>/lock``. Made by `create` or `open`. After a failed sync every write is refused
    until the registry is opened anew: what the disk kept is not known.
    """

    def __init__(self, directory: Path, *, wait_seconds: float = 10.0, op_seconds: float = 30.0) -> None:
        self._directory = directory.absolute()
        self._lock = FileLock(self._directory.parent / "lock", wait_seconds)
        self._keys = KeyFiles.beside(self._directory)
        self._child = Supervisor(self._directory, self._lock, seconds=op_seconds)
        self._marker = self._directory.with_name(sweeping.MARKER)
        self._swept = sweeping.last(self._directory)
        """The sweep after which the child process began."""

    @classmethod
    def create(cls, directory: Path, *, wait_seconds: float = 10.0, op_seconds: float = 30.0) -> GitStore:
        """Make an empty repository and open it. Raises AlreadyExists, ReadOnly."""
        layout.create(directory.absolute())
        return cls.open(directory, wait_seconds=wait_seconds, op_seconds=op_seconds)

    @classmethod
    def open(cls, directory: Path, *, wait_seconds: float = 10.0, op_seconds: float = 30.0) -> GitStore:
        """Open a repository. Raises NoRegistry, PermissionDenied, UnknownFormat, Integrity.

        wait_seconds: how long `exclusive` waits. op_seconds: how long one operation may take.
        """
        layout.inspect(directory.absolute())
        return cls(directory, wait_seconds=wait_seconds, op_seconds=op_seconds)

    @contextmanager
    def exclusive(self, *, wait: bool = True) -> Iterator[None]:
        """The one writer's lock, over processes and threads. Raises Busy, ReadOnly."""
        with self._lock.held(wait=wait):
            self._leave_what_was_swept()
            yield

    def write(self, commit: NewCommit) -> Written:
        """Make the commit and all it needs durable. Raises NotFound for a parent that is not there."""
        self._lock.require()
        answer = self._child.write(
            "write",
            commit={
                "files": dict(commit.tree.by_path) if isinstance(commit.tree, Files) else None,
                "tree_of": None if isinstance(commit.tree, Files) else commit.tree.commit,
                "parents": list(commit.parents),
                "message": commit.message,
                "author": commit.author,
                "at": commit.at,
                "signer": commit.signer,
            },
        )
        return Written(answer["commit"], answer["tree"], answer["head"])

    def move(self, moves: Sequence[RefMove], *, meanwhile: Callable[[], None] | None = None) -> None:
        """Move refs in order, each by compare-and-swap. Raises Conflict, Unavailable."""
        self._lock.require()
        asked = [{"ref": m.ref, "expected": m.expected, "new": m.new} for m in moves]
        self._child.write("move", meanwhile, moves=asked, since=self._child.since())

    def refs(self, *, here: bool = False) -> Mapping[str, str]:
        """Every ref and its commit. Raises Integrity."""
        if here:
            return refs.read_all(self._directory)
        found: dict[str, str] = self._child.read("refs")["refs"]
        return found

    def ref(self, name: str) -> str | None:
        """The commit of one ref. Raises Integrity."""
        target: str | None = self._child.read("ref", ref=name)["target"]
        return target

    def read(self, ref: str, commit: str) -> StoredCommit:
        """One commit, every byte checked. Raises Integrity where it is damaged or not there."""
        item = self._child.read("read", ref=ref, commit=commit)
        return _stored(item)

    def create_key(self) -> str:
        """Make a key to sign with; its public half. Raises ReadOnly."""
        self._lock.require()
        return self._keys.create()

    def signing_keys(self) -> Sequence[str]:
        """The public halves of the keys that can sign here. Raises ReadOnly."""
        return self._keys.publics()

    def key_problems(self) -> Sequence[Damage]:
        """What is wrong with the private halves that are here."""
        return self._keys.problems()

    def peek(self, commit: str) -> str:
        """What an unchecked commit says of its author and of itself."""
        found: str = self._child.read("peek", commit=commit)["says"]
        return found

    def parents(self, commit: str) -> Sequence[str]:
        """The parents that an unchecked commit names."""
        found: list[str] = self._child.read("parents", commit=commit)["parents"]
        return found

    def set_aside(self, ref: str, found: str | None, own: str | None) -> str | None:
        """Put a ref back, and keep what was there. Raises Conflict, Unavailable."""
        self._lock.require()
        answer = self._child.write("aside", ref=ref, found=found, own=own, since=self._child.since())
        kept: str | None = answer["kept"]
        return kept

    def scan(
        self, *, refs: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Iterator[StoredCommit]:
        """Every commit, as the port says."""
        given = None if refs is None else dict(refs)
        for done, item in enumerate(self._child.stream("scan", refs=given), start=1):
            yield _stored(item)
            if progress is not None:
                progress.step("commits", done)

    def check(self, *, progress: Progress | None = None, gently: bool = False) -> Sequence[Damage]:
        """What git finds wrong. Raises Unavailable."""
        found = git.fsck(self._directory, gently=gently)
        if progress is not None:
            progress.step("git fsck", 1, 1)
        return found

    def pack(self, *, progress: Progress | None = None) -> None:
        """Repack, drop what nothing names, pack refs. Raises Busy, ReadOnly, Unavailable."""
        # First what nothing names: git gathers that into packs too, and from a pack nothing is removed.
        steps = (self._prune, self._repack, self._pack_refs)
        for done, step in enumerate(steps, start=1):
            step()
            if progress is not None:
                progress.step("packing", done, len(steps))

    def will_sweep(self) -> None:
        """Note durably that a sweep is due. Raises Refused, ReadOnly."""
        self._lock.require()
        with self._stopped_by_failed_sync("it cannot be noted that objects are to be removed"):
            sweeping.begin(self._directory, self._marker)

    @property
    def unswept(self) -> bool:
        """Whether a sweep is due."""
        return os.path.lexists(self._marker)

    def sweep(self, also: Callable[[], None]) -> None:
        """Remove every object that no ref names. Raises Busy, Integrity, ReadOnly, Unavailable."""
        self._lock.require()
        with self._stopped_by_failed_sync("what is to go cannot be removed"):
            # It has the old packs open, and texts in its memory.
            self._child.close()
            sweeping.sweep(self._directory)
            also()
            self._marker.unlink(missing_ok=True)

    def close(self) -> None:
        """End the child process and close the lock file. Idempotent."""
        self._child.close()
        self._lock.close()

    def _leave_what_was_swept(self) -> None:
        """Let a new child process look, where another process has swept: this one reads packs that are gone."""
        swept = sweeping.last(self._directory)
        if swept != self._swept:
            self._child.close()
        self._swept = swept

    def _repack(self) -> None:
        with self._stopped_by_failed_sync("the packs cannot be made durable"):
            packing.repack(self._directory)

    def _prune(self) -> None:
        # git looks without the lock, which takes long; what it found is removed under the lock, and only where
        # no writer has renewed it meanwhile.
        ids = git.unreachable(self._directory)
        objects = self._directory / "objects"
        with self.exclusive():
            long_ago = time.time() - _STALE_SECONDS
            for path in (*(objects / i[:2] / i[2:] for i in ids), *packing.abandoned(self._directory)):
                _remove_older(path, long_ago)

    def _pack_refs(self) -> None:
        with self.exclusive():
            # Under our lock no other writer of the registry's can be packing: the files are a dead one's.
            for name in ("packed-refs.lock", "packed-refs.new"):
                _remove_older(self._directory / name, self._lock.since)
            with self._stopped_by_failed_sync("the packed refs cannot be made durable"):
                packing.pack_refs(self._directory)

    @contextmanager
    def _stopped_by_failed_sync(self, what: str) -> Iterator[None]:
        """Let the writes of this store stop where a sync fails. what: begins the error. Raises ReadOnly, Unavailable."""
        try:
            yield
        except OSError as error:
            if error.errno == errno.EIO:
                self._child.stop_writes()
            raise system_error(error, what) from error


def _stored(item: Mapping[str, Any]) -> StoredCommit:
    return StoredCommit(
        ref=item["ref"],
        commit=item["commit"],
        tree=item["tree"],
        parents=tuple(item["parents"]),
        message=item["message"],
        head=item["head"],
        files=item["files"],
    )


def _remove_older(path: Path, than: float) -> None:
    with suppress(FileNotFoundError):
        if path.stat().st_mtime < than:
            try:
                path.unlink()
            except OSError as error:
                raise system_error(error, f"{path} cannot be removed") from error
