"""Shared components."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.wire import requests as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["components"])


@router.get("/components", response_model=a.Page[a.ComponentAnswer])
def list_components(
    asked: p.Reads,
    kind: Annotated[str | None, Query(max_length=64, description="Only of this kind.")] = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Response:
    """The newest version of every shared component."""
    return asked.page(asked.registry.components(kind=kind, cursor=cursor, limit=limit))


@router.get("/components/{kind}", response_model=a.Page[a.ComponentAnswer])
def list_components_of_kind(asked: p.Reads, kind: p.Kind, cursor: p.Cursor = None, limit: p.Limit = 100) -> Response:
    """The newest version of every shared component of a kind."""
    return asked.page(asked.registry.components(kind=kind, cursor=cursor, limit=limit))


@router.get("/components/{kind}/{name}", response_model=a.Page[a.ComponentAnswer])
def list_component_versions(
    asked: p.Reads, kind: p.Kind, name: p.Name, cursor: p.Cursor = None, limit: p.Limit = 100
) -> Response:
    """Versions of a component, newest first."""
    return asked.page(asked.registry.component_versions(kind, name, cursor=cursor, limit=limit))


@router.post(
    "/components/{kind}/{name}",
    response_model=a.ComponentAnswer,
    responses={**p.SENDING, 201: {"model": a.ComponentAnswer, "description": "A new version."}},
)
def publish_component(asked: p.PublishesParts, kind: p.Kind, name: p.Name, body: r.ComponentRequest) -> Response:
    """Publish a version of a shared component: 201 where it is new, 200 where its content was there."""
    caller = asked.caller

    def place(answer: Any) -> dict[str, str]:
        return {} if caller.dry_run else {"Location": f"/v1/components/{kind}/{name}/v{answer['version']}"}

    return asked.changed(
        body.model_dump(),
        lambda: asked.registry.publish_component(caller, kind, name, **body.model_dump()),
        status=lambda answer: 201 if answer.get("created") and not caller.dry_run else 200,
        headers=place,
    )


@router.get("/components/{kind}/{name}/{selector}", response_model=a.ComponentAnswer)
def get_component(asked: p.Reads, kind: p.Kind, name: p.Name, selector: p.Selector) -> Response:
    """One version of a component with its part and files."""
    return asked.answered(asked.registry.component(kind, name, selector))


@router.get("/where-used", response_model=a.Page[a.UseAnswer])
def where_used(
    asked: p.Reads,
    ref: Annotated[p.Reference, Query(description="`kind/name@v2`, or of any version.")],
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Response:
    """The releases that hold a component."""
    return asked.page(asked.registry.where_used(ref, cursor=cursor, limit=limit))
