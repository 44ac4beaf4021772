"""The catalog: the SQL read model of the store. Rebuildable, and therefore disposable.

It is fed nothing but stored commits, in the order of their serials, so rebuilding it gives the identical rows.
Text that it returns was checked against its SHA-256 and the release's digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pinset.ports.rows import (
    BundleRow,
    ChangeRow,
    ComponentRow,
    Entry,
    Head,
    Holder,
    Intent,
    MoveRow,
    Naming,
    Passage,
    ReleaseRow,
    Said,
    Serving,
    Use,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pinset.domain.records import Record
    from pinset.domain.sealed import Sealed
    from pinset.domain.searching import Query

    Mark = Hashable
    """A state of something that changes; equal marks, equal states."""
    Wrong = tuple[str, str]
    """Where something is wrong, and what."""
    FilesOf = Callable[[str, str], Mapping[str, str]]
    """The files of a commit, given its branch and its id, as git has them."""


__all__ = [
    "BundleRow",
    "Catalog",
    "CatalogReader",
    "CatalogWriter",
    "ChangeRow",
    "ComponentRow",
    "Entry",
    "Head",
    "Holder",
    "Intent",
    "MoveRow",
    "Naming",
    "Passage",
    "ReleaseRow",
    "RowsAgain",
    "Said",
    "Serving",
    "Use",
]


class CatalogReader(Protocol):
    """One consistent view: everything read through it is of the same serial.

    A bundle is known here by its first name, whatever it is called: see `services.naming.Named`.
    """

    def head(self) -> Head:
        """The newest visible write."""

    def intent(self) -> Intent | None:
        """The write that was under way when the last writer ended, None where it ended well."""

    def bundle(self, name: str) -> BundleRow | None:
        """One bundle."""

    def bundles(
        self,
        *,
        query: str = "",
        alias: str | None = None,
        uses: tuple[str, str, int | None] | None = None,
        fits: Sequence[str] | None = None,
        after: str = "",
        limit: int = 100,
        at: int | None = None,
        owner: str | None = None,
        archived: bool = True,
        skip: int = 0,
    ) -> Sequence[BundleRow]:
        """Bundles by what they are called, after ``after``: of which a name holds ``query`` and that serve ``alias`` now.

        uses: a component (kind, name, version or None for any) that one of the served releases holds. fits: patterns
        of which a name fits one, with ``*`` for any characters; None for every bundle. owner: only theirs, '' for
        nobody's. archived: archived ones too. at: only those that were there at a serial, and that had that alias and
        owner then; the rows are as they are now. skip: so many of them are left out first, for who counts pages.
        """

    def counted(self, *, alias: str | None = None, fits: Sequence[str] | None = None) -> int:
        """How many bundles `bundles` gives without the archived ones."""

    def numbers(self, bundles: Collection[str]) -> Mapping[str, list[int]]:
        """The versions of these bundles, by their first names, rising."""

    def serving(self, bundles: Collection[str]) -> Sequence[Serving]:
        """What every alias of these bundles serves, retired ones included, by bundle and name of the alias."""

    def said(self, bundle: str, at: int) -> Said:
        """What was said of a bundle at a serial."""

    def spelled(self, spelling: str) -> BundleRow | None:
        """The bundle that has a spelling now, which is compared as it is."""

    def renamed(self) -> bool:
        """Whether any bundle was ever renamed: where none was, every bundle is called what it was first called."""

    def naming(self, names: Collection[str]) -> Mapping[str, Naming]:
        """The bundles that were renamed among those that have one of these names, by each of their names."""

    def release(self, bundle: str, version: int) -> ReleaseRow | None:
        """One release by its number."""

    def release_by_label(self, bundle: str, label: str) -> ReleaseRow | None:
        """One release by its label, compared case-folded."""

    def releases_by_digest(self, bundle: str, digest: str) -> Sequence[ReleaseRow]:
        """The releases whose digest begins so (``sha256:`` and hex), lowest version first, at most 10."""

    def latest(self, bundle: str) -> ReleaseRow | None:
        """The newest release that is neither yanked nor purged."""

    def releases(self, bundle: str, *, before: int | None = None, limit: int = 100) -> Sequence[ReleaseRow]:
        """Releases, newest first, with numbers below ``before``."""

    def release_count(self, bundle: str, version: int) -> int:
        """How many releases a bundle has up to a number."""

    def listed(self, bundle: str, version: int) -> Mapping[str, str]:
        """SHA-256 (hex) of every file of a release by path, verified. Raises NotFound, Purged, Integrity."""

    def sealed_release(self, bundle: str, version: int) -> Sealed:
        """The texts of a release, verified. Raises NotFound, Purged, and Integrity where they are damaged."""

    def alias(self, bundle: str, alias: str) -> MoveRow | None:
        """The newest move of an alias, None where it never moved."""

    def aliases(self, bundle: str) -> Sequence[MoveRow]:
        """The newest move of every alias of a bundle, retired ones included, by name."""

    def move(self, bundle: str, alias: str, seq: int) -> MoveRow | None:
        """One move."""

    def moves(
        self, bundle: str, alias: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[MoveRow]:
        """Moves of one alias or of all of a bundle, newest first; ``before`` is a serial (exclusive)."""

    def served_before(self, bundle: str, alias: str, version: int, seq: int) -> MoveRow | None:
        """The newest move of an alias to a version, of those before a seq."""

    def bars(self, bundle: str, alias: str) -> frozenset[int]:
        """Versions barred from an alias now: left behind by a rollback, not promoted ``again`` since."""

    def component(self, kind: str, name: str, version: int) -> ComponentRow | None:
        """One version of a component."""

    def component_by_label(self, kind: str, name: str, label: str) -> ComponentRow | None:
        """One version of a component by its label, compared case-folded."""

    def components_by_digest(self, kind: str, name: str, digest: str) -> Sequence[ComponentRow]:
        """The versions whose digest begins so, lowest first, at most 10."""

    def component_versions(
        self, kind: str, name: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[ComponentRow]:
        """Versions of a component, newest first."""

    def components(
        self, *, kind: str | None = None, query: str = "", after: str = "", limit: int = 100
    ) -> Sequence[ComponentRow]:
        """The newest version of every component, by ``kind/name``, after ``after``: whose ``kind/name`` holds ``query``."""

    def sealed_component(self, kind: str, name: str, version: int) -> Sealed:
        """The texts of a component, verified. Raises NotFound, Purged, and Integrity where they are damaged."""

    def holding(self, texts: Collection[str]) -> Sequence[tuple[ReleaseRow | ComponentRow, tuple[str, ...]]]:
        """Every release and version of a component that holds one of these texts (SHA-256, hex), by serial.

        With each the paths that are it. The whole registry is searched, which takes its time. Purged ones hold nothing.
        """

    def purged_versions(self, bundle: str) -> frozenset[int]:
        """The releases of a bundle that were purged."""

    def purged_texts(self, texts: Collection[str]) -> frozenset[str]:
        """Those of these texts (SHA-256, hex) that releases were purged for."""

    def where_used(
        self,
        kind: str,
        name: str,
        version: int | None = None,
        *,
        fits: Sequence[str] | None = None,
        after: tuple[bool, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Use]:
        """Every release that holds a component, served ones first, then newest first.

        fits: as for `bundles`. after: whether the last one seen is served, and its serial.
        """

    def holders(
        self,
        kind: str,
        name: str,
        below: int,
        *,
        alias: str | None = None,
        pattern: str = "*",
        fits: Sequence[str] | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Holder]:
        """The bundles that hold a component in a version below one, by name, after ``after``; not those that are archived.

        alias: in what it serves; None: in the newest release that is neither yanked nor purged. pattern, fits: of the
        bundles' names, as for `bundles`.
        """

    def changes(
        self, *, name: str | None = None, fits: Sequence[str] | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[ChangeRow]:
        """Changes, or one, newest write first: of those bundles that fit, and of components. before: their last serial."""

    def changed_bundles(
        self, name: str, *, fits: Sequence[str] | None = None, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """The bundles that a change is about, by name."""

    def changed(self, name: str, about: Sequence[str] | None) -> Sequence[tuple[str, Record]]:
        """The commits and records of a change by serial, about some bundles; None: about shared components."""

    def components_of(self, bundle: str, version: int) -> Mapping[str, int]:
        """The versions of the shared components that a release holds, by ``kind/name``."""

    def operation(self, operation: str) -> Sequence[tuple[str, Record]]:
        """The commits and records of one write, by serial; empty where it never happened."""

    def records(self, *, after: int = 0, limit: int = 100) -> Sequence[tuple[str, Record]]:
        """Commits and records by serial, after a serial: what events and verify read."""

    def trail(
        self,
        *,
        bundle: str = "",
        alias: str = "",
        after: int = 0,
        before: int | None = None,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> Sequence[tuple[str, Record]]:
        """Commits and records by serial, newest first, of everything or of what is about a bundle.

        alias: with a bundle, leaves out the moves of its other aliases, and its releases. after, before: serials, both
        exclusive.
        """

    def notes(
        self,
        kinds: Sequence[str],
        *,
        bundle: str | None = None,
        version: int | None = None,
        number: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[tuple[str, Record]]:
        """Commits and records of what was recorded beside releases and moves, newest first.

        kinds: as messages call them (``policy result request decision evidence``). bundle: '' for what is about the
        registry, None for all. number: of a policy or a request. before: a serial (exclusive).
        """

    def search(self, query: Query, *, before: int | None = None, limit: int = 100) -> Sequence[Passage]:
        """Texts that hold all phrases of a query, newest first. before: the number of the last one seen.

        The index is no proof: whoever shows a text reads it, and looks whether it holds what was searched.
        """

    def raw(self, serial: int) -> str:
        """The own text of the commit of a serial, as git has it. Raises NotFound, Integrity."""

    def text(self, digest: str) -> str:
        """A text that a note names, by its digest (``sha256:`` and hex). Raises NotFound, Integrity."""

    def ref(self, name: str) -> str | None:
        """The commit that a ref is at, as far as the catalog knows."""

    def refs(self) -> Mapping[str, str]:
        """Every ref and its commit, as far as the catalog knows."""

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row (table, values) in a fixed order, intents left out: two catalogs of one registry are equal."""


