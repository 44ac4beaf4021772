"""What is no registry's business, passed on to the server of the tool behind this one: bounded in time, size and number.

Credentials of who asks are the registry's and never go there: the upstream gets that of its ``authorization_file``.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx
from starlette.responses import Response

from pinset.errors import InvalidInput, PinsetError, Unavailable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping

    from pinset.api.context import Asked
    from pinset.config.compat import Spoken

AT_ONCE: Final = 16
"""Requests of a process that one upstream has at the same time; more are told to come again."""
HOP: Final = "x-pinset-passed-on"
"""Tells a server that is its own upstream that it is."""
_MEDIA: Final = ("application/json", "application/x-protobuf")
"""Media types that an answer keeps: none of another server's is a page of this one."""
_LOG: Final = logging.getLogger("pinset.compat")


class Manner(NamedTuple):
    """How a tool is passed on to. seconds: for the whole of a request. longest: bytes of an answer.

    denied: what is raised where the upstream does not let this server in: some clients repeat what is Unavailable, some
    drop what is not.
    """

    seconds: float
    longest: int
    denied: type[PinsetError] = Unavailable


class Upstream:
    """Where an application passes on what is asked by one protocol. tool: what it is called."""

    def __init__(self, tool: str, spoken: Spoken, manner: Manner, counted: Counter[tuple[str, str]]) -> None:
        self.url = spoken.upstream
        self._tool, self._name, self._file = tool, tool.lower(), spoken.authorization_file
        self._manner, self._counted = manner, counted
        self._busy = 0
        self._dropping = False
        self._client: httpx.AsyncClient | None = None

    def drop(self, what: str) -> None:
        """Count what is passed on to nobody, and say so the first time."""
        if not self._dropping:
            _LOG.warning(
                "%s of %s's clients are dropped: [compat.%s] in config.toml names no upstream",
                what,
                self._tool,
                self._name,
            )
        self._dropping = True
        self._counted[self._name, "dropped"] += 1

    async def passed(self, asked: Asked, path: str, body: bytes, goes: Callable[[str], bool]) -> Response:
        """The upstream's answer. path: with its query. goes: which headers of the request go with it, by small name.

        Raises Unavailable, what `Manner` says, and InvalidInput where the upstream is this server itself.
        """
        request = asked.request
        if HOP in request.headers:
            raise InvalidInput(
                f"[compat.{self._name}] upstream is this server itself", hint=f"name the server of {self._tool} there"
            )
        if self._busy >= AT_ONCE:
            self._counted[self._name, "failed"] += 1
            raise Unavailable("as much is passed on as can be at once", hint="send it again in a second")
        headers = {name: value for name, value in request.headers.items() if goes(name)}
        self._busy += 1
        outcome = "failed"
        try:
            status, media_type, content = await self._send(request.method, path, headers, body)
            outcome = "passed" if status < 400 else "refused"
        finally:
            self._busy -= 1
            self._counted[self._name, outcome] += 1
        if status in (401, 403):
            _LOG.error("the upstream of [compat.%s] refuses our credential: %s", self._name, status)
            raise self._manner.denied(
                f"the server of {self._tool} behind this one does not let it in",
                hint=f"see [compat.{self._name}] authorization_file in config.toml",
            )
        kept = media_type.partition(";")[0].strip().lower() in _MEDIA
        return Response(content, status_code=status, media_type=media_type if kept else "application/octet-stream")

    async def _send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body of the answer."""
        if self._client is None:
            limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
            self._client = httpx.AsyncClient(
                timeout=self._manner.seconds, limits=limits, follow_redirects=False, trust_env=False
            )
        sent = {**headers, HOP: "1", **await self._authorization()}
        try:
            async with (
                asyncio.timeout(self._manner.seconds),
                self._client.stream(method, self.url + path, headers=sent, content=body) as answer,
            ):
                found = bytearray()
                async for piece in answer.aiter_bytes():
                    found += piece
                    if len(found) > self._manner.longest:
                        raise self._away("its answer is too large")
                return answer.status_code, answer.headers.get("content-type", "application/json"), bytes(found)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # What a library says of an address, or of a header that cannot be sent, may hold the credential.
            _LOG.warning("the upstream of [compat.%s] is away: %s", self._name, type(error).__name__)
            raise self._away(type(error).__name__) from error

    async def _authorization(self) -> dict[str, str]:
        if not self._file:
            return {}
        try:
            return {"authorization": (await asyncio.to_thread(Path(self._file).read_text, "utf-8")).strip()}
        except (OSError, ValueError) as error:
            _LOG.error("the upstream's authorization_file cannot be used: %s", error)
            raise self._away("its credential cannot be read") from error

    def _away(self, why: str) -> Unavailable:
        return Unavailable(
            f"the server of {self._tool} behind this one did not answer as it should: {why}",
            hint=f"send it again later, or see [compat.{self._name}] in config.toml",
        )


def upstream_of(asked: Asked, tool: str, manner: Manner) -> Upstream:
    """The one of an application for one protocol. tool: see `Upstream`."""
    state = asked.request.app.state
    found: Upstream | None = state.upstreams.get(tool)
    if found is None:
        found = state.upstreams[tool] = Upstream(tool, state.compat.protocols[tool.lower()], manner, state.forwarded)
    return found
