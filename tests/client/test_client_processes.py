"""Event loops, forks and processes that share a cache."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, Directory, files, until

from pinset.client.aio import AsyncClient
from pinset.errors import NotFound, Unavailable

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


def in_a_copy(does: Callable[[], bool]) -> None:
    """Do something in a forked process; it must be so."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if does() else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_workers_that_are_forked_from_one_that_loaded_everything_go_on_by_themselves(
    make: Callable[..., Client], source: Directory
) -> None:
    client = make()
    loaded = client.get(NAME)

    def work() -> bool:
        if client.get(NAME) is not loaded:
            return False
        asked = len(source.asked)
        until(lambda: len(source.asked) > asked + 1)
        client.get(NAME, alias="production")
        client.close()
        return True

    for _ in range(4):
        in_a_copy(work)
    confirmed = client.counts["confirmed"]
    until(lambda: client.counts["confirmed"] > confirmed + 1)


def test_a_copy_that_is_made_in_the_middle_of_a_first_answer_gets_its_own(
    make: Callable[..., Client], source: Directory
) -> None:
    client = make()
    source.delay = 0.2
    asking = threading.Thread(target=lambda: client.get(NAME))
    asking.start()
    until(lambda: len(source.asked) == 1)
    in_a_copy(lambda: client.get(NAME).version == 1)
    asking.join()


def test_a_client_ends_with_its_loop_and_without_one(source: Directory) -> None:
    loop = asyncio.new_event_loop()
    client = AsyncClient(source=source, cache=None, poll=0.02)
    loop.run_until_complete(client.get(NAME))
    loop.close()
    ending = client.close()
    with pytest.raises(StopIteration):
        ending.send(None)  # no loop runs it
    assert client.client._keeper._thread is not None
    assert not client.client._keeper._thread.is_alive()


def test_a_client_ends_on_a_loop_that_takes_no_more_work(source: Directory) -> None:
    async def use() -> AsyncClient:
        client = AsyncClient(source=source, cache=None, poll=0.02)
        await client.get(NAME)
        await asyncio.get_running_loop().shutdown_default_executor()
        await client.close()
        return client

    client = asyncio.run(use())
    with pytest.raises(Unavailable, match="closed"):
        client.client.get(NAME, alias="staging")


def test_a_program_ends_while_a_client_waits(tmp_path: Path) -> None:
    program = """
import socket
from pinset import Client
listening = socket.create_server(("127.0.0.1", 0))
client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}", cache=None)
try:
    client.get("support")
except Exception as error:
    print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "Unavailable\n"
    assert done.stderr.count("Traceback") == 0


def test_the_package_is_loaded_without_what_speaks_http() -> None:
    program = "import sys, pinset; pinset.Client; print([one for one in ('httpx', 'http.client', 'ssl', 'asyncio') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
