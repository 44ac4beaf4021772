"""The application without a socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset.api.app import create_app
from pinset.api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry


class Api:
    """Sends requests to the application of a registry."""

    def __init__(self, registry: LocalRegistry, settings: Settings, others: Any = None) -> None:
        self.app = create_app(registry, settings=settings, others=others)
        self.loop = asyncio.new_event_loop()

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


@pytest.fixture
def api_of() -> Iterator[Callable[..., Api]]:
    """Makes the application of a registry, with the settings given."""
    made: list[Api] = []

    def make(registry: LocalRegistry, others: Any = None, **settings: Any) -> Api:
        made.append(Api(registry, Settings(**settings), others))
        return made[-1]

    yield make
    for api in made:
        api.end()


@pytest.fixture
def api(memory: LocalRegistry, api_of: Callable[..., Api]) -> Api:
    """The application of a registry in memory."""
    return api_of(memory)
