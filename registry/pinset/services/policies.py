"""Policies: edited under the rule of the one in force, shown, and tried on the registry as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pinset.domain import messages, names
from pinset.domain.access import Verb, may, permit, permit_anywhere
from pinset.domain.notes import digest_of_text
from pinset.domain.policy.model import parse
from pinset.domain.records import (
    MAIN_REF,
    POLICY_FILE,
    Aim,
    Binding,
    PolicyRecord,
    RequestRecord,
    Stamp,
)
from pinset.domain.references import parse as parse_reference
from pinset.errors import Archived, Barred, ContentPurged, InvalidInput, NotFound, PermissionDenied, PolicyMoved, Yanked
from pinset.ports.store import Files
from pinset.services import gates, naming, planning, policy_check, reading, requests
from pinset.services.session import Session, Written, only, writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers import Page
    from pinset.domain.answers.policy import GatesAnswer, PolicyAnswer, PolicyCheckAnswer, PolicyItem
    from pinset.domain.policy.gates import Gate
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context


class LocalPolicies:
    """Implements `ports.policies.Policies`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def edit(
        self, caller: Caller, text: str, *, expect: int | None = None, reason: str = "", break_glass: bool = False
    ) -> PolicyAnswer:
        """Bring a policy into force, or ask for it."""
        caller.need(Verb.POLICY)
        parse(text)
        words = messages.clean_words(reason)
        if not words:
            raise InvalidInput("a change of the policy wants a reason", hint="say it with -m TEXT")
        arguments = {"text": text, "reason": words} | ({"break_glass": True} if break_glass else {})
        with writing(self._context, caller, "policy", arguments) as session:
            before = session.done_before()
            if before:
                return _answer_again(session, before, text)
            number, _ = gates.in_force(session.catalog)
            if expect is not None and expect != number:
                raise policy_moved(number, expect)
            if number and _text_of(session.catalog, number) == text:
                return {**show(session.catalog, None), "changed": False, "operation": None, "request": None}
            return _edited(session, text, words, number, break_glass=break_glass)

    def show(self, number: int | None = None) -> PolicyAnswer:
        """A policy by its number, or the one in force."""
        self._permit()
        with reading.view(self._context) as reader:
            return show(reader, number)

    def history(self, *, cursor: str | None = None, limit: int = 100) -> Page[PolicyItem]:
        """Policies, newest first."""
        self._permit()
        with reading.view(self._context) as reader:
            rows = reader.notes(["policy"], before=reading.number(cursor), limit=limit + 1)
            found = [(commit, record) for commit, record in rows if isinstance(record, PolicyRecord)]
            return reading.page(found, limit, lambda row: _item(row[1]), lambda row: str(row[1].stamp.serial))

    def check(self, caller: Caller, text: str) -> PolicyCheckAnswer:
        """Try a policy on the registry as it is."""
        permit_anywhere(self._context.grants, Verb.READ)
        policy = parse(text)
        with reading.view(self._context) as reader:
            return policy_check.tried(
                reader, self._context.grants, caller.who, policy, reading.now(self._context, reader)
            )

    def can_promote(self, caller: Caller, reference: str, alias: str) -> GatesAnswer:
        """Whether the caller may make an alias serve a release now."""
        wanted = parse_reference(reference, default=None)
        reading.permit(self._context, wanted)
        naming.permit(self._context, Verb.READ, wanted.bundle, names.alias_name(alias))
        with reading.view(self._context) as reader:
            row, _ = reading.find_release(reader, wanted)
            return judged_now(self._context, reader, caller, row, alias).answer

    def _permit(self) -> None:
        """Raises PermissionDenied for who may not read everything, nor change it: a policy names bundles and persons."""
        if not may(self._context.grants, Verb.POLICY):
            permit(self._context.grants, Verb.READ)


class Judged(NamedTuple):
    """Whether a caller may make an alias serve a release now. ungranted: why their credential could not, '' where it could."""

    answer: GatesAnswer
    gates: Sequence[Gate]
    ungranted: str


def judged_now(context: Context, reader: CatalogReader, caller: Caller, row: ReleaseRow, alias: str) -> Judged:
    """Every gate in front of an alias for a release, and what else is against it. Nothing is done."""
    bundle, version = row.record.bundle, row.record.version
    current = reader.alias(bundle, alias)
    ungranted = _ungranted(context, caller, bundle, alias)
    against = ungranted
    try:
        plan = planning.plan_for(reader, row, alias, current)
    except (Archived, ContentPurged, Yanked, Barred) as error:
        against = error.message if against is None else f"{against}; {error.message}"
        plan = planning.plan_for(reader, row, alias, current, anyway=True)
    if plan is None:
        judged = gates.Judgement(gates.in_force(reader).number, ())
    else:
        binding = gates.binding_of(reader, bundle, alias, plan, current.record if current else None, row.record)
        judged = gates.as_asked(reader, binding, caller.who, reading.now(context, reader))
    answer: GatesAnswer = {
        "bundle": bundle,
        "alias": alias,
        "from": current.record.to_version if current else None,
        "to": version,
        "policy": judged.policy_number or None,
        "can": against is None and judged.passed,
        "gates": gates.as_answers(judged.gates),
        "reason": against,
    }
    return Judged(answer, judged.gates, ungranted or "")


