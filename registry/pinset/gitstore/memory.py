"""The store in memory: the same ids, the same promises, nothing on disk. For tests and for trying things out."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinset.domain.keys import COMMITS
from pinset.domain.records import ROOT
from pinset.gitstore.faults import moved_meanwhile, name_in_the_way, no_such_commit
from pinset.gitstore.keyfiles import no_such_key
from pinset.gitstore.locks import ThreadLock
from pinset.gitstore.objects import (
    EMPTY_TREE,
    ROOT_COMMIT,
    CommitFacts,
    GitObject,
    Kind,
    commit_facts,
    head_of,
    object_id,
    parents_in,
    parse_commit,
    parse_tree,
    said_by,
    tree_objects,
)
from pinset.gitstore.refs import checked_name, quarantine
from pinset.gitstore.scanning import MISSING, VERIFY_HINT, Scanner, damaged
from pinset.ports.store import Damage, Files, Written
from pinset.signing import make_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pinset.ports.progress import Progress
    from pinset.ports.store import NewCommit, RefMove, StoredCommit
    from pinset.signing import PrivateKey


class MemoryStore:
    """Implements `ports.store.Store`. wait_seconds: how long `exclusive` waits for another thread."""

    def __init__(self, *, wait_seconds: float = 10.0) -> None:
        self._lock = ThreadLock(wait_seconds)
        self._objects: dict[str, tuple[Kind, bytes]] = {}
        self._refs: dict[str, str] = {}
        self._aside: dict[str, str] = {}
        self._keys: dict[str, PrivateKey] = {}
        self._scanner = Scanner(self._read)
        self._unswept = False
        self._keep(EMPTY_TREE)
        self._keep(ROOT_COMMIT)

    @contextmanager
    def exclusive(self, *, wait: bool = True) -> Iterator[None]:
        """The one writer's lock, over threads. Raises Busy."""
        with self._lock.held(wait=wait):
            yield

    def write(self, commit: NewCommit) -> Written:
        """Keep the commit and all it needs. Raises NotFound for a parent that is not there."""
        self._lock.require()
        if isinstance(commit.tree, Files):
            made = tree_objects(commit.tree.by_path)
            tree = made[-1].id
        else:
            made, tree = [], self._commit_of(commit.tree.commit).tree
        parents = [ROOT_COMMIT.id if p == ROOT else p for p in commit.parents]
        for parent in parents:
            self._commit_of(parent)
        new = commit_facts(
            tree=tree,
            parents=parents,
            message=commit.message,
            author=commit.author,
            at=commit.at,
            sign=self._signer(commit.signer),
        )
        for each in (*made, new):
            self._keep(each)
        return Written(new.id, tree, head_of(new))

    def move(self, moves: Sequence[RefMove], *, meanwhile: Callable[[], None] | None = None) -> None:
        """Move refs in order. Raises Conflict at the first that is not where it is expected."""
        self._lock.require()
        if meanwhile is not None:
            meanwhile()
        for move in moves:
            checked_name(move.ref)
            self._commit_of(move.new)
        for move in moves:
            found = self._refs.get(move.ref)
            if found != move.expected:
                raise moved_meanwhile(move.ref, move.expected, found)
            if found is None and any(_nested(move.ref, other) for other in self._refs):
                raise name_in_the_way(move.ref)
            # A new mapping each time: a reader in another thread iterates over the old one undisturbed.
            self._refs = {**self._refs, move.ref: move.new}

    def create_key(self) -> str:
        """Make a key to sign with; its public half."""
        self._lock.require()
        made = make_private()
        self._keys[made.public] = made
        return made.public

    def signing_keys(self) -> Sequence[str]:
        """The public halves of the keys that can sign here."""
        return list(self._keys)

    def key_problems(self) -> Sequence[Damage]:
        """Nothing is wrong."""
        return []

    def peek(self, commit: str) -> str:
        """What an unchecked commit says of its author and of itself."""
        kind, data = self._objects.get(commit, ("blob", b""))
        return said_by(data) if kind == "commit" else ""

    def parents(self, commit: str) -> Sequence[str]:
        """The parents that an unchecked commit names."""
        kind, data = self._objects.get(commit, ("blob", b""))
        return parents_in(data) if kind == "commit" else []

    def set_aside(self, ref: str, found: str | None, own: str | None) -> str | None:
        """Put a ref back, and keep what was there. Raises Conflict."""
        self._lock.require()
        kept = quarantine(checked_name(ref), found) if found is not None else None
        at = self._refs.get(ref)
        if at != found:
            raise moved_meanwhile(ref, found, at)
        left = {name: at for name, at in self._refs.items() if name != ref}
        self._aside = {**self._aside, **({kept: found} if kept and found else {})}
        self._refs = {**left, ref: own} if own is not None else left
        return kept

    def refs(self, *, here: bool = False) -> Mapping[str, str]:  # noqa: ARG002 - there is no other process
        """Every ref and its commit."""
        return dict(sorted(self._refs.items()))

    def ref(self, name: str) -> str | None:
        """The commit of one ref."""
        return self._refs.get(checked_name(name))

    def read(self, ref: str, commit: str) -> StoredCommit:
        """One commit, every byte checked. Raises Integrity where it is damaged or not there."""
        return self._scanner.stored(ref, commit)

    def scan(
        self, *, refs: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Iterator[StoredCommit]:
        """Every commit, as the port says."""
        for done, stored in enumerate(self._scanner.scan(self._refs if refs is None else refs), start=1):
            yield stored
            if progress is not None:
                progress.step("commits", done)

    def check(self, *, progress: Progress | None = None, gently: bool = False) -> Sequence[Damage]:  # noqa: ARG002
        """Objects whose bytes are not those their ids were made of."""
        if progress is not None:
            progress.step("objects", len(self._objects), len(self._objects))
        return [
            Damage(f"{kind} {wanted}", "its bytes are not those its id was made of", VERIFY_HINT)
            for wanted, (kind, data) in self._objects.items()
            if object_id(kind, data) != wanted
        ]

    def pack(self, *, progress: Progress | None = None) -> None:
        """Nothing to do, but to say so."""
        if progress is not None:
            progress.step("packing", 1, 1)

    def will_sweep(self) -> None:
        """Note that a sweep is due."""
        self._lock.require()
        self._unswept = True

    @property
    def unswept(self) -> bool:
        """Whether a sweep is due."""
        return self._unswept

    def sweep(self, also: Callable[[], None]) -> None:
        """Forget every object that no ref names."""
        self._lock.require()
        held = {EMPTY_TREE.id, ROOT_COMMIT.id}
        left = list(self._refs.values())
        while left:
            wanted = left.pop()
            if wanted not in held:
                held.add(wanted)
                left += _named_by(*self._read(wanted))
        self._objects = {wanted: made for wanted, made in self._objects.items() if wanted in held}
        self._scanner = Scanner(self._read)
        also()
        self._unswept = False

    def close(self) -> None:
        """Nothing to release."""

    def _signer(self, public: str | None) -> Callable[[bytes], str] | None:
        if public is None:
            return None
        key = self._keys.get(public)
        if key is None:
            raise no_such_key(public, "this process")
        return lambda data: key.sign(data, COMMITS)

    def _keep(self, made: GitObject) -> None:
        self._objects[made.id] = (made.kind, made.data)

    def _read(self, wanted: str, /) -> tuple[Kind, bytes]:
        if wanted not in self._objects:
            raise damaged("object", wanted, MISSING)
        kind, data = self._objects[wanted]
        if object_id(kind, data) != wanted:
            raise damaged(kind, wanted, "its bytes are not those its id was made of")
        return kind, data

    def _commit_of(self, wanted: str) -> CommitFacts:
        if wanted not in self._objects:
            raise no_such_commit(wanted)
        return self._scanner.commit(wanted)


def _named_by(kind: Kind, data: bytes) -> list[str]:
    if kind == "commit":
        facts = parse_commit(data)
        return [facts.tree, *facts.parents]
    return [entry.id for entry in parse_tree(data)] if kind == "tree" else []


def _nested(one: str, other: str) -> bool:
    return one.startswith(other + "/") or other.startswith(one + "/")
