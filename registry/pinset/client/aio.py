"""The client for programs on an event loop: what is in memory at once, the rest without holding up the loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from pinset.client.client import Client

if TYPE_CHECKING:
    from types import TracebackType

    from pinset.client.release import Release


class AsyncClient:
    """As `Client`, whose parameters it takes. Its thread is its own, so that the end of a loop is none of its business."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        self.client = Client(*positional, **named)
        """The client behind it."""
        self.on_change, self.on_refused, self.counts = self.client.on_change, self.client.on_refused, self.client.counts

    async def get(self, name: str, **how: Any) -> Release:
        """As `Client.get`."""
        held = None if how else self.client.held(name)
        if held is None:
            held = await asyncio.to_thread(self.client.get, name, **how)
        return held

    async def close(self) -> None:
        """As `Client.close`."""
        await asyncio.to_thread(self.client.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
