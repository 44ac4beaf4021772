"""The client for programs on an event loop: what is in memory at once, the rest without holding up the loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from pinset.client.client import Client
from pinset.client.pace import POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from pinset.client.release import Release
    from pinset.client.source import Source


class AsyncClient:
    """As `Client`, whose parameters it takes. Its threads are its own, so that the end of a loop is none of their business."""

    def __init__(
        self,
        registry: str | Path | None = None,
        token: str | None = None,
        *,
        alias: str | None = None,
        cache: Path | str | None = "",
        snapshot: Path | str | None = None,
        poll: float = POLL_SECONDS,
        max_stale: float | None = None,
        live: bool = True,
        source: Source | None = None,
        trusted_keys: Iterable[str | Path] | str | Path | None = None,
    ) -> None:
        made = Client(
            registry,
            token,
            alias=alias,
            cache=cache,
            snapshot=snapshot,
            poll=poll,
            max_stale=max_stale,
            live=live,
            source=source,
            trusted_keys=trusted_keys,
        )
        self._take(made)

    @classmethod
    def over(cls, client: Client) -> Self:
        """One over a client that is there, such as a test's; closing it closes that one."""
        made = cls.__new__(cls)
        made._take(client)  # noqa: SLF001 - its own
        return made

    def _take(self, client: Client) -> None:
        self.client = client
        """The client behind it."""
        self.on_change, self.on_refused, self.counts = client.on_change, client.on_refused, client.counts

    async def get(
        self,
        name: str,
        *,
        alias: str | None = None,
        variables: Collection[str] | None = None,
        tools: Collection[str] | None = None,
        default: Mapping[str, Any] | None = None,
    ) -> Release:
        """As `Client.get`."""
        if alias is None and variables is None and tools is None and default is None:
            held = self.client.held(name)
            if held is not None:
                return held
        return await asyncio.to_thread(
            self.client.get, name, alias=alias, variables=variables, tools=tools, default=default
        )

    async def close(self) -> None:
        """As `Client.close`; also where the loop takes no more work."""
        try:
            await asyncio.to_thread(self.client.close)
        except RuntimeError:
            self.client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.close()
