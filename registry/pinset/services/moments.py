"""What was there at a time: found by halving, so that it costs the same however long ago it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain import names, times
from pinset.domain.records import EvidenceRecord, Verdict
from pinset.domain.references import Reference, SelectorKind
from pinset.errors import InvalidInput, InvalidReference, NotFound, Unavailable
from pinset.services import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.services.session import Context

_SLACK: Final = 60_000_000
"""Microseconds by which a time may be ahead of this machine's clock: others go by their own."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, and the serial of the newest write there was then: all that was there has this serial or a lower one."""

    at: int
    serial: int

    @property
    def text(self) -> str:
        """The time as answers carry it."""
        return reading.time(self.at)


def find(context: Context, reader: CatalogReader, text: str) -> Moment:
    """The moment that a text says. Raises InvalidInput for none and for the future, NotFound before the registry began."""
    head = reader.head()
    now = reading.now(context, reader)
    at = times.moment(text, now=now)
    if at > now + _SLACK:
        raise InvalidInput(
            f"{reading.time(at)} has not come yet", hint=f"it is {reading.time(now)} now; say an earlier time"
        )

    def look(serial: int) -> tuple[int, bool, int] | None:
        # The numbers have a gap where the registry was restored: what follows it is looked at.
        _, record = reader.records(after=serial - 1, limit=1)[0]
        return record.stamp.serial, record.stamp.at <= at, record.stamp.serial

    # Whoever asks of now need not search.
    serial = head.serial if head.at <= at else times.last(head.serial, look)
    if serial is None:
        began = reader.records(limit=1)[0][1].stamp.at
        raise NotFound(
            f"there was no registry at {reading.time(at)}: it began at {reading.time(began)}", hint="say a later time"
        )
    return Moment(at, serial)


def said(context: Context, reader: CatalogReader, text: str) -> int:
    """The time that a text says, microseconds; "ago" counts from now. Raises InvalidInput for none."""
    return times.moment(text, now=reading.now(context, reader))


def release_at(reader: CatalogReader, reference: Reference, then: Moment) -> tuple[ReleaseRow, MoveRow | None]:
    """The release that a reference named then, and the move by which it did where it names an alias. Raises NotFound."""
    bundle, selector = reference.bundle, reference.selector
    if selector.kind is SelectorKind.ALIAS:
        move = served_at(reader, bundle, selector.text, then)
        row = reader.release(bundle, move.record.to_version or 0)
        if row is None:
            raise Unavailable(f"{reference} served a release that the catalog lacks", hint="run `pinset reindex`")
        return row, move
    if selector.kind is SelectorKind.LATEST:
        return _latest(reader, bundle, then), None
    if selector.kind is SelectorKind.DIGEST:
        rows = [row for row in reader.releases_by_digest(bundle, selector.text) if _is_there(row, then)]
        if len({row.record.digest for row in rows}) > 1:
            found = ", ".join(f"v{row.record.version}" for row in rows)
            raise InvalidReference(
                f"{selector} fits several releases of {bundle}: {found}", hint="give more digits, or a version"
            )
        if rows:
            return rows[0], None
    row, _ = reading.find_release(reader, reference)  # raises where it is not there even now
    if not _is_there(row, then):
        need_bundle(reader, bundle, then)
        since = reading.time(row.record.stamp.at)
        newest = newest_release(reader, bundle, then)
        there = f"v{newest.record.version}" if newest else "none"
        raise NotFound(
            f"there was no {reference} at {then.text}: it was published at {since}", hint=f"the newest then was {there}"
        )
    return row, None


