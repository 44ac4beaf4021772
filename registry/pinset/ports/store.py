"""The store: git behind its port. The truth of the registry.

Every implementation keeps these promises; ``tests/contract`` holds them to it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pinset.ports.progress import Progress


@dataclass(frozen=True, slots=True)
class Files:
    """A new tree, given as text by path. No files: the empty tree."""

    by_path: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TreeOf:
    """The tree of a commit that exists already."""

    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCommit:
    """A commit to write. ``at`` is in microseconds since 1970; git keeps whole seconds, the message the rest.

    author: a name for people reading git log; the store makes it harmless. parents: commit ids, or ROOT. signer: the
    public key whose private half signs it, None for a commit without a signature.
    """

    tree: Files | TreeOf
    parents: tuple[str, ...]
    message: str
    author: str
    at: int
    signer: str | None = None


@dataclass(frozen=True, slots=True)
class RefMove:
    """One ref from one commit to another. ``expected`` None: the ref must not exist."""

    ref: str
    expected: str | None
    new: str


def whole(moves: Iterable[RefMove]) -> list[RefMove]:
    """The same with one move for each ref: from where its first one begins to where its last one ends."""
    found: dict[str, RefMove] = {}
    for move in moves:
        first = found.get(move.ref)
        found[move.ref] = RefMove(move.ref, first.expected if first else move.expected, move.new)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Written:
    """Where a commit landed: its id and its tree's. head: what it says before its message."""

    commit: str
    tree: str
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCommit:
    """A commit as it was read back, every byte checked against its ids.

    files: the text of every file by path. parents and tree: ids, and ROOT. head: what it says before its message, with
    the signature.
    """

    ref: str
    commit: str
    tree: str
    parents: tuple[str, ...]
    message: str
    files: Mapping[str, str]
    head: str = ""

    @property
    def raw(self) -> str:
        """The commit's own text, whose SHA-1 its id is."""
        return f"{self.head}\n\n{self.message}"


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong in the store: where, what, and the way out."""

    where: str
    what: str
    hint: str = ""


class Store(Protocol):
    """Commits and refs, durable and compare-and-swapped."""

    def exclusive(self, *, wait: bool = True) -> AbstractContextManager[None]:
        """The one writer's lock, over processes and threads; dropped when the process dies.

        wait: False to be refused at once where another holds it.
        Re-entering in the same thread is an error of the caller. Raises Busy when another holds it for the whole
        time this store waits, ReadOnly where the registry cannot be written.
        """

    def write(self, commit: NewCommit) -> Written:
        """Make the commit and all it needs durable, without moving any ref. Writing the same again gives the same id.

        Only under `exclusive`. Raises ReadOnly on a full disk or a failed sync, and where the private half of the
        signer's key is not here; Unavailable on a time-out; nothing has changed then that anybody could see.
        """

    def create_key(self) -> str:
        """Make a key to sign with, its private half durable here and nowhere else; its public half.

        Only under `exclusive`. Raises ReadOnly.
        """

    def signing_keys(self) -> Sequence[str]:
        """The public halves of the keys that can sign here. Raises ReadOnly where they cannot be read."""

    def key_problems(self) -> Sequence[Damage]:
        """What is wrong with the private halves that are here: damaged, or open to others. Raises ReadOnly.

        One that is not here is no problem: who verifies a copy has none.
        """

    def move(self, moves: Sequence[RefMove], *, meanwhile: Callable[[], None] | None = None) -> None:
        """Move refs in the order given, each by compare-and-swap, durable, and read back.

        meanwhile: what this process can do while it would only wait. What it raises is raised as it is, and nobody
        knows then which refs have moved.
        Only under `exclusive`. Raises Conflict when a ref is not where it is expected, and then neither it nor any
        later one has moved. Raises Unavailable when it is not known: read `refs` again and answer by what it says.
        """

    def refs(self, *, here: bool = False) -> Mapping[str, str]:
        """Every ref under refs/heads and its commit. Raises Integrity where they cannot all be read.

        here: in this process, for a look now and then that starts no other.
        """

    def ref(self, name: str) -> str | None:
        """The commit of one ref, None where it does not exist."""

    def read(self, ref: str, commit: str) -> StoredCommit:
        """One commit, every byte checked. ``ref`` is only carried into the answer. Raises Integrity."""

    def peek(self, commit: str) -> str:
        """What a commit that nobody checked says of its author and of itself, for people; '' where it says nothing."""

    def parents(self, commit: str) -> Sequence[str]:
        """The parents that a commit that nobody checked names, and ROOT; none where it cannot be made out."""

    def set_aside(self, ref: str, found: str | None, own: str | None) -> str | None:
        """Put a ref that was moved by others back to its own commit, None for one that is none of ours.

        What was found there is kept under ``refs/quarantine``; the name of that ref, None where nothing was found. The
        same again, after a kill, ends the same. Only under `exclusive`. Raises Conflict, ReadOnly, Unavailable.
        """

    def scan(
        self, *, refs: Mapping[str, str] | None = None, progress: Progress | None = None
    ) -> Iterator[StoredCommit]:
        """Every commit of every ref by the serials their messages say, once each, without roots and merged histories.

        refs: those to walk, as `refs` gave them, for a view that writers do not disturb; None for all as they are now.
        A move has the tree of its second parent, which belongs to the release's ref: the files are given there only.
        Raises Integrity at the first object that is damaged, naming it.
        """

    def check(self, *, progress: Progress | None = None, gently: bool = False) -> Sequence[Damage]:
        """What git itself finds wrong (`git fsck --strict`). gently: it gives way to all other work."""

    def pack(self, *, progress: Progress | None = None) -> None:
        """Repack beside writers and readers; nothing reachable is lost. Takes `exclusive` itself where it must."""

    def will_sweep(self) -> None:
        """Note durably that objects are to be swept away. Only under `exclusive`.

        Raises Refused where a ref that is none of the registry's could keep them.
        """

    @property
    def unswept(self) -> bool:
        """Whether that is noted, and no sweep has come to its end since."""

    def sweep(self, also: Callable[[], None]) -> None:
        """Remove at once, and from everywhere, every object that no ref names; then what ``also`` removes. Only under `exclusive`.

        Readers go on. Raises Busy, Integrity, ReadOnly, Unavailable; then it is still due.
        """

    def close(self) -> None:
        """Release processes and files. Idempotent."""
