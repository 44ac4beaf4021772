"""The gate: of the requests that cost much work only a few run at once, a few more wait, and the rest come again later."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from pinset.api import doors
from pinset.errors import Busy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Scope

_COSTLY: Final = re.compile(
    r"(?:GET|POST) /v1/diff|GET /v1/bundles/[^/]+/review|PUT /v1/policy"
    r"|(?:GET|HEAD) /v1/bundles/[^/]+/(?:aliases|releases)/[^/]+/(?:blame|cost)"
    r"|(?:GET|HEAD) /(?:diff|requests/[0-9]+|changes/[^/]+|bundles/[^/]+/(?:review|[^/]+/blame/.+))"
    r"|POST /v1/(?:check|review|policy/check|verify|audit/verify|bundles/[^/]+/releases|components/[^/]+/[^/]+)"
)
_WAITING: Final = 4
"""How many requests wait for each that runs."""


def is_costly(scope: Scope) -> bool:
    """Whether a request may cost much work: the checks, comparisons, proofs, and what publishes."""
    return bool(scope.get(doors.COSTLY)) or _COSTLY.fullmatch(f"{scope['method']} {scope['path']}") is not None


class Gate:
    """Lets ``at_once`` requests of one event loop in; four times as many wait."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once * (1 + _WAITING)
        self._here = 0

    def check(self) -> None:
        """Raises Busy where nobody else may wait: better said before a body is read."""
        if self._here >= self._room:
            raise Busy("the server has as much work as it takes at once", hint="send it again in a second")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Callable[[], None]]:
        """One turn, waited for. Yields what ends it before its time. Raises Busy."""
        self.check()
        self._here += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._here -= 1
            raise
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                self._here -= 1
                self._free.release()

        try:
            yield end
        finally:
            end()
