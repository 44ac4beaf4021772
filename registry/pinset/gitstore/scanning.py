"""Reading commits back, oldest first, over any source of checked objects. No I/O of its own."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from pinset.domain.messages import serial_of
from pinset.domain.names import file_path, show
from pinset.domain.records import ROOT
from pinset.errors import Integrity, InvalidName
from pinset.gitstore.objects import ROOT_COMMIT, CommitFacts, Kind, parse_commit, parse_tree
from pinset.ports.store import StoredCommit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

V = TypeVar("V")

_DEPTH_LIMIT: Final = 32
_FILE_LIMIT: Final = 4096
_SIZE_LIMIT: Final = 64 * 1024 * 1024
_TEXTS_KEPT: Final = 32 * 1024 * 1024
_TREES_KEPT: Final = 1024
_COMMITS_KEPT: Final = 4096
MISSING: Final = "it is missing"
VERIFY_HINT: Final = "run `pinset verify` to see all that is damaged, then restore a backup"


class Read(Protocol):
    """How objects are read: the kind and bytes of an id, checked. Raises Integrity."""

    def __call__(self, wanted: str, /) -> tuple[Kind, bytes]:
        """Kind and bytes of one object."""


class Kept(Generic[V]):
    """The values used last, up to a total weight."""

    def __init__(self, limit: int, weight: Callable[[V], int]) -> None:
        self._limit, self._weight, self._total = limit, weight, 0
        self._values: OrderedDict[str, V] = OrderedDict()

    def get(self, key: str, make: Callable[[str], V]) -> V:
        """The value kept under the key, else the one made now."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._values[key] = make(key)
        self._total += self._weight(value)
        while self._total > self._limit and len(self._values) > 1:
            self._total -= self._weight(self._values.popitem(last=False)[1])
        return value


class Scanner:
    """Commits and their files, each object read and checked once while it is remembered."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._texts: Kept[str] = Kept(_TEXTS_KEPT, lambda text: len(text) + 64)
        self._trees: Kept[tuple[tuple[str, str], ...]] = Kept(_TREES_KEPT, lambda _: 1)
        self._commits: Kept[CommitFacts] = Kept(_COMMITS_KEPT, lambda _: 1)

    def commit(self, wanted: str) -> CommitFacts:
        """What a commit says. Raises Integrity where it is damaged or is no commit."""
        return self._commits.get(wanted, self._read_commit)

    def files(self, tree: str) -> dict[str, str]:
        """The text of every file of a tree, by path. Raises Integrity."""
        listing = self._trees.get(tree, self._list)
        texts: dict[str, str] = {}
        size = 0
        for path, blob in listing:
            texts[path] = self._texts.get(blob, self._read_text)
            size += len(texts[path])
            if size > _SIZE_LIMIT:
                raise damaged("tree", tree, "its files are larger than any release may be")
        return texts

    def scan(self, refs: Mapping[str, str]) -> Iterator[StoredCommit]:
        """Every commit on the first parents of the refs, by serial, once each, without the root."""
        given = {ROOT_COMMIT.id}
        found: list[tuple[int, str, str]] = []
        for ref in sorted(refs):
            line = self._line(refs[ref], given)
            given.update(line)
            found += [(serial_of(self.commit(wanted).message), ref, wanted) for wanted in reversed(line)]
        found.sort(key=lambda one: one[0])
        for _, ref, wanted in found:
            yield self.stored(ref, wanted, whole=len(self.commit(wanted).parents) < 2)

    def stored(self, ref: str, wanted: str, *, whole: bool = True) -> StoredCommit:
        """One commit, with every text of its tree where it is to be whole."""
        facts = self.commit(wanted)
        return StoredCommit(
            ref=ref,
            commit=wanted,
            tree=facts.tree,
            parents=tuple(ROOT if parent == ROOT_COMMIT.id else parent for parent in facts.parents),
            message=facts.message,
            head=facts.head,
            files=self.files(facts.tree) if whole else {},
        )

    def _line(self, tip: str, stop: set[str]) -> list[str]:
        line: list[str] = []
        while tip not in stop:
            line.append(tip)
            parents = self.commit(tip).parents
            if not parents:
                break
            tip = parents[0]
        return line

    def _read_commit(self, wanted: str) -> CommitFacts:
        kind, data = self._read(wanted)
        try:
            _expect(kind, "commit")
            return parse_commit(data)
        except ValueError as error:
            raise damaged("commit", wanted, str(error)) from error

    def _read_text(self, wanted: str) -> str:
        kind, data = self._read(wanted)
        try:
            _expect(kind, "blob")
            return data.decode("utf-8")
        except ValueError as error:
            raise damaged("blob", wanted, str(error)) from error

    def _list(self, tree: str) -> tuple[tuple[str, str], ...]:
        listing: list[tuple[str, str]] = []
        self._walk(tree, "", listing, 0)
        return tuple(listing)

    def _walk(self, tree: str, prefix: str, listing: list[tuple[str, str]], depth: int) -> None:
        kind, data = self._read(tree)
        try:
            _expect(kind, "tree")
            for entry in parse_tree(data):
                path = file_path(prefix + entry.name)
                if entry.is_tree:
                    self._walk(entry.id, path + "/", listing, depth + 1)
                else:
                    listing.append((path, entry.id))
                _bound(len(listing), depth)
        except (ValueError, InvalidName) as error:
            raise damaged("tree", tree, str(error)) from error


def _expect(kind: Kind, expected: Kind) -> None:
    if kind != expected:
        raise ValueError(f"a {kind} where a {expected} should be")


def _bound(files: int, depth: int) -> None:
    if files > _FILE_LIMIT or depth > _DEPTH_LIMIT:
        raise ValueError("more files or folders than any release may have")


def damaged(kind: str, wanted: str, what: str) -> Integrity:
    """The error for one damaged object."""
    return Integrity(
        f"{kind} {wanted} is damaged: {what if what.isprintable() else show(what)}",
        hint=VERIFY_HINT,
        details={"object": wanted, "kind": kind, "missing": what == MISSING},
    )
