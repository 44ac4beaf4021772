"""Promote, roll back, retire: the moves of an alias, each one commit."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import messages, names, times
from pinset.domain.access import Verb
from pinset.domain.moves import (
    NONE,
    Target,
    alias_moved,
    expected_release,
    plan_promotion,
    plan_retirement,
    plan_rollback,
)
from pinset.domain.records import Aim, MoveRecord, ReleaseRecord
from pinset.domain.references import Reference, parse, parse_selector
from pinset.errors import AliasMoved, Archived, Barred, ContentPurged, InvalidInput, NotFound, NothingBehind, Yanked
from pinset.services import gates, moments, naming, planning, reading, requests, undoing
from pinset.services.session import Session, Written, only, writing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain import answers
    from pinset.domain.answers.policy import GateAnswer
    from pinset.domain.moves import Plan
    from pinset.domain.records import RequestRecord
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context

_BROKEN: Final = "the glass is broken: this is past the policy's gates, and everybody will see it"


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
    break_glass: bool = False,
) -> answers.MoveAnswer:
    """Make an alias serve a release; where the policy wants approvals that are missing, a request for it is made."""
    wanted = parse(reference, default=None)
    naming.need(context, caller, Verb.PROMOTE, wanted.bundle, names.alias_name(alias))
    words = messages.clean_words(reason)
    if again and not words:
        raise InvalidInput("promoting a barred release again wants a reason", hint="say it with -m TEXT")
    # What the caller expects is no part of what is asked: a retry looks again, and is the same request.
    arguments = {"reference": reference, "alias": alias, "reason": words, "again": again} | _glass(break_glass)
    with writing(context, caller, "promote", arguments) as session:
        before = session.done_before()
        if before:
            return requests.asked_before(session, before) or _answer_again(session, only(MoveRecord, before))
        reader = session.catalog
        bundle = naming.named(reader).called(wanted.bundle)
        row, _ = reading.find_release(reader, wanted)
        current = reader.alias(bundle, alias)
        _expect(reader, bundle, alias, current, expect=expect, revision=revision)
        plan = planning.plan_for(reader, row, alias, current, again=again)
        now = current.record.to_version if current else None
        warnings = [*_warnings(row, now), *new_alias(reader, bundle, alias)]
        if plan is None:
            return _unchanged(session, row, _need(current), warnings)
        passage = _admitted(session, bundle, alias, plan, current, words, subject=row.record, break_glass=break_glass)
        if not isinstance(passage, gates.Passage):
            session.commit()
            return passage
        return _make(session, bundle, alias, plan, row.commit, words, warnings, passage)


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
    naming.need(context, caller, Verb.ROLLBACK, names.bundle_name(bundle), names.alias_name(alias))
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
        bundle = naming.named(reader).called(bundle)
        current = reader.alias(bundle, alias)
        if current is None:
            current = reading.served(reader, bundle, alias)  # raises, saying what there is
        _expect(reader, bundle, alias, current, expect=serving, revision=revision)
        moment = moments.said(context, reader, at) if at is not None else None
        target = Target(version=_target_version(reader, bundle, to), steps=steps, at=moment)
        past = undoing.history(reader, bundle, alias, current.record)
        try:
            plan = plan_rollback(current.record, target, past)
        except NothingBehind as error:
            raise undoing.nothing_behind(error, reader, current.record, past, steps) from error
        if plan is None:
            row = reader.release(bundle, current.record.to_version or 0)
            return _unchanged(session, row, current, [])
        row = reader.release(bundle, plan.to_version or 0)
        if row is None:
            raise NotFound(f"{bundle}@v{plan.to_version} is not in the catalog", hint="run `pinset reindex`")
        warnings = [f"v{version} is {why}, skipped" for version, why in plan.skipped]
        passage = gates.undo(reader, bundle, alias, plan)
        return _make(session, bundle, alias, plan, row.commit, words, warnings, passage)


def retire(
    context: Context,
    caller: Caller,
    bundle: str,
    alias: str,
    *,
    revision: str | None = None,
    reason: str = "",
    break_glass: bool = False,
) -> answers.MoveAnswer:
    """Make an alias serve nothing; where the policy wants approvals that are missing, a request for it is made."""
    naming.need(context, caller, Verb.RETIRE, names.bundle_name(bundle), names.alias_name(alias))
    words = messages.clean_words(reason)
    arguments = {"bundle": bundle, "alias": alias, "reason": words} | _glass(break_glass)
    with writing(context, caller, "retire", arguments) as session:
        before = session.done_before()
        if before:
            return requests.asked_before(session, before) or answer(only(MoveRecord, before), session)
        bundle = naming.named(session.catalog).called(bundle)
        current = session.catalog.alias(bundle, alias)
        if current is None:
            current = reading.served(session.catalog, bundle, alias)  # raises, saying what there is
        _expect(session.catalog, bundle, alias, current, expect=None, revision=revision)
        plan = plan_retirement(current.record)
        if plan is None:
            return _unchanged(session, None, current, [])
        passage = _admitted(session, bundle, alias, plan, current, words, subject=None, break_glass=break_glass)
        if not isinstance(passage, gates.Passage):
            session.commit()
            return passage
        return _make(session, bundle, alias, plan, None, words, [], passage)


def stage_promotion(
    session: Session,
    release: Written[ReleaseRecord],
    alias: str,
    words: str,
    components: Mapping[str, int] | None,
) -> Written[MoveRecord] | answers.MoveAnswer | None:
    """Stage the move of an alias to a release, within the write that publishes it; None where it serves it already.

    components: what the release holds, where it is only staged. Where the policy wants approvals, a request is staged
    instead of the move, and its answer given.
    """
    record = release.record
    current = session.catalog.alias(record.bundle, alias)
    row = session.catalog.release(record.bundle, record.version)  # None while it is only staged
    plan = (
        planning.plan_for(session.catalog, row, alias, current)
        if row is not None
        else plan_promotion(current.record if current else None, record.version, again=False)
    )
    if plan is None:
        return None
    subject = record if row is not None else gates.Subject(record, components or {})
    passage = _admitted(session, record.bundle, alias, plan, current, words, subject=subject, break_glass=False)
    if not isinstance(passage, gates.Passage):
        return passage
    return planning.stage_move(session, record.bundle, alias, plan, release.commit, words, passage)


def gates_before(
    session: Session, record: ReleaseRecord, alias: str, components: Mapping[str, int] | None
) -> list[GateAnswer]:
    """The policy's gates in front of the move of an alias to a release. components: as for `stage_promotion`."""
    current = session.catalog.alias(record.bundle, alias)
    plan = plan_promotion(current.record if current else None, record.version, again=False)
    if plan is None:
        return []
    binding = gates.binding_of(session.catalog, record.bundle, alias, plan, current.record if current else None, record)
    subject = gates.Subject(record, components) if components is not None else None
    who = session.caller.who
    return gates.as_answers(
        gates.judge(session, at=session.now, binding=binding, requester_person=who, subject=subject).gates
    )


