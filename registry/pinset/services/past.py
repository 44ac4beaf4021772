"""Looking back: what `queries` answers, as of a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pinset.domain import names
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.references import parse
from pinset.errors import InvalidInput
from pinset.ports.catalog import Serving
from pinset.services import blaming, comparing, costing, moments, naming, queries, reading
from pinset.services import bundles as lists

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain import answers
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer
    from pinset.domain.references import Reference
    from pinset.ports.catalog import BundleRow, CatalogReader
    from pinset.services.moments import Moment
    from pinset.services.session import Context

_NOTES = ("evidence", "result", "request", "decision", "bundle")


class Past:
    """Implements `pinset.ports.past.Readings` as of a time. Each answer is of one view, and of one serial in it."""

    def __init__(self, context: Context, at: str) -> None:
        self._context, self._at = context, at

    def release(self, reference: str) -> answers.ReleaseAnswer:
        """The release document."""
        wanted = self._wanted(reference)
        with self._view() as (reader, then):
            found = moments.release_at(reader, wanted, then)
            return {**reading.release_answer(reader, *found, wanted.bundle), "at": then.text}

    def sealed(self, reference: str) -> answers.SealedAnswer:
        """The sealed form."""
        wanted = self._wanted(reference)
        with self._view() as (reader, then):
            found = moments.release_at(reader, wanted, then)
            return {**reading.sealed_answer(reader, *found, wanted.bundle), "at": then.text}

    def summary(self, reference: str) -> answers.ReleaseSummary:
        """A release without its content, and what served it then."""
        wanted = self._wanted(reference)
        with self._view() as (reader, then):
            row, _ = moments.release_at(reader, wanted, then)
            serving = _serving(reader, row.record.bundle, then).get(row.record.version, [])
            grants, bundle = self._context.grants, row.record.bundle
            aliases = [name for name in serving if naming.may_any(grants, Verb.READ, reader, bundle, name)]
            return {**reading.summary_answer(row, aliases), "at": then.text}

    def file(self, reference: str, path: str) -> str:
        """One file of a release as it is."""
        names.file_path(path)
        wanted = self._wanted(reference)
        with self._view() as (reader, then):
            row, _ = moments.release_at(reader, wanted, then)
            return queries.file_of(reader, row, path)

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        owner: str | None = None,
        archived: bool = False,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        """Bundles by name."""
        if uses is not None:
            raise InvalidInput(
                "what uses a component is told of now only", hint="leave out the time, or ask without what it uses"
            )
        lists.check(alias, owner, cursor)
        permit_anywhere(self._context.grants, Verb.READ)
        with self._view() as (reader, then):
            fits = bundles_of(self._context.grants, Verb.READ)
            rows = reader.bundles(
                query=query,
                alias=alias,
                fits=fits,
                after=cursor or "",
                limit=limit + 1,
                at=then.serial,
                owner=owner,
                archived=archived,
            )
            return reading.page(rows, limit, lambda row: _bundle(reader, row, then), lambda row: row.name)

    def bundle(self, name: str) -> answers.BundleAnswer:
        """One bundle."""
        self._may(names.bundle_name(name))
        with self._view() as (reader, then):
            moments.need_bundle(reader, name, then)
            return _bundle(reader, lists.need(reader, name), then)

    def releases(
        self, name: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        """Releases of a bundle, newest first."""
        self._may(names.bundle_name(name))
        before = reading.number(cursor)
        with self._view() as (reader, then):
            newest = moments.need_bundle(reader, name, then)
            serving = _serving(reader, name, then)
            first = newest.record.version + 1
            rows = reader.releases(name, before=first if before is None else min(first, before), limit=limit + 1)
            return reading.page(
                rows,
                limit,
                lambda row: {
                    **reading.summary_answer(row, serving.get(row.record.version, [])),
                    "at": then.text,
                },
                lambda row: str(row.record.version),
            )

    def aliases(self, name: str) -> answers.Page[answers.AliasAnswer]:
        """Every alias of a bundle that had moved."""
        self._may(names.bundle_name(name))
        with self._view() as (reader, then):
            moments.need_bundle(reader, name, then)
            items = [queries.alias_answer(reader, row) for row in moments.moves_at(reader, name, then)]
            return {"items": [{**item, "at": then.text} for item in items], "next": None}

    def history(
        self, name: str, alias_name: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        """Moves until then, newest first."""
        names.bundle_name(name)
        self._may(name, names.alias_name(alias_name) if alias_name is not None else "")
        before = reading.number(cursor)
        with self._view() as (reader, then):
            moments.need_bundle(reader, name, then)
            if alias_name is not None and moments.move_at(reader, name, alias_name, then) is None:
                moments.served_at(reader, name, alias_name, then)  # raises, saying since when it moves
            first = then.serial + 1
            before = first if before is None else min(first, before)
            rows = reader.moves(name, alias_name, before=before, limit=limit + 1)
            return queries.history_page(reader, rows, limit)

    def diff(self, old: str, new: str) -> dict[str, Any]:
        """What changes between what two references named then."""
        return comparing.diff(self._context, old, new, old_at=self._at, new_at=self._at)

    def cost(self, reference: str) -> CostAnswer:
        """What a release costs that a reference named then, by today's prices."""
        return costing.cost(self._context, reference, at=self._at)

    def blame(self, reference: str, path: str) -> BlameAnswer:
        """What brought each line of a file, as of then."""
        return blaming.blame(self._context, reference, path, at=self._at)

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        """Many references, as of one serial."""
        permit_anywhere(self._context.grants, Verb.READ)
        with self._view() as (reader, then):
            head = reader.head()
            items = [
                queries.resolved(self._context, reader, text, lambda wanted: moments.release_at(reader, wanted, then))
                for text in references
            ]
            return {
                "registry": head.registry_id,
                "epoch": head.epoch,
                "serial": then.serial,
                "items": items,
                "at": then.text,
            }

    def _wanted(self, text: str) -> Reference:
        """The reference that a text is. Raises PermissionDenied where what it names may not be read."""
        reference = parse(text)
        reading.permit(self._context, reference)
        return reference

    def _may(self, bundle: str, alias: str = "") -> None:
        naming.permit(self._context, Verb.READ, bundle, alias)

    @contextmanager
    def _view(self) -> Iterator[tuple[CatalogReader, Moment]]:
        with reading.view(self._context) as reader:
            yield reader, moments.find(self._context, reader, self._at)


