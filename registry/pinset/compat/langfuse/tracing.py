"""Traces: passed on to where they belong, or dropped, and never in the way of a fetch."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
from starlette.responses import JSONResponse, Response

from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from pinset.api.context import Asked
    from pinset.config import Spoken

AT_ONCE: Final = 16
"""Requests of a process that are passed on at the same time; more are told to come again."""
SECONDS: Final = 10.0
"""For the whole of one."""
LARGEST: Final = 1024 * 1024
"""Bytes of an answer of the upstream."""
_EVENTS: Final = 100_000
_PASSED: Final = ("content-type", "content-encoding", "x-langfuse-ingestion-version")
_PREFIXES: Final = ("x-langfuse-sdk", "x_langfuse_sdk")
"""Headers that go on to the upstream. Credentials are the registry's: they never do."""
_INLINE: Final = 64 * 1024
"""Bytes that are parsed at once; more would hold up the other requests."""
_NAME: Final = "langfuse"
_LOG: Final = logging.getLogger("pinset.compat")


class Upstream:
    """Where one application passes traces on to."""

    def __init__(self, spoken: Spoken) -> None:
        self.url, self._file = spoken.upstream, spoken.authorization_file
        self.busy = 0
        self._said = False
        self._client: httpx.AsyncClient | None = None

    def drop(self) -> None:
        """Say, the first time, that traces are dropped."""
        if not self._said:
            _LOG.warning("traces of Langfuse's clients are dropped: [compat.langfuse] in config.toml names no upstream")
        self._said = True

    async def send(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body of the upstream's answer. Raises Unavailable."""
        if self._client is None:
            limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
            self._client = httpx.AsyncClient(timeout=SECONDS, limits=limits, follow_redirects=False, trust_env=False)
        try:
            if self._file:
                headers["authorization"] = (await asyncio.to_thread(Path(self._file).read_text, "utf-8")).strip()
            async with (
                asyncio.timeout(SECONDS),
                self._client.stream("POST", self.url + path, headers=headers, content=body) as answer,
            ):
                found = bytearray()
                async for piece in answer.aiter_bytes():
                    found += piece
                    if len(found) > LARGEST:
                        raise _away("its answer is too large")
                return answer.status_code, answer.headers.get("content-type", "application/json"), bytes(found)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _away(str(error) or type(error).__name__) from error
        except (OSError, ValueError) as error:
            _LOG.error("the upstream's authorization_file cannot be used: %s", error)
            raise _away("its credential cannot be read") from error


async def passed_on(asked: Asked, path: str, otherwise: Callable[[bytes], Response]) -> Response:
    """The upstream's answer; without one, what its clients expect. Raises Unavailable."""
    state = asked.request.app.state
    counted: Counter[tuple[str, str]] = state.forwarded
    upstream: Upstream | None = getattr(state, "langfuse", None)
    if upstream is None:
        upstream = state.langfuse = Upstream(state.compat.protocols["langfuse"])
    body = await asked.request.body()
    if not upstream.url:
        upstream.drop()
        counted[_NAME, "dropped"] += 1
        return otherwise(body) if len(body) <= _INLINE else await asyncio.to_thread(otherwise, body)
    if upstream.busy >= AT_ONCE:
        counted[_NAME, "failed"] += 1
        raise Unavailable("as many traces are passed on as can be at once", hint="send it again in a second")
    kept = {
        name: value for name, value in asked.request.headers.items() if name in _PASSED or name.startswith(_PREFIXES)
    }
    upstream.busy += 1
    outcome = "failed"
    try:
        status, media_type, content = await upstream.send(path, kept, body)
        outcome = "passed" if status < 400 else "refused"
    finally:
        upstream.busy -= 1
        counted[_NAME, outcome] += 1
    if status in (401, 403):
        _LOG.error("the upstream of Langfuse's traces refuses our credential: %s", status)
        raise _away("it does not take the registry's credential")
    return Response(content, status_code=status, media_type=media_type)


def taken(body: bytes) -> Response:
    """That every event was taken, as clients want to hear it."""
    try:
        events: Any = json.loads(body).get("batch", [])
    except (ValueError, AttributeError, RecursionError):
        events = []
    ids = [one.get("id") for one in events[:_EVENTS] if isinstance(one, dict)] if isinstance(events, list) else []
    successes = [{"id": one, "status": 201} for one in ids if isinstance(one, str)]
    return JSONResponse({"successes": successes, "errors": []}, status_code=207)


def _away(why: str) -> Unavailable:
    return Unavailable(f"the server that gets the traces did not take them: {why}", hint="send it again later")
