"""Bundles: the list of all, and one with its aliases, releases and history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.web.bundle_view import aliases_of, review_of, table_of
from pinset.web.listing import bundle_rows
from pinset.web.view import page

if TYPE_CHECKING:
    from pinset.api.context import Asked

router = APIRouter(include_in_schema=False)
_ROWS: Final = 1000
_RELEASES: Final = 50
_MOVES: Final = 25
_NAME: Final = 64
_OWNER: Final = 200


@router.get("/")
def list_bundles(
    asked: p.Reads,
    q: Annotated[str, Query(max_length=_NAME)] = "",
    alias: Annotated[str, Query(max_length=63)] = "",
    owner: Annotated[str, Query(max_length=_OWNER)] = "",
    archived: Annotated[str, Query(max_length=1)] = "",
    cursor: p.Cursor = None,
) -> Response:
    """Every bundle, and what its aliases serve."""
    found = asked.registry.bundles(
        query=q.strip(),
        alias=alias.strip() or None,
        owner=owner.strip() or None,
        archived=bool(archived),
        cursor=cursor,
        limit=_ROWS,
    )
    wanted = {"q": q, "alias": alias, "owner": owner, "archived": archived}
    return page(asked, "bundles.html", found=found, table=table_of(found["items"]), rows=bundle_rows, wanted=wanted)


@router.get("/bundles/{bundle}")
def get_bundle(asked: p.Reads, bundle: p.Bundle, cursor: p.Cursor = None) -> Response:
    """One bundle."""
    registry = asked.registry
    found = registry.bundle(bundle)
    name = found["name"]
    rows = aliases_of(registry.aliases(name)["items"], _clients(asked, name))
    return page(
        asked,
        "bundle.html",
        bundle=found,
        aliases=rows,
        review=review_of(rows),
        releases=registry.releases(name, cursor=cursor, limit=_RELEASES),
        moves=registry.history(name, limit=_MOVES),
    )


def _clients(asked: Asked, bundle: str) -> list[Any]:
    """Who runs what, as all processes together saw it."""
    asked.request.app.state.adoption.tell()
    return list(asked.registry.clients(bundle)["items"])
