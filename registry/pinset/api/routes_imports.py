"""Taking in what was published elsewhere."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain.answers.imports import ImportAnswer
from pinset.wire import imports as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["releases"])


@router.post("/imports", response_model=ImportAnswer, responses=p.SENDING)
def take_in(asked: p.Publishes, body: r.ImportRequest) -> Response:
    """Publish many versions in one write, with the numbers that they had elsewhere; what became of each is told for itself.

    One that is there is not there twice, so that the same may be sent again. `pinset import` sends what other tools hold.
    """
    versions = [one.version() for one in body.versions]
    return asked.changed(
        body.model_dump(),
        lambda: asked.registry.imports.take(asked.caller, versions, message=body.message, allow=body.allow),
    )
