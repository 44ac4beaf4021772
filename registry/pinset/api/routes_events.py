"""The route of live events."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.api.streams import MEDIA_TYPE, EventStream
from pinset.domain.following import Wanted
from pinset.errors import InvalidInput

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["events"])

_NAMES: Final = 64 * 1024
_LONGEST: Final = 3600.0
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events: `ready`, then `move`, `release`, `yank`, `result`, `request`, `decision` by serial, or `reset`.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
_Names = Annotated[str | None, Query(max_length=_NAMES, description="Names, with commas between them.")]


@router.get("/events", response_class=Response, responses=_STREAM)
async def get_events(
    asked: p.Reads,
    bundle: _Names = None,
    alias: _Names = None,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Go on after this serial.")] = None,
    wait: Annotated[
        float | None, Query(ge=0, le=_LONGEST, description="End after so many seconds without an event.")
    ] = None,
    last: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The same as `after`, and counts more.")
    ] = None,
) -> Response:
    """What happens, as it happens."""
    state = asked.request.app.state
    return EventStream(
        state.hub,
        state.watch,
        Wanted.of(_listed(bundle), _listed(alias), asked.caller.grants),
        after=after if last is None else _serial(last),
        wait=wait,
        beat=state.settings.beat_seconds,
    )


def _listed(text: str | None) -> list[str]:
    return [] if text is None else text.split(",")


def _serial(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidInput("the Last-Event-ID is no serial", hint="send the id of the last event, or none")
    return int(text)