def served_at(reader: CatalogReader, bundle: str, alias: str, then: Moment) -> MoveRow:
    """The move of an alias that was current then, where it served something. Raises NotFound, saying what there was."""
    move = move_at(reader, bundle, alias, then)
    if move is not None and move.record.to_version is not None:
        return move
    need_bundle(reader, bundle, then)
    named = f"{bundle}@{alias}"
    if move is not None:
        raise NotFound(
            f"the alias {named} was retired at {then.text}, since {reading.time(move.record.stamp.at)}",
            hint=f"see what it served before and after: pinset history {named}",
        )
    first = reader.move(bundle, alias, 1)
    if first is not None:
        raise NotFound(
            f"the alias {named} served nothing at {then.text}",
            hint=f"its first move was at {reading.time(first.record.stamp.at)}, to v{first.record.to_version}",
        )
    reading.served(reader, bundle, alias)  # raises: it never was there
    raise AssertionError("an alias that serves something has moved")


def need_bundle(reader: CatalogReader, bundle: str, then: Moment) -> ReleaseRow:
    """The newest release of a bundle then. Raises NotFound where the bundle was not there."""
    reading.need_bundle(reader, bundle)
    newest = newest_release(reader, bundle, then)
    if newest is None:
        first = _first_release(reader, bundle)
        since = f"its first release is of {reading.time(first.record.stamp.at)}"
        raise NotFound(f"there was no bundle {names.show(bundle)} at {then.text}", hint=since)
    return newest


def newest_release(reader: CatalogReader, bundle: str, then: Moment) -> ReleaseRow | None:
    """The newest release of a bundle that was there then, yanked or not; None where there was none."""
    newest = next(iter(reader.releases(bundle, limit=1)), None)
    if newest is None or _is_there(newest, then):
        return newest

    def look(version: int) -> tuple[int, bool, ReleaseRow] | None:
        row = next(iter(reader.releases(bundle, before=version + 1, limit=1)), None)
        return (row.record.version, _is_there(row, then), row) if row is not None else None

    return times.last(newest.record.version - 1, look)


def move_at(reader: CatalogReader, bundle: str, alias: str, then: Moment) -> MoveRow | None:
    """The move of an alias that was current then; None where it had not moved."""
    return next(iter(reader.moves(bundle, alias, before=then.serial + 1, limit=1)), None)


def moves_at(reader: CatalogReader, bundle: str, then: Moment) -> Iterator[MoveRow]:
    """The move of each alias that was current then, by name of the alias."""
    for row in reader.aliases(bundle):
        if row.record.stamp.serial <= then.serial:
            yield row
        else:
            earlier = move_at(reader, bundle, row.record.alias, then)
            if earlier is not None:
                yield earlier


def was_yanked(reader: CatalogReader, row: ReleaseRow, then: Moment) -> bool:
    """Whether a release was yanked then."""
    record = row.record
    notes = reader.notes(["evidence"], bundle=record.bundle, version=record.version, before=then.serial + 1, limit=1)
    newest = notes[0][1] if notes else None
    return isinstance(newest, EvidenceRecord) and newest.verdict is Verdict.YANK


def _latest(reader: CatalogReader, bundle: str, then: Moment) -> ReleaseRow:
    row: ReleaseRow | None = need_bundle(reader, bundle, then)
    while row is not None and was_yanked(reader, row, then):
        row = next(iter(reader.releases(bundle, before=row.record.version, limit=1)), None)
    if row is None:
        raise NotFound(
            f"every release of {bundle} was yanked at {then.text}", hint=f"see what there is: pinset releases {bundle}"
        )
    return row


def _first_release(reader: CatalogReader, bundle: str) -> ReleaseRow:
    """The lowest version of a bundle that has one."""
    newest = next(iter(reader.releases(bundle, limit=1)), None)
    low, found = 0, newest
    while found is not None and low + 1 < found.record.version:
        middle = (low + found.record.version) // 2
        row = next(iter(reader.releases(bundle, before=middle + 1, limit=1)), None)
        low, found = (middle, found) if row is None else (low, row)
    if found is None:
        raise AssertionError("a bundle has a release")
    return found


def _is_there(row: ReleaseRow, then: Moment) -> bool:
    return row.record.stamp.serial <= then.serial
