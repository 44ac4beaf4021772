"""Bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query

from pinset.web.view import page

if TYPE_CHECKING:
    from starlette.responses import Response

    from pinset.api import parameters as p

router = APIRouter(include_in_schema=False)
_PAGE = 200


@router.get("/")
def list_bundles(
    asked: p.Reads,
    q: Annotated[str, Query(max_length=64)] = "",
    alias: Annotated[str, Query(max_length=63)] = "",
    cursor: p.Cursor = None,
    limit: p.Limit = _PAGE,
) -> Response:
    """Every bundle, and what its aliases serve."""
    found = asked.registry.bundles(query=q, alias=alias or None, cursor=cursor, limit=limit)
    return page(asked, "bundles.html", bundles=found, q=q, alias=alias)
