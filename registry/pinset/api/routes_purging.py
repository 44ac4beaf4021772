"""Removing content for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from pinset.api import parameters as p
from pinset.domain.answers import purging as a
from pinset.wire import purging as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["registry"])


@router.post("/purge", response_model=a.PurgeAnswer, responses=p.SENDING)
def purge(asked: p.Purges, body: r.PurgeRequest) -> Response:
    """Remove texts from every release that holds one, and from the history. Nobody else writes meanwhile."""
    given = body.model_dump()
    reference = given.pop("ref")
    return asked.changed(body.model_dump(), lambda: asked.registry.purges.purge(asked.caller, reference, **given))
