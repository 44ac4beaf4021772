"""What a rollback looks at, and what is said where there is nothing to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import times
from pinset.domain.moves import PURGED, History, back_chain
from pinset.errors import NothingBehind

if TYPE_CHECKING:
    from pinset.domain.records import MoveRecord
    from pinset.ports.catalog import CatalogReader


def nothing_behind(
    error: NothingBehind, reader: CatalogReader, current: MoveRecord, past: History, steps: int | None
) -> NothingBehind:
    """The same error, saying how many steps there are, and which release may be promoted instead."""
    bundle, alias = current.bundle, current.alias
    there = 0
    for position, move in enumerate(back_chain(current, past.move), start=1):
        if move.to_version != current.to_version and past.unfit(move.to_version or 0) is None:
            there = position
    message = error.message
    if steps is not None and there:
        message = f"{bundle}@{alias} has {there} step{'' if there == 1 else 's'} to go back, not {steps}"
    hint = f"go back fewer: pinset rollback {bundle}@{alias} --steps {there}" if there and steps is not None else ""
    if not hint:
        bars = reader.bars(bundle, alias)
        may = (
            row.record.version
            for row in reader.releases(bundle, limit=500)
            if row.yanked is None
            and row.purged is None
            and row.record.version not in bars
            and row.record.version != current.to_version
        )
        other = next(may, None)
        hint = f"look at its moves: pinset history {bundle}@{alias}; or " + (
            f"promote another release: pinset promote {bundle}@v{other} {alias}"
            if other
            else "publish a release, and promote that: no other one may be promoted now"
        )
    return NothingBehind(message, hint=hint, details=error.details)


def history(reader: CatalogReader, bundle: str, alias: str, current: MoveRecord) -> History:
    """What planning a rollback asks of the catalog, move by move."""
    bars = reader.bars(bundle, alias)

    def unfit(version: int) -> str | None:
        row = reader.release(bundle, version)
        if row is not None and row.purged is not None:
            return PURGED
        if row is None or row.yanked is not None:
            return "yanked"
        return "barred" if version in bars else None

    def move(seq: int) -> MoveRecord | None:
        row = reader.move(bundle, alias, seq)
        return row.record if row else None

    def served(version: int, before: int) -> MoveRecord | None:
        row = reader.served_before(bundle, alias, version, before)
        return row.record if row else None

    def current_at(at: int) -> MoveRecord | None:
        def look(seq: int) -> tuple[int, bool, MoveRecord] | None:
            found = move(seq)
            return None if found is None else (seq, found.stamp.at <= at, found)

        return times.last(current.seq, look)  # times rise with the seqs

    row = reader.release(bundle, current.to_version) if current.to_version else None
    declared = row.record.rollback_to if row else None
    return History(move=move, served=served, current_at=current_at, unfit=unfit, declared=declared)
