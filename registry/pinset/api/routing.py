"""How an application comes by its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI


def add_routes(app: FastAPI, router: APIRouter) -> None:
    """Answer by a router's routes, after those that are there.

    They are taken as they were made. Including the router would make each of them again, for this application alone, when
    the first request comes, and would look for the route of every request twice.
    """
    app.router.routes.extend(router.routes)