def refuse_early(session: Session, record: ReleaseRecord, alias: str, components: Mapping[str, int]) -> None:
    """Raises GatesOpen where a release that is about to be staged cannot be promoted: then nothing of it is written."""
    current = session.catalog.alias(record.bundle, alias)
    plan = plan_promotion(current.record if current else None, record.version, again=False)
    if plan is not None:
        before = current.record if current else None
        binding = gates.binding_of(session.catalog, record.bundle, alias, plan, before, record)
        gates.refuse_early(session, binding, gates.Subject(record, components))


def stage_move_for(session: Session, request: RequestRecord) -> Written[MoveRecord] | None:
    """Stage the move that a request asks for; None where it may not be made, now or any more.

    It may while the alias, the policy and the release are what the request says, and every gate passes.
    """
    asked, reader = request.binding, session.catalog
    current = reader.alias(asked.bundle, asked.alias)
    if (current.record.seq if current else 0) != asked.from_seq or gates.in_force(reader).number != asked.policy:
        return None
    row = reader.release(asked.bundle, asked.to_version) if asked.to_version is not None else None
    if asked.aim is Aim.RETIRE:
        plan = plan_retirement(current.record) if current else None
    elif row is None or row.record.digest != asked.digest:
        return None
    else:
        try:
            plan = planning.plan_for(reader, row, asked.alias, current, again=request.again)
        except (Archived, ContentPurged, Yanked, Barred):
            return None
    if plan is None:
        return None
    judged = gates.judge_request(session, request, session.now)
    if not judged.passed:
        return None
    passage = gates.Passage(judged.policy_number or None, request=request.number)
    commit = row.commit if row else None
    # It belongs to what it was asked for under, not to what who approves it does.
    change = request.stamp.change
    return planning.stage_move(session, asked.bundle, asked.alias, plan, commit, request.reason, passage, change)


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
        "warnings": [*(warnings or []), *([_BROKEN] if record.glass else [])],
        "operation": record.stamp.operation or None,
        "policy": record.policy,
        "request": record.request,
        "glass": record.glass,
    }


def _answer_again(session: Session, written: Written[MoveRecord]) -> answers.MoveAnswer:
    """The first answer of a promotion that happened already."""
    record, reader = written.record, session.catalog
    row = reader.release(record.bundle, record.to_version or 0)
    warnings = _warnings(row, record.from_version) if row else []
    return answer(written, session, [*warnings, *new_alias(reader, record.bundle, record.alias, first=record)])


def _glass(broken: bool) -> dict[str, bool]:  # noqa: FBT001 - a flag of the request
    """The flag among the arguments of a write, where it is given: other requests stay what they were."""
    return {"break_glass": True} if broken else {}


def _admitted(
    session: Session,
    bundle: str,
    alias: str,
    plan: Plan,
    current: MoveRow | None,
    words: str,
    *,
    subject: ReleaseRecord | gates.Subject | None,
    break_glass: bool,
) -> gates.Passage | answers.MoveAnswer:
    """How a move passes the policy's gates. subject: the release, None for a retirement. See `gates.admit`."""
    staged = subject if isinstance(subject, gates.Subject) else None
    release = subject.record if isinstance(subject, gates.Subject) else subject
    binding = gates.binding_of(session.catalog, bundle, alias, plan, current.record if current else None, release)
    return gates.admit(session, binding, words, again=plan.again, break_glass=break_glass, subject=staged)


def _make(
    session: Session,
    bundle: str,
    alias: str,
    plan: Plan,
    release: str | None,
    words: str,
    warnings: list[str],
    passage: gates.Passage,
) -> answers.MoveAnswer:
    written = planning.stage_move(session, bundle, alias, plan, release, words, passage)
    session.commit()
    return answer(written, session, warnings)


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
