"""Aliases: what they serve, and the moves that change it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.api.conditional import expected, given_revision, move_tag
from pinset.api.routes_releases import answer_release
from pinset.domain import answers as a
from pinset.domain.names import alias_name, bundle_name
from pinset.wire import requests as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1/bundles/{bundle}/aliases", responses=p.LOOKING, tags=["aliases"])
_BreakGlass = Annotated[bool, Query(description="Past the gates of the policy, for whom it names, with a reason.")]
_ONE: dict[str, Any] = {"response_model": a.ReleaseAnswer | a.SealedAnswer | a.ReleaseSummary, "responses": p.KNOWN}
_ASKED: dict[int | str, dict[str, Any]] = {
    202: {"model": a.MoveAnswer, "description": "It waits for approvals: the action is `request`."}
}
_MOVING: dict[str, Any] = {"response_model": a.MoveAnswer, "responses": {**p.SENDING, **p.EXPECTING, **_ASKED}}


@router.get("", response_model=a.Page[a.AliasAnswer])
def list_aliases(asked: p.Reads, bundle: p.Bundle, at: p.At = None) -> Response:
    """Every alias of a bundle, retired ones included."""
    return asked.page(asked.looking(at).aliases(bundle))


@router.get("/{alias}", **_ONE, openapi_extra={"parameters": p.ADOPTING})
def get_alias(
    asked: p.Reads,
    bundle: p.Bundle,
    alias: p.Alias,
    form: p.Form = "document",
    at: p.At = None,
    known: p.Known = None,
) -> Response:
    """The release that an alias serves, or served."""
    return answer_release(asked, bundle, alias_name(alias), form, known, at=at)


@router.put("/{alias}", **_MOVING)
def promote(
    asked: p.Promotes,
    bundle: p.Bundle,
    alias: p.Alias,
    body: r.PromoteRequest,
    if_match: p.IfMatch = None,
    if_none_match: p.Absent = None,
) -> Response:
    """Make an alias serve a release, if it is where If-Match or If-None-Match say."""
    revision = given_revision(if_match, if_none_match)
    named = f"{bundle_name(bundle)}@{body.release}"
    return asked.changed(
        body.model_dump(exclude=set() if body.break_glass else {"break_glass"}),
        lambda: asked.registry.promote(
            asked.caller,
            named,
            alias,
            revision=expected(revision),
            reason=body.reason,
            again=body.again,
            break_glass=body.break_glass,
        ),
        status=_status,
        headers=move_tag,
    )


@router.delete("/{alias}", **_MOVING)
def retire(
    asked: p.Retires,
    bundle: p.Bundle,
    alias: p.Alias,
    reason: Annotated[str, Query(max_length=1000, description="Why; kept in the history.")] = "",
    break_glass: _BreakGlass = False,  # noqa: FBT002 - FastAPI reads it
    if_match: p.IfMatch = None,
    if_none_match: p.Absent = None,
) -> Response:
    """Make an alias serve nothing, if it is where If-Match says."""
    revision = given_revision(if_match, if_none_match)
    return asked.changed(
        [reason, "break_glass"] if break_glass else reason,
        lambda: asked.registry.retire(
            asked.caller, bundle, alias, revision=expected(revision), reason=reason, break_glass=break_glass
        ),
        status=_status,
    )


@router.post("/{alias}/rollback", response_model=a.MoveAnswer, responses={**p.SENDING, **p.MATCHING})
def rollback(
    asked: p.RollsBack, bundle: p.Bundle, alias: p.Alias, body: r.RollbackRequest, if_match: p.IfMatch = None
) -> Response:
    """Undo: make an alias serve what it served before.

    409 where it no longer serves ``from``, 412 where it is no longer at the revision of an If-Match.
    """
    revision = given_revision(if_match)
    serving = f"v{body.serving}" if isinstance(body.serving, int) else body.serving
    return asked.changed(
        body.model_dump(by_alias=True),
        lambda: asked.registry.rollback(
            asked.caller,
            bundle,
            alias,
            serving=serving,
            to=body.to,
            steps=body.steps,
            at=body.at,
            revision=revision,
            reason=body.reason,
        ),
        headers=move_tag,
    )


@router.get("/{alias}/history", response_model=a.Page[a.HistoryItem])
def alias_history(
    asked: p.Reads, bundle: p.Bundle, alias: p.Alias, cursor: p.Cursor = None, limit: p.Limit = 100, at: p.At = None
) -> Response:
    """The moves of an alias, newest first."""
    return asked.page(asked.looking(at).history(bundle, alias, cursor=cursor, limit=limit))


def _status(answer: Any) -> int:
    return 202 if answer["action"] == "request" else 200
