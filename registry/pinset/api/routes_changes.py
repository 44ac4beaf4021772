"""Changes over many bundles: a component's new version in each, and what was done under one name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.domain.answers.changes import BumpAnswer, ChangeAnswer, ChangeSummary, HolderAnswer, UndoneChange
from pinset.wire import changes as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["changes"])
_Change = Annotated[
    str, Path(description="A change's name.", json_schema_extra={"pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"})
]
_At_once = Annotated[int, Query(ge=1, le=100, description="How many bundles at most.")]


@router.get("/components/{kind}/{name}/{selector}/holders", response_model=a.Page[HolderAnswer])
def list_holders(
    asked: p.Reads,
    kind: p.Kind,
    name: p.Name,
    selector: p.Selector,
    alias: Annotated[str | None, Query(max_length=63, description="In what it serves; else in the newest.")] = None,
    bundles: Annotated[str, Query(max_length=64, description="A pattern of names, with `*`.")] = "*",
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Response:
    """The bundles that hold an older version of a component: those that a bump to this one is due for."""
    component = f"{kind}/{name}@{selector}"
    return asked.page(
        asked.registry.changesets.holders(component, bundles=bundles, alias=alias, cursor=cursor, limit=limit)
    )


@router.post("/bundles/{bundle}/bump", response_model=BumpAnswer, responses=p.SENDING)
def bump_bundle(asked: p.Publishes, bundle: p.Bundle, body: r.BumpRequest) -> Response:
    """Publish a successor of a bundle's release that holds this version of a component, and move an alias to it.

    Where a gate refuses the move the successor is published all the same: `outcome` says so. Pinset-Change holds together
    what is done in many bundles.
    """
    return asked.changed(
        body.model_dump(), lambda: asked.registry.changesets.bump(asked.caller, bundle=bundle, **body.model_dump())
    )


@router.get("/changes", response_model=a.Page[ChangeSummary])
def list_changes(asked: p.Reads, cursor: p.Cursor = None, limit: p.Limit = 100) -> Response:
    """Changes, the one with the newest write first."""
    return asked.page(asked.registry.changesets.list(cursor=cursor, limit=limit))


@router.get("/changes/{change}", response_model=ChangeAnswer)
def get_change(asked: p.Reads, change: _Change, cursor: p.Cursor = None, limit: p.Limit = 100) -> Response:
    """What was published and moved under a change, bundle by bundle."""
    return asked.page(asked.registry.changesets.show(change, cursor=cursor, limit=limit))


@router.post("/changes/{change}/rollback", response_model=UndoneChange, responses=p.SENDING)
def rollback_change(
    asked: p.RollsBack, change: _Change, body: r.UndoRequest, cursor: p.Cursor = None, limit: _At_once = 50
) -> Response:
    """Let every alias that a change moved, and that still serves that, serve what it served before.

    The answer tells of each alias; where `next` is not null there are more, to be asked for with it as `cursor`.
    """
    return asked.changed(
        [body.reason, cursor, limit],
        lambda: asked.registry.changesets.rollback(
            asked.caller, change, reason=body.reason, cursor=cursor, limit=limit
        ),
    )
