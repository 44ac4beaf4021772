"""Search: names, and what prompts and every other text say."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.searching import LONGEST
from pinset.errors import InvalidInput
from pinset.web.view import page

router = APIRouter(include_in_schema=False)
_ITEMS: Final = 30


@router.get("/search")
def search(
    asked: p.Reads,
    q: Annotated[str, Query(max_length=LONGEST)] = "",
    cursor: p.Cursor = None,
) -> Response:
    """What holds all of the words. A search without any word says so beside its box."""
    found, refused = None, ""
    if q.strip():
        try:
            found = asked.registry.search(q, cursor=cursor, limit=_ITEMS)
        except InvalidInput as error:
            refused = f"{error.message}: {error.hint}"
    return page(asked, "search.html", found=found, q=q, refused=refused, live=False)
