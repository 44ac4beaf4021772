"""The application: routes that translate, behind a guard, with every failure a problem document."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI

from pinset.api import (
    problems,
    routes_aliases,
    routes_audit,
    routes_bundles,
    routes_changes,
    routes_comparing,
    routes_components,
    routes_costs,
    routes_events,
    routes_evidence,
    routes_git,
    routes_imports,
    routes_keeping,
    routes_keys,
    routes_past,
    routes_policies,
    routes_purging,
    routes_releases,
    routes_requests,
    routes_reviews,
)
from pinset.api.admissions import Admissions
from pinset.api.adoption import Adoption
from pinset.api.cloning import Cloning
from pinset.api.connections import Connections
from pinset.api.gate import Gate
from pinset.api.git_words import GitWords
from pinset.api.guard import Guard
from pinset.api.hot import Hot
from pinset.api.hub import Hub
from pinset.api.limits import Limiter
from pinset.api.metrics import Fetches, Requests
from pinset.api.observer import Observer
from pinset.api.ready import Ready
from pinset.api.routing import add_routes
from pinset.api.settings import Settings
from pinset.api.watch import Watch
from pinset.services.foreign import LOOK_SECONDS, Watcher
from pinset.services.scrubbing import Scrubber
from pinset.version import VERSION
from pinset.wire.problem import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from fastapi.routing import APIRoute

    from pinset.auth.identity import Identity
    from pinset.gitstore.upload import Uploads
    from pinset.ports.clock import Clock
    from pinset.ports.scrubs import Scrubs
    from pinset.services.local import LocalRegistry
    from pinset.services.settling import Settler

_ROUTERS = (
    routes_bundles.router,
    routes_releases.router,
    routes_requests.router,
    routes_reviews.router,
    routes_aliases.router,
    routes_changes.router,
    routes_imports.router,
    routes_components.router,
    routes_comparing.router,
    routes_costs.router,
    routes_past.router,
    routes_events.router,
    routes_audit.router,
    routes_evidence.router,
    routes_policies.router,
    routes_keys.router,
    routes_keeping.router,
    routes_purging.router,
    routes_keeping.open_router,
    routes_git.router,
)


def create_app(
    registry: LocalRegistry,
    *,
    settings: Settings | None = None,
    scrubs: Scrubs | None = None,
    clock: Clock | None = None,
    at_end: Callable[[], None] | None = None,
    others: Callable[[str], Identity] | None = None,
    uploads: Uploads | None = None,
) -> FastAPI:
    """The application on a registry. at_end: what to do when its server stops; else the caller closes the registry.

    others: whose a bearer is that is none of the registry's tokens: see `Admissions`. With it a credential is needed.

    uploads: what sends the repository to those who clone it; None for nobody.

    scrubs, clock: with both, and unless the settings say otherwise, the registry is scrubbed while the application
    runs.
    """
    settings = settings or Settings()
    adoption = Adoption(registry.keep_sights)
    settling = [registry.settler(settings.settle_seconds)] if settings.settle_seconds > 0 else []
    # Each process looks: together as often as one alone would.
    foreign = Watcher(registry.foreign, every=LOOK_SECONDS * settings.workers)
    watching = [foreign] if scrubs is not None else []
    app = _routed(_working([adoption, *settling, *_scrubbing(registry, settings, scrubs, clock), *watching], at_end))
    app.state.foreign = foreign
    app.state.registry = registry
    app.state.settings = settings
    app.state.scrubs = scrubs
    app.state.adoption = adoption
    app.state.requests = Requests()
    app.state.fetches = Fetches()
    app.state.forwarded = Counter()
    app.state.observer = Observer(app.state.requests, app.state.fetches, adoption, log_requests=settings.log_requests)
    app.state.probe = CapacityLimiter(1)
    app.state.counting = CapacityLimiter(1)
    app.state.hub = Hub(registry, most=settings.streams, workers=settings.workers)
    app.state.gate = Gate(app.state.settings.at_once)
    app.state.ready = Ready(registry)
    admissions = app.state.admissions = Admissions(registry, others, closed=settings.closed)
    watch = app.state.watch = Watch(admissions)
    app.state.cloning = Cloning(uploads, settings.git, watch, lambda: foreign.refs) if uploads is not None else None
    limiter = app.state.limiter = Limiter(settings.limits)
    app.state.connections = Connections(limiter, settings.limits)
    app.state.hot = Hot(app.state.ready, admissions, app.state.observer, limiter)
    problems.install(app)
    app.add_middleware(
        Guard,
        registry=registry,
        settings=app.state.settings,
        observer=app.state.observer,
        gate=app.state.gate,
        admissions=admissions,
        limiter=limiter,
    )
    app.add_middleware(GitWords)
    return app


def _scrubbing(
    registry: LocalRegistry, settings: Settings, scrubs: Scrubs | None, clock: Clock | None
) -> list[Scrubber]:
    """The scrubber of an application, where it has one."""
    if scrubs is None or clock is None or settings.scrub_hours <= 0:
        return []
    interval = round(settings.scrub_hours * 3600 * 1_000_000)
    return [Scrubber(lambda pace: registry.verify(progress=pace, gently=True), scrubs, clock, interval=interval)]


@cache
def describe() -> dict[str, Any]:
    """The OpenAPI description. It depends on no registry."""
    app = FastAPI(title="Pinset", version=VERSION, generate_unique_id_function=_name_of)
    for router in _ROUTERS:
        app.include_router(router)
    return _completed(app.openapi())


def _working(
    workers: Sequence[Adoption | Scrubber | Settler | Watcher], at_end: Callable[[], None] | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]:
    """The lifespan of an application: threads work from its start to its end, and what is left is done then.

    What it yields is the state that each connection is given: see `pinset.api.protocol`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        for worker in workers:
            worker.start()
        try:
            yield {
                "hot": app.state.hot,
                "connections": app.state.connections,
                "head_seconds": app.state.settings.head_seconds,
                "stall_seconds": app.state.settings.stall_seconds,
            }
        finally:
            app.state.hot.close()
            if app.state.cloning is not None:
                await app.state.cloning.close()
            for worker in workers:
                await to_thread.run_sync(worker.stop)
            if at_end is not None:
                await to_thread.run_sync(at_end)

    return lifespan


def _routed(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[dict[str, Any]]]) -> FastAPI:
    app = FastAPI(
        lifespan=lifespan,
        title="Pinset",
        version=VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in _ROUTERS:
        add_routes(app, router)
    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way to extend the description
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