def _ungranted(context: Context, caller: Caller, bundle: str, alias: str) -> str | None:
    """Why the caller's credential could not move an alias at all."""
    try:
        naming.need(context, caller, Verb.PROMOTE, bundle, alias)
    except PermissionDenied as error:
        return error.message
    return None


def stage_policy(
    session: Session, text: str, request: RequestRecord | None, *, words: str = "", glass: bool = False
) -> Written[PolicyRecord] | None:
    """Stage that a policy comes into force. The caller commits.

    request: what asked for it; None is returned then where it may not be fulfilled: another policy has come into force
    meanwhile, it is about another text, or the policy's own rule is not passed.
    """
    number = gates.in_force(session.catalog).number
    if request is not None:
        asked = request.binding
        if asked.aim is not Aim.POLICY or asked.policy != number or asked.digest != digest_of_text(text):
            return None
        if not gates.judge_request(session, request, session.now).passed:
            return None
        words = request.reason
    digest = digest_of_text(text)

    def record(stamp: Stamp) -> PolicyRecord:
        return PolicyRecord(
            stamp=stamp,
            number=number + 1,
            digest=digest,
            request=request.number if request else None,
            reason=words,
            glass=glass,
        )

    at = session.catalog.ref(MAIN_REF)
    others = dict(session.context.store.read(MAIN_REF, at).files) if at else {}
    files = {**others, POLICY_FILE: text}
    return session.stage(record, Files(files), lambda at: (at,) if at else (), {POLICY_FILE: text})


def policy_moved(number: int, expected: int) -> PolicyMoved:
    """The error where another policy is in force than a caller thinks."""
    there = f"policy {number} is in force" if number else "no policy is in force"
    return PolicyMoved(
        f"{there}, not {expected or 'none'}",
        hint="look at what changed (pinset policy show; pinset policy history) and decide again",
        details={"number": number},
    )


def show(reader: CatalogReader, number: int | None) -> PolicyAnswer:
    """A policy as answers carry it. Raises NotFound."""
    newest = reader.notes(["policy"], limit=1)
    current = newest[0][1] if newest else None
    found = reader.notes(["policy"], number=number, limit=1) if number else newest
    record = found[0][1] if found else None
    if number and not isinstance(record, PolicyRecord):
        last = f"the newest is {current.number}" if isinstance(current, PolicyRecord) else "there is none yet"
        raise NotFound(f"there is no policy {number}: {last}", hint="see them: pinset policy history")
    if not isinstance(record, PolicyRecord) or number == 0:
        empty: PolicyAnswer = {
            "number": 0,
            "text": "",
            "digest": None,
            "at": None,
            "actor": None,
            "reason": "",
            "request": None,
            "glass": False,
            "current": current is None,
        }
        return empty
    return _answer(record, reader.text(record.digest), current=record == current)


def _edited(session: Session, text: str, words: str, number: int, *, break_glass: bool) -> PolicyAnswer:
    """The edit, as the rule of the policy in force lets it happen."""
    binding = Binding(
        aim=Aim.POLICY,
        bundle="",
        alias="",
        from_version=None,
        from_seq=0,
        to_version=None,
        digest=digest_of_text(text),
        policy=number,
    )
    judged = gates.judge(session, at=session.now, binding=binding, requester_person=session.caller.who)
    glass = False
    if not judged.passed and break_glass:
        gates.need_glass(session, binding, judged)
        glass = True
    elif not judged.passed and judged.can_wait:
        own = gates.in_force(session.catalog).policy.own
        asked = requests.stage(session, binding, own.patience, words, files={POLICY_FILE: text})
        session.commit()
        return {
            **show(session.catalog, None),
            "changed": False,
            "request": asked.record.number,
            "operation": session.operation_id,
        }
    elif not judged.passed:
        raise gates.gates_open(binding, judged)
    written = stage_policy(session, text, None, words=words, glass=glass)
    if written is None:
        raise AssertionError("an edit that fulfils no request is staged")
    session.commit()
    return _made(session, written.record, text)


def _made(session: Session, record: PolicyRecord, text: str) -> PolicyAnswer:
    return {**_answer(record, text, current=True), "changed": True, "operation": session.operation_id}


def _answer_again(session: Session, before: list[tuple[str, Record]], text: str) -> PolicyAnswer:
    """The first answer of an edit that happened already."""
    if any(isinstance(record, PolicyRecord) for _, record in before):
        return _made(session, only(PolicyRecord, before).record, text)
    request = only(RequestRecord, before).record
    now = show(session.catalog, request.binding.policy)
    return {**now, "changed": False, "request": request.number, "operation": session.operation.id}


def _answer(record: PolicyRecord, text: str, *, current: bool) -> PolicyAnswer:
    return {
        "number": record.number,
        "text": text,
        "digest": record.digest,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "reason": record.reason,
        "request": record.request,
        "glass": record.glass,
        "current": current,
    }


def _item(record: PolicyRecord) -> PolicyItem:
    return {
        "number": record.number,
        "digest": record.digest,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "reason": record.reason,
        "request": record.request,
        "glass": record.glass,
        "serial": record.stamp.serial,
    }


def _text_of(reader: CatalogReader, number: int) -> str:
    return show(reader, number)["text"]
