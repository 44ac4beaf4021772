"""Reviews: what a promotion would change, and what the files of a working copy would."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain.answers.reviews import ReviewAnswer
from pinset.wire import reviews as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["comparing"])
_Source = Annotated[str, Query(alias="from", max_length=71, description="A selector of the candidate.")]
_Alias = Annotated[str, Query(alias="to", max_length=63, description="The alias that would serve it.")]


@router.get("/bundles/{bundle}/review", response_model=ReviewAnswer)
def review(asked: p.Reads, bundle: p.Bundle, source: _Source = "staging", alias: _Alias = "production") -> Response:
    """What a promotion would change, its gates and evidence for who asks, what the candidate lacks, and what to run."""
    found = asked.registry.reviews.promotion(bundle, source=source, alias=alias, caller=asked.caller)
    return asked.answered(found)


@router.post("/review", response_model=ReviewAnswer, responses=p.SENDING)
def review_files(asked: p.Reads, body: r.ReviewRequest) -> Response:
    """What the files of a bundle directory would change. Nothing is published; what is wrong is among the findings."""
    return asked.answered(asked.registry.reviews.working_copy(body.files, alias=body.to))
