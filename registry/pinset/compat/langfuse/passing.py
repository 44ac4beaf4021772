"""Traces: passed on to where they belong, or dropped, and never in the way of a fetch."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse, Response

from pinset.compat.langfuse.writes import TOOL
from pinset.compat.upstream import Manner, upstream_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.context import Asked

MANNER: Final = Manner(seconds=10.0, longest=1024 * 1024)
_EVENTS: Final = 100_000
_PASSED: Final = ("content-type", "content-encoding", "x-langfuse-ingestion-version")
_PREFIXES: Final = ("x-langfuse-sdk", "x_langfuse_sdk")
"""Headers that go on to the upstream."""
_INLINE: Final = 64 * 1024
"""Bytes that are parsed at once; more would hold up the other requests."""


async def passed_on(asked: Asked, path: str, otherwise: Callable[[bytes], Response]) -> Response:
    """The upstream's answer; without one, what its clients expect. Raises Unavailable."""
    upstream = upstream_of(asked, TOOL, MANNER)
    body = await asked.request.body()
    if upstream.url:
        return await upstream.passed(asked, path, body, lambda name: name in _PASSED or name.startswith(_PREFIXES))
    upstream.drop("traces")
    return otherwise(body) if len(body) <= _INLINE else await asyncio.to_thread(otherwise, body)


def taken(body: bytes) -> Response:
    """That every event was taken, as clients want to hear it."""
    try:
        events: Any = json.loads(body).get("batch", [])
    except (ValueError, AttributeError, RecursionError):
        events = []
    ids = [one.get("id") for one in events[:_EVENTS] if isinstance(one, dict)] if isinstance(events, list) else []
    successes = [{"id": one, "status": 201} for one in ids if isinstance(one, str)]
    return JSONResponse({"successes": successes, "errors": []}, status_code=207)
