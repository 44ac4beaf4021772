"""Costs: what calls of a release cost."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain.answers.costs import CostAnswer
from pinset.domain.names import bundle_name
from pinset.domain.references import parse_selector

router = APIRouter(prefix="/v1/bundles/{bundle}", responses=p.LOOKING, tags=["comparing"])


@router.get("/releases/{selector}/cost", response_model=CostAnswer)
def cost(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, at: p.At = None) -> Response:
    """Tokens of each prompt's calls, and what 1,000 of them cost by today's price list."""
    return asked.answered(asked.looking(at).cost(f"{bundle_name(bundle)}@{parse_selector(selector)}"))
