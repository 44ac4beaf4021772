"""Approving: what persons decide about requests, and what follows when the last gate has passed."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain import messages, names
from pinset.domain.access import Verb, may_anywhere, permit, permit_anywhere
from pinset.domain.policy.gates import apart
from pinset.domain.records import Aim, Decision, DecisionRecord, MoveRecord, PolicyRecord, RequestRecord, Stamp
from pinset.errors import (
    InvalidInput,
    OwnApproval,
    PermissionDenied,
    RequestChanged,
    RequestClosed,
)
from pinset.ports.store import Files
from pinset.services import gates, moving, naming, policies, reading, requests
from pinset.services.requests import Standing, State
from pinset.services.session import Written, only, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinset.domain.access import Grant
    from pinset.domain.answers import Page
    from pinset.domain.answers.requests import DecisionAnswer, DecisionItem, RequestAnswer, SettledAnswer
    from pinset.domain.records import Binding, Record
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.registry import Caller
    from pinset.services.session import Context, Session

_LOOKED_AT: Final = 2000
"""Requests that are looked at for one page of those of a state."""
_WAITING: Final = 200
"""Requests about one release that a new result may let pass at once."""
_VERBS: Final = {Aim.PROMOTE: Verb.PROMOTE, Aim.RETIRE: Verb.RETIRE, Aim.POLICY: Verb.POLICY}
"""What a caller must be able to do to make themselves what a request asks for."""


class Made(NamedTuple):
    """What a request asked for, staged: a move, or a policy."""

    move: Written[MoveRecord] | None = None
    policy: Written[PolicyRecord] | None = None


class LocalRequests:
    """Implements `ports.requests.Requests`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def list(
        self, *, state: str | None = None, bundle: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[RequestAnswer]:
        """Requests, newest first."""
        if bundle is not None:
            names.bundle_name(bundle)
        wanted, grants = _state(state), self._context.grants
        permit_anywhere(grants, Verb.READ)
        with reading.view(self._context) as reader:
            if bundle is not None and naming.may_any(grants, Verb.READ, reader, bundle):
                reading.need_bundle(reader, bundle)
            at, items, last = reading.now(self._context, reader), [], None
            for looked, found in enumerate(requests.newest_first(reader, bundle=bundle, before=reading.number(cursor))):
                if last is not None and (len(items) == limit or looked == _LOOKED_AT):
                    return {"items": items, "next": str(last)}
                last, asked = found.record.stamp.serial, found.record.binding
                if not naming.may_any(grants, Verb.READ, reader, asked.bundle, asked.alias):
                    continue
                standing = state_of(reader, found.record, at)
                if wanted is None or standing.state is wanted:
                    items.append(_answer(reader, found, at, standing))
            return {"items": items, "next": None}

    def show(self, number: int) -> RequestAnswer:
        """A request."""
        permit_anywhere(self._context.grants, Verb.READ)
        with reading.view(self._context) as reader:
            found = requests.find(reader, number)
            _permit(reader, self._context.grants, Verb.READ, found.record.binding)
            return _answer(reader, found, reading.now(self._context, reader))

    def approve(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        """Approve a request."""
        return self._decide(caller, number, Decision.APPROVE, reason, revision)

    def reject(self, caller: Caller, number: int, *, reason: str, revision: str | None = None) -> DecisionAnswer:
        """Reject a request."""
        return self._decide(caller, number, Decision.REJECT, reason, revision)

    def withdraw(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        """Take a request back."""
        return self._decide(caller, number, Decision.WITHDRAW, reason, revision)

    def settle(self, caller: Caller) -> SettledAnswer:
        """Make what open requests ask for whose gates have all passed."""
        caller.need(Verb.PROMOTE)
        with reading.view(self._context) as reader:
            at = reading.now(self._context, reader)
            ready = [
                found.record.number
                for found in requests.newest_first(reader)
                if found.record.expires_at >= at
                and _allows(reader, caller, found.record)
                and state_of(reader, found.record, at).state is State.APPROVED
            ]
        return settle(self._context, caller, ready)

    def _decide(
        self, caller: Caller, number: int, decision: Decision, reason: str, revision: str | None
    ) -> DecisionAnswer:
        _need_anywhere(caller, decision)
        words = messages.clean_words(reason)
        if decision is Decision.REJECT and not words:
            raise InvalidInput("a rejection wants a reason", hint="say it with -m TEXT; who asked will read it")
        # What the caller has seen is no part of what is asked: a retry looks again, and is the same request.
        arguments = {"number": number, "decision": decision.value, "reason": words}
        with writing(self._context, caller, "decide", arguments) as session:
            reader = session.catalog
            found = requests.find(reader, number)
            _need(reader, caller, found.record, decision)
            before = session.done_before()
            if before:
                first = next(iter(_made_before(before)), Made())
                return _decided(session, found, decision, first, operation=session.operation.id)
            if revision is not None and revision != found.commit:
                raise RequestChanged(
                    f"request {number} is another one than you have seen",
                    hint=f"look at it again: pinset request show {number}",
                )
            same = _decided_so(reader, found.record, decision, caller.who)
            standing = requests.standing(reader, found.record, session.now)
            if same and (standing.state is State.OPEN or decision is not Decision.APPROVE):
                return _decided(session, found, decision, Made(), changed=False)
            _check_open(found.record, standing)
            _check_person(reader, found.record, decision, caller)
            _stage_decision(session, found.record, decision, words)
            made = stage_ready(session, [found] if decision is Decision.APPROVE else [])
            session.commit()
            return _decided(session, found, decision, next(iter(made), Made()), operation=session.operation_id)


def settle(context: Context, caller: Caller, numbers: Sequence[int]) -> SettledAnswer:
    """Make what these requests ask for, as far as every gate lets it pass."""
    with writing(context, caller, "settle", {}) as session:
        before = session.done_before()
        if before:
            return _settled(session, _made_before(before), session.operation.id)
        made = stage_ready(session, [requests.find(session.catalog, number) for number in sorted(numbers)])
        session.commit()
        return _settled(session, made, session.operation_id if made else None)


def stage_ready(session: Session, found: Iterable[Written[RequestRecord]]) -> list[Made]:
    """Stage what open requests ask for whose gates all pass; each alias once, and the policy alone.

    What this write has staged already counts: an approval, a result.
    """
    made: list[Made] = []
    moved: set[tuple[str, str]] = set()
    for written in found:
        request, asked = written.record, written.record.binding
        if (asked.bundle, asked.alias) in moved or ("", "") in moved:
            continue
        if requests.standing(session.seen, request, session.now).state is not State.OPEN:
            continue
        if asked.aim is Aim.POLICY:
            text = session.catalog.text(asked.digest or "")
            policy = policies.stage_policy(session, text, request)
            done = Made(policy=policy) if policy else None
        else:
            move = moving.stage_move_for(session, request)
            done = Made(move=move) if move else None
        if done is not None:
            moved.add((asked.bundle, asked.alias))
            made.append(done)
    return made


def waiting_for(session: Session, bundle: str, version: int) -> list[Written[RequestRecord]]:
    """The open requests about a release, by their number. Those about another version with the same digest too.

    Of very many the newest: a server looks for the others by itself.
    """
    reader = session.catalog
    row = reader.release(bundle, version)
    same = reader.releases_by_digest(bundle, row.record.digest) if row else ()
    found = [
        one
        for release in same
        for one in islice(requests.newest_first(reader, bundle=bundle, version=release.record.version), _WAITING)
        if requests.standing(reader, one.record, session.now).state is State.OPEN
    ]
    return sorted(found, key=lambda one: one.record.number)


def waiting_at(context: Context, reader: CatalogReader, bundle: str, alias: str) -> list[RequestAnswer]:
    """The requests that wait for an alias, newest first; of very many the newest."""
    at, found = reading.now(context, reader), []
    for one in islice(requests.newest_first(reader, bundle=bundle), _WAITING):
        asked = one.record.binding
        if asked.alias == alias and naming.may_any(context.grants, Verb.READ, reader, bundle, alias):
            standing = state_of(reader, one.record, at)
            if standing.state in (State.OPEN, State.APPROVED):
                found.append(_answer(reader, one, at, standing))
    return found


def state_of(reader: CatalogReader, request: RequestRecord, at: int) -> Standing:
    """How a request stands at a time, its gates too."""
    found = requests.standing(reader, request, at)
    if found.state is State.OPEN and gates.judge_request(reader, request, at).passed:
        return Standing(State.APPROVED, "every gate passes; what it asks for is about to be made")
    return found


def _state(text: str | None) -> State | None:
    if text is None:
        return None
    if text not in set(State):
        raise InvalidInput(f"{names.show(text)} is no state of a request", hint="one of " + ", ".join(State))
    return State(text)


def _need_anywhere(caller: Caller, decision: Decision) -> None:
    """Raises PermissionDenied for who may decide about no request, whether there is this one or not."""
    if decision is Decision.WITHDRAW:
        permit_anywhere(caller.grants, Verb.READ)
    elif not may_anywhere(caller.grants, Verb.POLICY):
        permit_anywhere(caller.grants, Verb.APPROVE)


def _need(reader: CatalogReader, caller: Caller, request: RequestRecord, decision: Decision) -> None:
    asked = request.binding
    if decision is Decision.WITHDRAW:
        _permit(reader, caller.grants, Verb.READ, asked)
    elif asked.aim is Aim.POLICY:
        caller.need(Verb.POLICY)
    else:
        _permit(reader, caller.grants, Verb.APPROVE, asked)


def _permit(reader: CatalogReader, grants: tuple[Grant, ...], verb: Verb, asked: Binding) -> None:
    """Raises PermissionDenied where none of the grants allows a verb on what a request is about.

    Whoever only knows its number is not told of which bundle it is.
    """
    if not naming.may_any(grants, verb, reader, asked.bundle, asked.alias):
        known = naming.may_any(grants, Verb.READ, reader, asked.bundle, asked.alias)
        permit(grants, verb, *((asked.bundle, asked.alias) if known else ()))


def _allows(reader: CatalogReader, caller: Caller, request: RequestRecord) -> bool:
    asked = request.binding
    return naming.may_any(caller.grants, _VERBS[asked.aim], reader, asked.bundle, asked.alias)


def _check_open(request: RequestRecord, standing: Standing) -> None:
    if standing.state is State.OPEN:
        return
    asked = request.binding
    again = f"ask again: pinset promote {asked.bundle}@v{asked.to_version} {asked.alias}"
    hint = again if asked.aim is Aim.PROMOTE else f"look at it: pinset request show {request.number}"
    if standing.state is State.DONE:
        hint = f"there is nothing to decide: pinset request show {request.number}"
    raise RequestClosed(
        f"request {request.number} is {standing.state}: {standing.why}",
        hint=hint,
        details={"number": request.number, "state": standing.state.value},
    )


def _check_person(reader: CatalogReader, request: RequestRecord, decision: Decision, caller: Caller) -> None:
    """Raises OwnApproval, and PermissionDenied for who may not decide so."""
    who = caller.who
    if decision is Decision.WITHDRAW and who != request.stamp.who:
        raise PermissionDenied(
            f"{request.stamp.who} made request {request.number}, and {who} cannot take it back",
            hint=f"reject it: pinset request reject {request.number} -m TEXT",
        )
    if decision is not Decision.APPROVE:
        return
    if not apart([who], request.stamp.who):
        raise OwnApproval(f"{who} made request {request.number} and cannot approve it", hint="ask somebody else to")
    if not apart([who], *requests.publishers_of(reader, request)):
        asked = request.binding
        raise OwnApproval(
            f"{who} published {asked.bundle}@v{asked.to_version}, or the same content, and cannot approve it",
            hint="ask somebody else to",
        )
    editors = gates.in_force(reader).policy.own.editors
    if request.binding.aim is Aim.POLICY and editors is not None and who not in editors:
        raise PermissionDenied(
            f"{who} is no editor of the policy", hint="one of these can approve: " + ", ".join(editors)
        )


def _decided_so(reader: CatalogReader, request: RequestRecord, decision: Decision, who: str) -> bool:
    """Whether a person has decided so already."""
    found = requests.decisions(reader, request)
    return any(one.record.decision is decision and one.record.stamp.who == who for one in found)


def _stage_decision(session: Session, request: RequestRecord, decision: Decision, words: str) -> None:
    def record(stamp: Stamp) -> DecisionRecord:
        return DecisionRecord(
            stamp=stamp, number=request.number, decision=decision, binding=request.binding, reason=words
        )

    session.stage(record, Files(), lambda at: (at,) if at else ())


def _made_before(before: Sequence[tuple[str, Record]]) -> list[Made]:
    """What a write made that happened already."""
    moves = [Made(move=Written(record, commit)) for commit, record in before if isinstance(record, MoveRecord)]
    if any(isinstance(record, PolicyRecord) for _, record in before):
        return [*moves, Made(policy=only(PolicyRecord, before))]
    return moves


def _settled(session: Session, made: Sequence[Made], operation: str | None) -> SettledAnswer:
    records = [(one.move or one.policy) for one in made]
    return {
        "requests": [one.record.request for one in records if one is not None and one.record.request is not None],
        "moves": [moving.answer(one.move, session) for one in made if one.move is not None],
        "operation": operation,
    }


def _decided(
    session: Session,
    found: Written[RequestRecord],
    decision: Decision,
    made: Made,
    *,
    operation: str | None = None,
    changed: bool = True,
) -> DecisionAnswer:
    dry = changed and operation is None
    answer = _answer(session.seen if dry else session.catalog, found, session.now)
    if dry and made != Made():
        answer = {**answer, "state": State.DONE.value, "why": "", "gates": []}
    return {
        "request": answer,
        "decision": decision.value,
        "changed": changed,
        "move": moving.answer(made.move, session) if made.move else None,
        "policy": made.policy.record.number if made.policy else None,
        "operation": operation,
    }


def _answer(
    reader: CatalogReader, found: Written[RequestRecord], at: int, standing: Standing | None = None
) -> RequestAnswer:
    """A request as answers carry it."""
    record, asked = found.record, found.record.binding
    known = standing or state_of(reader, record, at)
    waits = known.state in (State.OPEN, State.APPROVED)
    return {
        "number": record.number,
        "aim": asked.aim.value,
        "bundle": asked.bundle,
        "alias": asked.alias,
        "from": asked.from_version,
        "to": asked.to_version,
        "from_seq": asked.from_seq,
        "digest": asked.digest,
        "policy": asked.policy,
        "state": known.state.value,
        "why": known.why,
        "actor": record.stamp.actor,
        "person": record.stamp.who,
        "at": reading.time(record.stamp.at),
        "expires_at": reading.time(record.expires_at),
        "again": record.again,
        "reason": record.reason,
        "approvals": list(requests.approvals(reader, record)),
        "decisions": [_item(reader, record, one.record) for one in requests.decisions(reader, record)],
        "gates": gates.as_answers(gates.judge_request(reader, record, at).gates) if waits else [],
        "revision": found.commit,
        "serial": record.stamp.serial,
    }


def _item(reader: CatalogReader, request: RequestRecord, record: DecisionRecord) -> DecisionItem:
    return {
        "decision": record.decision.value,
        "actor": record.stamp.actor,
        "person": record.stamp.who,
        "at": reading.time(record.stamp.at),
        "reason": record.reason,
        "counts": requests.counts(reader, request, record),
        "serial": record.stamp.serial,
    }
