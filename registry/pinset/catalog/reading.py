"""Rows become answers to the port's questions. One reader is one transaction: one consistent view."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pinset.catalog import changes, passages, purges, spellings
from pinset.catalog import questions as q
from pinset.catalog.components import ComponentsReader
from pinset.catalog.questions import t
from pinset.domain.notes import digest_of_text
from pinset.domain.records import Record, release_ref
from pinset.errors import Integrity, NotFound, Unavailable
from pinset.ports.catalog import (
    ChangeRow,
    ComponentRow,
    Head,
    Intent,
    MoveRow,
    Naming,
    ReleaseRow,
    Said,
    Serving,
)
from pinset.ports.store import RefMove

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pinset.domain.sealed import Sealed
    from pinset.domain.searching import Query
    from pinset.ports.catalog import BundleRow, Passage


class SqlReader(ComponentsReader):
    """Implements `ports.catalog.CatalogReader` on one connection in one transaction."""

    def head(self) -> Head:
        """The newest visible write."""
        row = self._one(q.HEAD)
        if row is None:
            raise Unavailable("the catalog is empty", hint="run `pinset reindex`")
        meta = q.part(row, t.Meta)
        return Head(**{name: meta[name] for name in ("registry_id", "epoch", "serial", "commit", "at")})

    def intent(self) -> Intent | None:
        """The write that was cut off."""
        row = self._one(q.INTENT)
        if row is None:
            return None
        body = json.loads(q.part(row, t.IntentTable)["body"])
        moves = tuple(RefMove(*move) for move in body["moves"])
        return Intent(body["operation"], moves, rewrites=bool(body.get("rewrites")))

    def bundle(self, name: str) -> BundleRow | None:
        """One bundle."""
        row = self._one(q.BUNDLE, key=name)
        return q.bundle_row(row) if row else None

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
        """Bundles by name, after one."""
        wanted = q.bundles(
            query=query, alias=alias, uses=uses, fits=fits, after=after, at=at, owner=owner, archived=archived
        )
        return [q.bundle_row(row) for row in self._rows(wanted.limit(limit).offset(skip))]

    def counted(self, *, alias: str | None = None, fits: Sequence[str] | None = None) -> int:
        """How many bundles there are."""
        wanted = q.bundles(query="", alias=alias, uses=None, fits=fits, after="", at=None, owner=None, archived=False)
        row = self._one(q.counted(wanted))
        return int(row[0]) if row else 0

    def numbers(self, bundles: Collection[str]) -> Mapping[str, list[int]]:
        """The versions of these bundles."""
        found: dict[str, list[int]] = {bundle: [] for bundle in bundles}
        for some in q.chunks(bundles):
            for row in self._rows(q.numbers(some)):
                found[row.bundle].append(row.version)
        return found

    def serving(self, bundles: Collection[str]) -> Sequence[Serving]:
        """What every alias of these bundles serves."""
        return [found for some in q.chunks(bundles) for found in map(q.serving, self._rows(q.SERVING, bundles=some))]

    def said(self, bundle: str, at: int) -> Said:
        """What was said of a bundle at a serial."""
        row = self._one(q.SAID, bundle=bundle, at=at)
        if row is None:
            return Said()
        held = q.part(row, t.Said)
        return Said(spellings.told(held["names"]), held["owner"], held["description"], bool(held["archived"]))

    def spelled(self, spelling: str) -> BundleRow | None:
        """The bundle of a spelling."""
        row = self._one(q.SPELLED, spelling=spelling)
        return self.bundle(q.part(row, t.Spelling)["bundle"]) if row else None

    def renamed(self) -> bool:
        """Whether any bundle was ever renamed."""
        return bool(self._rows(q.RENAMED))

    def naming(self, names: Collection[str]) -> Mapping[str, Naming]:
        """The bundles that were renamed, by each of their names."""
        found: dict[str, Naming] = {}
        for some in q.chunks(names):
            for row in self._rows(q.NAMING, names=some):
                one, bundle = q.part(row, t.Name), q.part(row, t.Bundle)
                before = found.get(bundle["key"])
                since = {**(before.since if before else {}), one["name"]: one["serial"]}
                found[bundle["key"]] = Naming(bundle["key"], bundle["name"], since)
        return {name: one for one in found.values() for name in one.since}

    def release(self, bundle: str, version: int) -> ReleaseRow | None:
        """One release by its number."""
        row = self._one(q.RELEASE, bundle=bundle, version=version)
        return self._release(row) if row else None

    def release_by_label(self, bundle: str, label: str) -> ReleaseRow | None:
        """One release by its label."""
        row = self._one(q.RELEASE_BY_LABEL, bundle=bundle, label=label.lower())
        return self._release(row) if row else None

    def releases_by_digest(self, bundle: str, digest: str) -> Sequence[ReleaseRow]:
        """The releases whose digest begins so."""
        rows = self._rows(q.RELEASES_BY_DIGEST, bundle=bundle, first=digest, end=digest + q.END)
        return [self._release(row) for row in rows]

    def latest(self, bundle: str) -> ReleaseRow | None:
        """The newest release that is neither yanked nor purged."""
        before: int | None = None
        # Which is yanked is said by rows that are proven, not by the engine's search.
        while rows := self.releases(bundle, before=before, limit=q.MOST):
            for row in rows:
                if row.yanked is None and row.purged is None:
                    return row
                before = row.record.version
        return None

    def releases(self, bundle: str, *, before: int | None = None, limit: int = 100) -> Sequence[ReleaseRow]:
        """Releases, newest first."""
        wanted = q.releases(t.Release.bundle == bundle)
        if before is not None:
            wanted = wanted.where(t.Release.version < before)
        rows = self._rows(wanted.order_by(q.descending(t.Release.version)).limit(limit))
        return [self._release(row) for row in rows]

    def release_count(self, bundle: str, version: int) -> int:
        """How many releases have a number up to one."""
        counted = self._one(q.RELEASE_COUNT, bundle=bundle, version=version)
        return int(counted[0]) if counted else 0

    def listed(self, bundle: str, version: int) -> Mapping[str, str]:
        """The files of a release by path."""
        row = self.release(bundle, version)
        if row is None:
            raise NotFound(f"there is no {bundle}@v{version}")
        purges.refuse(row, self.raw)
        return self._listed(row.record.digest, release_ref(bundle))[1]

    def sealed_release(self, bundle: str, version: int) -> Sealed:
        """The texts of a release, verified."""
        row = self.release(bundle, version)
        if row is None:
            raise NotFound(f"there is no {bundle}@v{version}")
        purges.refuse(row, self.raw)
        return self._sealed(row.record.digest, release_ref(bundle))

    def alias(self, bundle: str, alias: str) -> MoveRow | None:
        """The newest move of an alias."""
        row = self._one(q.ALIAS, bundle=bundle, alias=alias)
        return q.move_row(row, t.Alias) if row else None

    def aliases(self, bundle: str) -> Sequence[MoveRow]:
        """The newest move of every alias."""
        wanted = q.moves(t.Alias.bundle == bundle, table=t.Alias).order_by(t.Alias.name)
        return [q.move_row(row, t.Alias) for row in self._rows(wanted)]

    def move(self, bundle: str, alias: str, seq: int) -> MoveRow | None:
        """One move."""
        row = self._one(q.MOVE, bundle=bundle, alias=alias, seq=seq)
        return q.move_row(row, t.Move) if row else None

    def moves(
        self, bundle: str, alias: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> Sequence[MoveRow]:
        """Moves, newest first."""
        wanted = q.moves(t.Move.bundle == bundle, table=t.Move)
        if alias is not None:
            wanted = wanted.where(t.Move.alias == alias)
        if before is not None:
            wanted = wanted.where(t.Move.serial < before)
        rows = self._rows(wanted.order_by(q.descending(t.Move.serial)).limit(limit))
        return [q.move_row(row, t.Move) for row in rows]

    def served_before(self, bundle: str, alias: str, version: int, seq: int) -> MoveRow | None:
        """The newest move of an alias to a version, before a seq."""
        wanted = q.moves(
            t.Move.bundle == bundle,
            t.Move.alias == alias,
            t.Move.to_version == version,
            t.Move.seq < seq,
            table=t.Move,
        )
        row = self._one(wanted.order_by(q.descending(t.Move.seq)).limit(1))
        return q.move_row(row, t.Move) if row else None

    def bars(self, bundle: str, alias: str) -> frozenset[int]:
        """Versions barred from an alias now."""
        return frozenset(q.part(row, t.Bar)["version"] for row in self._rows(q.BARS, bundle=bundle, alias=alias))

    def holding(self, texts: Collection[str]) -> Sequence[tuple[ReleaseRow | ComponentRow, tuple[str, ...]]]:
        """Every release and version of a component that holds one of these texts, by serial."""
        paths = purges.holders(self._rows, texts)
        found: list[ReleaseRow | ComponentRow] = []
        for releases, components in purges.of_digests(paths):
            found += [self._release(row) for row in self._rows(releases)]
            found += [self._component(row) for row in self._rows(components)]
        found.sort(key=lambda row: row.record.stamp.serial)
        return [(row, paths[row.record.digest]) for row in found if row.purged is None]

    def purged_versions(self, bundle: str) -> frozenset[int]:
        """The releases of a bundle that were purged."""
        rows = self._rows(q.whole(t.Release).where(t.Release.bundle == bundle, t.Release.purged.is_not(None)))
        return frozenset(q.part(row, t.Release)["version"] for row in rows)

    def purged_texts(self, texts: Collection[str]) -> frozenset[str]:
        """Those of these texts that releases were purged for."""
        rows = self._rows(q.whole(t.PurgedText).where(t.PurgedText.sha256.in_(sorted(texts))))
        return frozenset(q.part(row, t.PurgedText)["sha256"] for row in rows)

    def changes(
        self, *, name: str | None = None, fits: Sequence[str] | None = None, before: int | None = None, limit: int = 100
    ) -> Sequence[ChangeRow]:
        """Changes, newest write first."""
        return [ChangeRow._make(row) for row in self._rows(changes.summed(name, fits, before).limit(limit))]

    def changed_bundles(
        self, name: str, *, fits: Sequence[str] | None = None, after: str = "", limit: int = 100
    ) -> Sequence[str]:
        """The bundles that a change is about."""
        return [str(row.name) for row in self._rows(changes.bundles(name, fits, after).limit(limit))]

    def changed(self, name: str, about: Sequence[str] | None) -> Sequence[tuple[str, Record]]:
        """The commits and records of a change."""
        return self._records(changes.commits(name, about))

    def operation(self, operation: str) -> Sequence[tuple[str, Record]]:
        """The commits and records of one write."""
        return self._records(q.OPERATION, operation=operation)

    def records(self, *, after: int = 0, limit: int = 100) -> Sequence[tuple[str, Record]]:
        """Commits and records by serial."""
        return self._records(q.RECORDS, after=after, limit=limit)

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
        """Commits and records by serial, of everything or of a bundle."""
        asked = q.Trail(after, before, oldest_first, limit)
        if not bundle:
            return self._records(q.trail(t.Commit, asked))
        found = self._records(
            q.trail(t.Move, asked, t.Move.bundle == bundle, *([t.Move.alias == alias] if alias else []))
        )
        found += self._records(q.trail(t.Note, asked, t.Note.bundle == bundle))
        if not alias:
            found += self._records(q.trail(t.Release, asked, t.Release.bundle == bundle))
        return sorted(found, key=lambda one: one[1].stamp.serial, reverse=not oldest_first)[:limit]

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
        """Notes of these kinds, newest first."""
        wanted = q.whole(t.Note, t.Commit).join(t.Commit, t.Commit.serial == t.Note.serial)
        wanted = wanted.where(t.Note.kind.in_(kinds)).order_by(q.descending(t.Note.serial)).limit(limit)
        for column, value in ((t.Note.bundle, bundle), (t.Note.version, version), (t.Note.number, number)):
            if value is not None:
                wanted = wanted.where(column == value)
        if before is not None:
            wanted = wanted.where(t.Note.serial < before)
        return [q.note_row(row) for row in self._rows(wanted)]

    def search(self, query: Query, *, before: int | None = None, limit: int = 100) -> Sequence[Passage]:
        """Texts that hold a query, newest first."""
        return passages.search(self._rows, self._connection.dialect.name, query, before, limit)

    def text(self, digest: str) -> str:
        """One text by its digest, verified."""
        hashed = digest.removeprefix("sha256:")
        row = next(iter(self._rows(q.TEXTS, hashes=[hashed])), None)
        if row is None:
            raise NotFound(f"there is no text {digest}", hint="run `pinset reindex`, then `pinset verify`")
        if digest_of_text(str(row.text)) != digest:
            raise Integrity(f"the catalog's text {digest} is damaged", hint="run `pinset reindex`")
        return str(row.text)

    def ref(self, name: str) -> str | None:
        """The commit that a ref is at."""
        row = self._one(q.REF, name=name)
        return None if row is None else str(q.part(row, t.Ref)["commit"])

    def refs(self) -> Mapping[str, str]:
        """Every ref and its commit."""
        parts = (q.part(row, t.Ref) for row in self._rows(q.whole(t.Ref)))
        return {part["name"]: part["commit"] for part in parts}

    def dump(self) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Every row of every table but the intents."""
        for table in sorted(t.CATALOG.tables.values(), key=lambda one: one.name):
            if table.name != t.IntentTable.__tablename__:
                for row in self._connection.execute(select(table).order_by(*table.primary_key.columns)):
                    yield table.name, tuple(row)