def _serving(reader: CatalogReader, bundle: str, then: Moment) -> dict[int, list[str]]:
    """The aliases of a bundle by the version they served."""
    return reading.by_version(moments.moves_at(reader, bundle, then))


def _bundle(reader: CatalogReader, row: BundleRow, then: Moment) -> answers.BundleAnswer:
    """A bundle as it was. Raises AssertionError where it was not there."""
    newest = moments.newest_release(reader, row.name, then)
    if newest is None:
        raise AssertionError("the bundle was there at that time")
    version = newest.record.version
    releases = row.releases if version == row.newest else reader.release_count(row.name, version)
    served = lists.answer(reader, row, list(_served(reader, row, then)), reader.said(row.key, then.serial))
    changed = reading.time(_changed(reader, row.name, newest.record.stamp.at, then))
    return {**served, "releases": releases, "newest": version, "changed_at": changed, "at": then.text}


def _served(reader: CatalogReader, row: BundleRow, then: Moment) -> Iterator[Serving]:
    """What the aliases of a bundle served; a release that is yanked now is told of as that."""
    for move in moments.moves_at(reader, row.name, then):
        version = move.record.to_version
        release = reader.release(row.name, version) if version else None
        yield Serving(row.key, move.record.alias, version, move.record.stamp.at, release.yanked if release else None)


def _changed(reader: CatalogReader, bundle: str, newest: int, then: Moment) -> int:
    """When anything of a bundle had changed last, microseconds. newest: when its newest release was published."""
    before = then.serial + 1
    moves = [row.record.stamp.at for row in reader.moves(bundle, before=before, limit=1)]
    notes = [record.stamp.at for _, record in reader.notes(_NOTES, bundle=bundle, before=before, limit=1)]
    return max([newest, *moves, *notes])
