"""The application: routes that translate, behind a guard, with every failure a problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter
from fastapi import FastAPI

import pinset
from pinset.api import (
    problems,
    routes_aliases,
    routes_comparing,
    routes_components,
    routes_keeping,
    routes_releases,
)
from pinset.api.gate import Gate
from pinset.api.guard import Guard
from pinset.api.metrics import Requests
from pinset.api.settings import Settings
from pinset.wire.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.routing import APIRoute

    from pinset.services.local import LocalRegistry

_ROUTERS = (
    routes_releases.router,
    routes_aliases.router,
    routes_components.router,
    routes_comparing.router,
    routes_keeping.router,
    routes_keeping.open_router,
)


def create_app(
    registry: LocalRegistry, *, settings: Settings | None = None, at_end: Callable[[], None] | None = None
) -> FastAPI:
    """The application on a registry. at_end: what to do when its server stops; else the caller closes the registry."""
    app = _routed()
    if at_end is not None:
        app.router.add_event_handler("shutdown", at_end)
    app.state.registry = registry
    app.state.settings = settings or Settings()
    app.state.requests = Requests()
    app.state.probe = CapacityLimiter(1)
    app.state.gate = Gate(app.state.settings.at_once)
    problems.install(app)
    app.add_middleware(
        Guard,
        registry=registry,
        settings=app.state.settings,
        requests=app.state.requests,
        gate=app.state.gate,
    )
    return app


def describe() -> dict[str, Any]:
    """The OpenAPI description. It depends on no registry."""
    return _routed().openapi()


def _routed() -> FastAPI:
    app = FastAPI(
        title="Pinset",
        version=pinset.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name_of,
    )
    for router in _ROUTERS:
        app.include_router(router)
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        return app.openapi_schema or _completed(generate())

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the description
    return app


def _completed(description: dict[str, Any]) -> dict[str, Any]:
    """Add what the framework cannot know: problem documents and bearer tokens."""
    parts = description["components"]
    parts["schemas"]["Problem"] = Problem.model_json_schema()
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    # A registry without tokens serves this machine without one.
    description["security"] = [{}, {"token": []}]
    return description


def _name_of(route: APIRoute) -> str:
    return route.name
