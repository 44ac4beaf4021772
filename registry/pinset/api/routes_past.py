"""Blame: what brought each line of a file."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain.answers.blame import BlameAnswer
from pinset.domain.names import PATH_LIMIT, alias_name, bundle_name
from pinset.domain.references import parse_selector

router = APIRouter(prefix="/v1/bundles/{bundle}", responses=p.LOOKING, tags=["looking back"])
_Path = Annotated[str, Query(max_length=PATH_LIMIT, description="A file's path in the release.")]


@router.get("/aliases/{alias}/blame", response_model=BlameAnswer)
def blame_alias(asked: p.Reads, bundle: p.Bundle, alias: p.Alias, path: _Path, at: p.At = None) -> Response:
    """For each line of a file that an alias serves: the release that brought it, and the move by which it came."""
    return asked.answered(asked.looking(at).blame(f"{bundle_name(bundle)}@{alias_name(alias)}", path))


@router.get("/releases/{selector}/blame", response_model=BlameAnswer)
def blame_release(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, path: _Path, at: p.At = None) -> Response:
    """For each line of a file of a release: the release that brought it."""
    return asked.answered(asked.looking(at).blame(f"{bundle_name(bundle)}@{parse_selector(selector)}", path))
