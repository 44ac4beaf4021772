"""Moves on their way into git: planned for a release, and staged as one commit each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pinset.domain.moves import plan_promotion
from pinset.domain.records import ROOT, MoveRecord
from pinset.errors import Barred, Yanked
from pinset.ports.store import Files, TreeOf
from pinset.services import reading

if TYPE_CHECKING:
    from pinset.domain.moves import Plan
    from pinset.domain.records import Stamp
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.services.gates import Passage
    from pinset.services.session import Session, Written


def plan_for(
    reader: CatalogReader,
    row: ReleaseRow,
    alias: str,
    current: MoveRow | None,
    *,
    again: bool = False,
    anyway: bool = False,
) -> Plan | None:
    """The move that makes an alias serve a release; None where it does already. anyway: although it may not.

    Raises Archived, ContentPurged, Yanked, Barred.
    """
    bundle, version = row.record.bundle, row.record.version
    plan = plan_promotion(current.record if current else None, version, again=again)
    if plan is None or anyway:
        return plan
    reading.refuse_archived(reader, bundle)
    reading.refuse_purged(row)
    if row.yanked is not None:
        raise Yanked(
            f"{bundle}@v{version} is yanked: {row.yanked}",
            hint=f"promote another release, or take it back: pinset unyank {bundle}@v{version}",
        )
    if version in reader.bars(bundle, alias) and not again:
        raise Barred(
            f"{bundle}@v{version} was rolled back from {alias}, and is barred from it",
            hint=f"if it is right this time: pinset promote {bundle}@v{version} {alias} --again -m TEXT",
        )
    return plan


def stage_move(
    session: Session,
    bundle: str,
    alias: str,
    plan: Plan,
    release: str | None,
    words: str,
    passage: Passage,
    change: str | None = None,
) -> Written[MoveRecord]:
    """Stage a move. release: the commit it goes to, None for none. change: what it belongs to, whoever makes it."""
    return session.stage(
        lambda stamp: _record(replace(stamp, change=change or stamp.change), bundle, alias, plan, words, passage),
        TreeOf(release) if release else Files(),
        lambda at: (at or ROOT, *([release] if release else [])),
    )


def _record(stamp: Stamp, bundle: str, alias: str, plan: Plan, words: str, passage: Passage) -> MoveRecord:
    return MoveRecord(
        stamp=stamp,
        bundle=bundle,
        alias=alias,
        seq=plan.seq,
        action=plan.action,
        from_version=plan.from_version,
        to_version=plan.to_version,
        back=plan.back,
        reason=words,
        bars=plan.bars,
        again=plan.again,
        policy=passage.policy,
        request=passage.request,
        glass=passage.glass,
    )
