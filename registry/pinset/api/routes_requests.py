"""Requests: what waits for the approval of others, and what is decided about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.api.conditional import given_revision
from pinset.domain import answers as a
from pinset.domain.answers.requests import DecisionAnswer, RequestAnswer, SettledAnswer
from pinset.wire import deciding as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.context import Asked

router = APIRouter(prefix="/v1/requests", responses=p.LOOKING, tags=["requests"])
_DECIDING: dict[str, Any] = {"response_model": DecisionAnswer, "responses": {**p.SENDING, **p.MATCHING}}
_State = Literal["open", "approved", "done", "rejected", "withdrawn", "expired", "dead"]


@router.get("", response_model=a.Page[RequestAnswer])
def list_requests(
    asked: p.Reads,
    state: Annotated[_State | None, Query(description="Only requests that stand so.")] = None,
    bundle: Annotated[str | None, Query(max_length=64, description="Only requests about this bundle.")] = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Response:
    """Requests, newest first."""
    return asked.page(asked.registry.requests.list(state=state, bundle=bundle, cursor=cursor, limit=limit))


@router.post("/settle", response_model=SettledAnswer, responses=p.SENDING)
def settle_requests(asked: p.Settles, body: r.SettleRequest) -> Response:
    """Make what open requests ask for whose gates have all passed by now. The server does so itself every 10 seconds."""
    return asked.changed(body.model_dump(), lambda: asked.registry.requests.settle(asked.caller))


@router.get("/{number}", response_model=RequestAnswer)
def get_request(asked: p.Reads, number: p.Request) -> Response:
    """A request: what it would change, what it waits for, what was decided so far."""
    found = asked.registry.requests.show(number)
    return asked.answered(found, headers={"ETag": f'"{found["revision"]}"', "Cache-Control": "no-cache"})


@router.post("/{number}/approve", **_DECIDING)
def approve(asked: p.Decides, number: p.Request, body: r.DecisionRequest, if_match: p.IfMatch = None) -> Response:
    """Approve a request, if it is the one of If-Match; the last approval lets happen what it asks for."""
    return _decided(asked, asked.registry.requests.approve, number, body, if_match)


@router.post("/{number}/reject", **_DECIDING)
def reject(asked: p.Decides, number: p.Request, body: r.DecisionRequest, if_match: p.IfMatch = None) -> Response:
    """Reject a request, for good."""
    return _decided(asked, asked.registry.requests.reject, number, body, if_match)


@router.post("/{number}/withdraw", **_DECIDING)
def withdraw(asked: p.Decides, number: p.Request, body: r.DecisionRequest, if_match: p.IfMatch = None) -> Response:
    """Take a request back, for good. Only who made it may."""
    return _decided(asked, asked.registry.requests.withdraw, number, body, if_match)


def _decided(
    asked: Asked, decide: Callable[..., DecisionAnswer], number: int, body: r.DecisionRequest, if_match: str | None
) -> Response:
    revision = given_revision(if_match)
    return asked.changed(body.reason, lambda: decide(asked.caller, number, reason=body.reason, revision=revision))
