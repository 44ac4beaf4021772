"""Event loops, forks and processes that share a cache."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, Directory, files, until

from pinset.client.aio import AsyncClient
from pinset.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.client.client import Client


def test_the_same_on_an_event_loop(source: Directory, tmp_path: Path) -> None:
    async def use() -> None:
        async with AsyncClient(source=source, cache=tmp_path / "cache", poll=0.02) as client:
            first = await asyncio.gather(*(client.get(NAME) for _ in range(10)))
            assert len({id(release) for release in first}) == 1
            assert (await client.get(NAME, alias="production")).ref == "support@v1"
            with pytest.raises(NotFound):
                await client.get("nobody")

    asyncio.run(use())
    asyncio.run(use())  # another loop, another client: nothing is left of the first


def test_a_fork_goes_on_by_itself(make: Callable[..., Client], source: Directory) -> None:
    client = make()
    client.get(NAME)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            source.registry.publish(ME, files("Forked {{ticket}}."), alias="production")
            until(lambda: client.get(NAME).version == 2)
            os.write(writing, b"ok")
        finally:
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 2) == b"ok"
    os.close(reading)
    os.waitpid(pid, 0)
    assert client.get(NAME).version == 1
