"""Shared components: the list of all, and one with its versions and where it is used."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.names import KINDS
from pinset.web.component_view import shown_of
from pinset.web.view import page

router = APIRouter(include_in_schema=False)
_ROWS: Final = 200
_VERSIONS: Final = 50
_USES: Final = 100


@router.get("/components")
def list_components(
    asked: p.Reads, kind: Annotated[str, Query(max_length=64)] = "", cursor: p.Cursor = None
) -> Response:
    """The newest version of every shared component."""
    found = asked.registry.components(kind=kind or None, cursor=cursor, limit=_ROWS)
    return page(asked, "components.html", found=found, kind=kind, kinds=KINDS)


@router.get("/components/{kind}/{name}")
def get_component(asked: p.Reads, kind: p.Kind, name: p.Name, cursor: p.Cursor = None) -> Response:
    """A component's newest version, and where it is used."""
    return _component(asked, kind, name, "latest", cursor)


@router.get("/components/{kind}/{name}/{selector}")
def get_component_version(
    asked: p.Reads, kind: p.Kind, name: p.Name, selector: p.Selector, cursor: p.Cursor = None
) -> Response:
    """One version of a component, and where it is used."""
    return _component(asked, kind, name, selector, cursor)


def _component(asked: p.Reads, kind: str, name: str, selector: str, cursor: str | None) -> Response:
    registry = asked.registry
    found = registry.component(kind, name, selector)
    versions = registry.component_versions(kind, name, limit=_VERSIONS)
    wanted = f"{kind}/{name}" if selector == "latest" else found["ref"]
    uses = registry.where_used(wanted, cursor=cursor, limit=_USES)
    return page(
        asked,
        "component.html",
        component=found,
        shown=shown_of(found),
        versions=versions,
        uses=uses,
        is_newest=selector == "latest",
    )
