"""What happens, for pages that show what is so: the stream of the API, for a session."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.api.streams import EventStream
from pinset.domain.following import Wanted
from pinset.web.visits import KEY

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def follow(asked: p.Reads) -> Response:
    """Server-sent events of all that the session may read, until it is over."""
    state, visit = asked.request.app.state, asked.request.scope[KEY]
    lasts = state.sessions.left(visit.session) if visit.session is not None else None
    wanted = Wanted.of([], [], asked.caller.grants)
    beat = state.settings.beat_seconds
    return EventStream(state.hub, state.watch, wanted, after=None, wait=None, beat=beat, lasts=lasts)