class CatalogWriter(CatalogReader, Protocol):
    """A read-write connection. Opened only under the store's lock."""

    def begin(self, intent: Intent) -> None:
        """Make the intent durable before any ref moves."""

    def drop_intent(self) -> None:
        """The write did not happen: forget it."""

    def stage(self, entries: Sequence[Entry]) -> None:
        """Make ready what `apply` of the same entries does; nobody sees any of it before. Raises as `apply` does."""

    def unstage(self) -> None:
        """Forget what was staged."""

    def apply(self, entries: Sequence[Entry]) -> None:
        """Add commits in the order of their serials, forget the intent, raise the visible serial: all or nothing."""


class RowsAgain(Protocol):
    """What a catalog must hold, made again of its commits aside: rows that somebody changed and summed anew differ."""

    def take(self) -> tuple[Sequence[tuple[str, Record]], list[Wrong]]:
        """The next commits by serial, with what is wrong with them as commits. None and nothing: all were taken."""

    def differences(self) -> list[Wrong]:
        """Every row that is not as the commits make it, those included that were written since all were taken."""


class Catalog(Protocol):
    """The catalog of one registry."""

    def reading(self) -> AbstractContextManager[CatalogReader]:
        """A consistent view. Raises Unavailable where there is no catalog, or none of this format."""

    def writing(self) -> AbstractContextManager[CatalogWriter]:
        """A read-write connection, for the holder of the store's lock. Raises ReadOnly, Unavailable."""

    def mark(self) -> Mark | None:
        """What is visible now, told in microseconds: while marks are equal nothing has become visible, whoever writes.

        None where that cannot be told; then nothing that was read before may be given without a look.
        """

    def usable(self) -> bool:
        """Whether there is a catalog of this program's format that can be opened."""

    def examine(self) -> None:
        """Look for damage that no single read would meet. Raises Integrity, Unavailable."""

    def again(self, files: FilesOf) -> AbstractContextManager[RowsAgain]:
        """The rows made again, to be compared. Its views are short. files: asked for those of purges."""

    def shown(self) -> int:
        """The serial of the newest write that was ever shown, as far as is known; 0 where nothing is."""

    def rebuild(self, entries: Iterable[Entry]) -> None:
        """Build a whole catalog aside and put it in place of the old one at once, for the holder of the store's lock.

        Readers see the old one or the new one. A failed rebuild leaves the old one.
        """

    def sweep(self) -> None:
        """Remove the files of catalogs that are not in place any more; for the holder of the store's lock."""

    @property
    def wants_checkpoint(self) -> bool:
        """Whether this process wrote and may leave a write-ahead log."""

    def checkpoint(self) -> None:
        """Bring the log into the file where nobody else uses it, for the holder of the store's lock. Never raises."""

    def close(self) -> None:
        """Release connections. Idempotent."""
