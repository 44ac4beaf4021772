"""Requests: what waits for whose approval, and deciding about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.access import Verb, may
from pinset.errors import InvalidInput, PinsetError
from pinset.services.requests import State
from pinset.web.acting import Outcome, act, attempt, called, may_move, new_key
from pinset.web.gates import open_first
from pinset.web.routes_diff import Context, View, shown
from pinset.web.view import Posted, go, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.api.context import Asked
    from pinset.domain.answers.requests import RequestAnswer

router = APIRouter(include_in_schema=False)
_PAGE = 50
_SERVER_ERROR = 500
_State = Literal["all", "open", "approved", "done", "rejected", "withdrawn", "expired", "dead"]
STATES = ("all", *State)
DECISIONS = ("approve", "reject", "withdraw")


@dataclass(frozen=True, slots=True)
class Deciding:
    """What who looks may decide about a request. why_not: why they cannot approve, where they cannot.

    effect: what their approval would do at once; '' where others are still needed.
    """

    approve: bool
    reject: bool
    withdraw: bool
    why_not: str = ""
    effect: str = ""


@router.get("/requests")
def list_requests(
    asked: p.Reads,
    state: Annotated[_State, Query(description="Only requests that stand so.")] = "open",
    bundle: Annotated[str, Query(max_length=64)] = "",
    cursor: p.Cursor = None,
) -> Response:
    """Requests; those that are open, unless others are asked for."""
    wanted = None if state == "all" else state
    found = asked.registry.requests.list(state=wanted, bundle=bundle.strip() or None, cursor=cursor, limit=_PAGE)
    return page(asked, "requests.html", requests=found, state=state, bundle=bundle.strip(), states=STATES)


@router.get("/requests/{number}")
def show_request(asked: p.Reads, number: p.Request, view: View = "split", context: Context = "folded") -> Response:
    """A request: what it would change, what it waits for, what was decided so far."""
    return _shown(asked, number, view=view, context=context)


@router.post("/requests/{number}")
def decide(request: Request, asked: p.Reads, number: p.Request, fields: Posted) -> Response:
    """Approve, reject or take back, if the request is the one that was seen."""
    decision, reason, revision = fields.text("decision"), fields.text("reason"), fields.text("revision")
    if decision not in DECISIONS or not revision:
        raise InvalidInput("the form does not say what is decided", hint="load the page again")
    outcome = act(
        request,
        fields,
        [decision, reason],
        lambda acting: _decide(acting, acting.caller, number, decision, reason, revision),
    )
    if outcome.answer is None:
        return _shown(asked, number, refused=outcome, reason=reason, view="split", context="folded")
    return go(request, f"/requests/{number}", note=_said(outcome.answer))


def deciding(asked: Asked, found: RequestAnswer) -> Deciding:
    """What the caller may decide, said before anything is pressed."""
    caller = asked.caller
    if found["state"] != "open":
        return Deciding(approve=False, reject=False, withdraw=False)
    allowed = (
        may(caller.grants, Verb.POLICY)
        if found["aim"] == "policy"
        else may_move(asked, Verb.APPROVE, found["bundle"], found["alias"])
    )
    if (found["person"] or found["actor"]).casefold() == caller.who.casefold():
        why = "You made this request, so somebody else has to approve it."
        return Deciding(approve=False, reject=allowed, withdraw=True, why_not=why)
    if not allowed:
        why = "Your credential cannot approve this: somebody who can decides."
        return Deciding(approve=False, reject=False, withdraw=False, why_not=why)
    if found["aim"] == "policy":  # who is no editor is refused, and a try of theirs would be on record
        return Deciding(approve=True, reject=True, withdraw=False)
    return _tried(asked, found)


def _tried(asked: Asked, found: RequestAnswer) -> Deciding:
    """What an approval of who may approve would meet, or do."""
    tried = attempt(asked, lambda me: _decide(asked, me, found["number"], "approve", "", found["revision"]))
    passes, why, effect = True, "", ""
    if tried.refusal is not None:
        passes = tried.refusal.status >= _SERVER_ERROR  # somebody else writes just now, or the like
        why = "" if passes else tried.refusal.message
    elif tried.answer is not None:
        passes, effect = tried.answer["changed"], _effect(found, tried.answer)
        why = "" if passes else "You have approved it already."
    return Deciding(approve=passes, reject=True, withdraw=False, why_not=why, effect=effect)


def _effect(found: RequestAnswer, answer: Mapping[str, Any]) -> str:
    if answer["move"] is not None:
        return f"Yours is the last approval that is needed: {found['alias']} serves {called(found['to'])} as soon as you press."
    if answer["policy"] is not None:
        return "Yours is the last approval that is needed: the policy comes into force as soon as you press."
    return ""


def _decide(asked: Asked, caller: Any, number: int, decision: str, reason: str, revision: str) -> Any:
    requests = asked.registry.requests
    if decision == "approve":
        return requests.approve(caller, number, reason=reason, revision=revision)
    if decision == "reject":
        return requests.reject(caller, number, reason=reason, revision=revision)
    return requests.withdraw(caller, number, reason=reason, revision=revision)


def _said(answer: Mapping[str, Any]) -> str:
    done = {"approve": "approved", "reject": "rejected", "withdraw": "taken back"}[answer["decision"]]
    number, move = answer["request"]["number"], answer["move"]
    if not answer["changed"]:
        return f"Request {number} was {done} by you already."
    if move is not None:
        said = f"Request {number} is {done}: {move['alias']} serves {called(move['to'])} now."
        return " ".join([said, *move["warnings"]])
    if answer["policy"] is not None:
        return f"Request {number} is {done}: policy {answer['policy']} is in force now."
    if answer["decision"] == "approve":
        return f"Request {number} is approved by you; it waits for what else is open."
    return f"Request {number} is {done}."


def _shown(
    asked: Asked, number: int, *, view: str, context: str, refused: Outcome | None = None, reason: str = ""
) -> Response:
    found = asked.registry.requests.show(number)
    answer = _difference(asked, found)
    return page(
        asked,
        "request.html",
        status=refused.refusal.status if refused and refused.refusal else 200,
        live=refused is None,  # else what was typed, and why it was refused, would be renewed away
        asked_for=found,
        gates=open_first(found["gates"]),
        can=deciding(asked, found),
        refusal=refused.refusal if refused else None,
        reason=reason,
        key=new_key(),
        compared=answer is not None,
        **(shown(answer, view=view, context=context) if answer else {"view": None}),
    )


def _difference(asked: Asked, found: RequestAnswer) -> dict[str, Any] | None:
    """What the move would change; None where there are not two sides that may be looked at."""
    if found["from"] is None or found["to"] is None:
        return None
    old, new = (f"{found['bundle']}@{called(found[side])}" for side in ("from", "to"))
    try:
        return asked.registry.diff(old, new)
    except PinsetError:
        return None
