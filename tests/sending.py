"""Sends requests to an application without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx


class Sending:
    """An application, and the event loop that its requests run in."""

    def __init__(self, app: Any) -> None:
        self.app, self.loop = app, asyncio.new_event_loop()

    def __call__(
        self, method: str, path: str, *, client: tuple[str, int] = ("127.0.0.1", 1), **given: Any
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=client)
            plain = {"accept-encoding": "identity"}
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=plain) as http:
                return await http.request(method, path, **given)

        return self.loop.run_until_complete(send())

    def end(self) -> None:
        """As a server ends: what is still at work is told so."""

        async def finish() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.loop.run_until_complete(finish())
        self.loop.close()
