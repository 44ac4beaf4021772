"""Promote, roll back, retire: the moves of an alias, each one commit."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pinset.domain import messages, names, times
from pinset.domain.access import Verb
from pinset.domain.moves import (
    NONE,
    History,
    Plan,
    Target,
    alias_moved,
    back_chain,
    expected_release,
    plan_promotion,
    plan_retirement,
    plan_rollback,
)
from pinset.domain.records import ROOT, MoveRecord, ReleaseRecord, Stamp
from pinset.domain.references import Reference, parse, parse_selector
from pinset.errors import AliasMoved, Barred, InvalidInput, NotFound, NothingBehind, Yanked
from pinset.ports.store import Files, TreeOf
from pinset.services import moments, reading
from pinset.services.session import Session, Written, only, writing

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context


def promote(
    context: Context,
    caller: Caller,
    reference: str,
    alias: str,
    *,
    expect: str | None = None,
    revision: str | None = None,
    reason: str = "",
    again: bool = False,
) -> answers.MoveAnswer:
    """Make an alias serve a release."""
    wanted = parse(reference, default=None)
    caller.need(Verb.PROMOTE, wanted.bundle, names.alias_name(alias))
    words = messages.clean_words(reason)
    if again and not words:
        raise InvalidInput("promoting a barred release again wants a reason", hint="say it with -m TEXT")
    # What the caller expects is no part of what is asked: a retry looks again, and is the same request.
    arguments = {"reference": reference, "alias": alias, "reason": words, "again": again}
    with writing(context, caller, "promote", arguments) as session:
        before = session.done_before()
        if before:
            return _answer_again(session, only(MoveRecord, before))
        reader, bundle = session.catalog, wanted.bundle
        row, _ = reading.find_release(reader, wanted)
        current = reader.alias(bundle, alias)
        _expect(reader, bundle, alias, current, expect=expect, revision=revision)
        plan = _promotion(reader, row, alias, current, again=again)
        now = current.record.to_version if current else None
        warnings = [*_warnings(row, now), *new_alias(reader, bundle, alias)]
        if plan is None:
            return _unchanged(session, row, _need(current), warnings)
        return _make(session, bundle, alias, plan, row.commit, words, warnings)


def rollback(
    context: Context,
    caller: Caller,
    bundle: str,
    alias: str,
    *,
    serving: str | None = None,
    to: str | None = None,
    steps: int | None = None,
    at: str | None = None,
    revision: str | None = None,
    reason: str = "",
) -> answers.MoveAnswer:
    """Undo: make an alias serve what it served before.

    A retry's answer has no warnings: which releases were skipped is not in the record, and may be others by now.
    """
    caller.need(Verb.ROLLBACK, names.bundle_name(bundle), names.alias_name(alias))
    if sum(value is not None for value in (to, steps, at)) > 1:
        raise InvalidInput("to, steps and at exclude each other", hint="name the target in one way")
    if at is not None:
        times.moment(at, now=0)  # raises for what is none
    words = messages.clean_words(reason)
    arguments = {"bundle": bundle, "alias": alias, "to": to, "steps": steps, "at": at, "reason": words}
    with writing(context, caller, "rollback", arguments) as session:
        before = session.done_before()
        if before:
            return answer(only(MoveRecord, before), session)
        reader = session.catalog
        current = reader.alias(bundle, alias)
        if current is None:
            current = reading.served(reader, bundle, alias)  # raises, saying what there is
        _expect(reader, bundle, alias, current, expect=serving, revision=revision)
        moment = moments.said(context, reader, at) if at is not None else None
        target = Target(version=_target_version(reader, bundle, to), steps=steps, at=moment)
        past = _history(reader, bundle, alias, current.record)
        try:
            plan = plan_rollback(current.record, target, past)
        except NothingBehind as error:
            raise _nothing_behind(error, reader, current.record, past, steps) from error
        if plan is None:
            row = reader.release(bundle, current.record.to_version or 0)
            return _unchanged(session, row, current, [])
        row = reader.release(bundle, plan.to_version or 0)
        if row is None:
            raise NotFound(f"{bundle}@v{plan.to_version} is not in the catalog", hint="run `pinset reindex`")
        warnings = [f"v{version} is {why}, skipped" for version, why in plan.skipped]
        return _make(session, bundle, alias, plan, row.commit, words, warnings)


def retire(
    context: Context, caller: Caller, bundle: str, alias: str, *, revision: str | None = None, reason: str = ""
) -> answers.MoveAnswer:
    """Make an alias serve nothing."""
    caller.need(Verb.RETIRE, names.bundle_name(bundle), names.alias_name(alias))
    words = messages.clean_words(reason)
    arguments = {"bundle": bundle, "alias": alias, "reason": words}
    with writing(context, caller, "retire", arguments) as session:
        before = session.done_before()
        if before:
            return answer(only(MoveRecord, before), session)
        current = session.catalog.alias(bundle, alias)
        if current is None:
            current = reading.served(session.catalog, bundle, alias)  # raises, saying what there is
        _expect(session.catalog, bundle, alias, current, expect=None, revision=revision)
        plan = plan_retirement(current.record)
        if plan is None:
            return _unchanged(session, None, current, [])
        return _make(session, bundle, alias, plan, None, words, [])


def stage_promotion(
    session: Session, release: Written[ReleaseRecord], alias: str, words: str
) -> Written[MoveRecord] | None:
    """Stage the move of an alias to a release, within the write that publishes it; None where it serves it already."""
    record = release.record
    current = session.catalog.alias(record.bundle, alias)
    row = session.catalog.release(record.bundle, record.version)  # None while it is only staged
    plan = (
        _promotion(session.catalog, row, alias, current, again=False)
        if row is not None
        else plan_promotion(current.record if current else None, record.version, again=False)
    )
    return _stage(session, record.bundle, alias, plan, release.commit, words) if plan else None


def new_alias(reader: CatalogReader, bundle: str, alias: str, *, first: MoveRecord | None = None) -> list[str]:
    """A warning where an alias that never moved is written much like another one: it may be a slip.

    first: look back at this move of the alias, as things were before it.
    """
    there = {row.record.alias for row in reader.aliases(bundle)}
    if first is not None:
        began = {name: reader.move(bundle, name, 1) for name in there}
        there = {name for name, row in began.items() if row and row.record.stamp.serial < first.stamp.serial}
    if alias in there:
        return []
    # canary-1 and canary-2 are no slips of each other.
    others = [name for name in sorted(there | {names.DEFAULT_ALIAS}) if _letters(name) != _letters(alias)]
    near = difflib.get_close_matches(alias, others, n=1, cutoff=0.8)
    return [f"{alias} is a new alias; did you mean {near[0]}?"] if near else []


def answer(written: Written[MoveRecord], session: Session, warnings: list[str] | None = None) -> answers.MoveAnswer:
    """A move as answers carry it."""
    record = written.record
    target = session.catalog.release(record.bundle, record.to_version) if record.to_version else None
    return {
        "action": record.action.value,
        "bundle": record.bundle,
        "alias": record.alias,
        "seq": record.seq,
        "from": record.from_version,
        "to": record.to_version,
        "release_commit": target.commit if target else None,
        "revision": written.commit,
        "reason": record.reason,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "serial": record.stamp.serial,
        "warnings": warnings or [],
        "operation": record.stamp.operation or None,
    }


def _answer_again(session: Session, written: Written[MoveRecord]) -> answers.MoveAnswer:
    """The first answer of a promotion that happened already."""
    record, reader = written.record, session.catalog
    row = reader.release(record.bundle, record.to_version or 0)
    warnings = _warnings(row, record.from_version) if row else []
    return answer(written, session, [*warnings, *new_alias(reader, record.bundle, record.alias, first=record)])


def _make(
    session: Session, bundle: str, alias: str, plan: Plan, release: str | None, words: str, warnings: list[str]
) -> answers.MoveAnswer:
    written = _stage(session, bundle, alias, plan, release, words)
    session.commit()
    return answer(written, session, warnings)


def _stage(
    session: Session, bundle: str, alias: str, plan: Plan, release: str | None, words: str
) -> Written[MoveRecord]:
    return session.stage(
        lambda stamp: _record(stamp, bundle, alias, plan, words),
        TreeOf(release) if release else Files(),
        lambda at: (at or ROOT, *([release] if release else [])),
    )


def _record(stamp: Stamp, bundle: str, alias: str, plan: Plan, words: str) -> MoveRecord:
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
    )


def _promotion(
    reader: CatalogReader, row: ReleaseRow, alias: str, current: MoveRow | None, *, again: bool
) -> Plan | None:
    bundle, version = row.record.bundle, row.record.version
    plan = plan_promotion(current.record if current else None, version, again=again)
    if plan is None:
        return None
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


def _expect(
    reader: CatalogReader, bundle: str, alias: str, current: MoveRow | None, *, expect: str | None, revision: str | None
) -> None:
    """Raises AliasMoved where the alias is not where the caller thinks it is."""
    now, at = (current.record.to_version, current.commit) if current else (None, None)

    def moved(expected: str) -> AliasMoved:
        return alias_moved(bundle, alias, serves=now, expected=expected, revision=at)

    if revision is not None and revision != at and not (revision == NONE and now is None):
        raise moved("the given revision")
    if expect is not None:
        selector = expected_release(expect)
        wanted = reading.find_release(reader, Reference(bundle, selector))[0].record.version if selector else None
        if wanted != now:
            raise moved(expect)


def _letters(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit())


def _nothing_behind(
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
            if row.yanked is None and row.record.version not in bars and row.record.version != current.to_version
        )
        other = next(may, None)
        hint = f"look at its moves: pinset history {bundle}@{alias}; or " + (
            f"promote another release: pinset promote {bundle}@v{other} {alias}"
            if other
            else "publish a release, and promote that: no other one may be promoted now"
        )
    return NothingBehind(message, hint=hint, details=error.details)


def _history(reader: CatalogReader, bundle: str, alias: str, current: MoveRecord) -> History:
    bars = reader.bars(bundle, alias)

    def unfit(version: int) -> str | None:
        row = reader.release(bundle, version)
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


def _target_version(reader: CatalogReader, bundle: str, to: str | None) -> int | None:
    if to is None:
        return None
    row, _ = reading.find_release(reader, Reference(bundle, parse_selector(to)))
    return row.record.version


def _warnings(row: ReleaseRow, now: int | None) -> list[str]:
    declared = row.record.rollback_to
    if declared is None or now is None or now in {declared, row.record.version}:
        return []
    return [f"its rollback_to is v{declared}, and the alias serves v{now} now"]


def _need(current: MoveRow | None) -> MoveRow:
    if current is None:
        raise AssertionError("an alias that serves something has moved")
    return current


def _unchanged(session: Session, row: ReleaseRow | None, current: MoveRow, warnings: list[str]) -> answers.MoveAnswer:
    same: Any = answer(Written(current.record, current.commit), session, warnings)
    now = current.record.to_version
    commit = row.commit if row else None
    unchanged: answers.MoveAnswer = same | {
        "action": "none",
        "from": now,
        "to": now,
        "release_commit": commit,
        "operation": None,
    }
    return unchanged
