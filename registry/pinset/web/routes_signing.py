"""Signing in and out, and the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request

from pinset.web.sessions import SESSION, THEME
from pinset.web.view import Posted, go
from pinset.web.visits import KEY, THEMES, Visit

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(include_in_schema=False)
_YEAR = 365 * 86_400


@router.post("/sign-out")
async def sign_out(request: Request, _: Posted) -> Response:
    """Forget the session."""
    visit: Visit = request.scope[KEY]
    visit.set(SESSION, "", 0)
    return go(request, "/sign-in", note="You are signed out.")


@router.post("/theme")
async def choose_theme(request: Request, form: Posted) -> Response:
    """Remember light or dark; anything else goes by what the system says."""
    visit: Visit = request.scope[KEY]
    theme = form.get("theme", "")
    visit.set(THEME, theme if theme in THEMES else "", _YEAR if theme in THEMES else 0)
    return go(request, form.get("next", "/"))
