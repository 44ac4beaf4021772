"""What costs much work takes turns, and nothing else waits for it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import httpx
import pytest

from pinset.api.gate import Gate, is_costly
from pinset.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

FILES = {"files": {"release.yaml": "x"}}
LARGE = {"files": {"release.yaml": "x" * 70_000}}


async def _settle(until: Callable[[], bool]) -> None:
    while not until():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.001)


def test_what_is_over_the_limit_comes_again_and_the_rest_is_served(
    memory: LocalRegistry, api_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = api_of(memory, at_once=2)
    let_go, turn = threading.Event(), threading.Lock()
    now, most = 0, 0

    def slow(*_args: Any, **_named: Any) -> dict[str, Any]:
        nonlocal now, most
        with turn:
            now += 1
            most = max(most, now)
        let_go.wait(60)
        with turn:
            now -= 1
        return {}

    monkeypatch.setattr(memory, "check", slow)

    async def run() -> None:
        transport = httpx.ASGITransport(api.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            sent = [asyncio.create_task(http.post("/v1/check", json=body)) for body in [FILES, LARGE] * 5]
            await _settle(lambda: (now, api.app.state.gate._here) == (2, 10))
            more = [await http.post(path, json=FILES) for path in ("/v1/check", "/v1/bundles/support/releases")]
            more.append(await http.post("/v1/verify"))
            for one in more:
                assert (one.status_code, one.json()["code"], one.headers["retry-after"]) == (503, "busy", "1")
            for path in ("/healthz", "/readyz", "/v1/bundles"):
                assert (await http.get(path)).status_code == 200
            assert (await http.post("/v1/resolve", json={"references": []})).status_code == 200
            let_go.set()
            assert [one.status_code for one in await asyncio.gather(*sent)] == [200] * 10
            assert (await http.post("/v1/check", json=FILES)).status_code == 200

    api.loop.run_until_complete(run())
    assert most == 2


def test_health_wants_no_thread_that_others_hold(api: Any) -> None:
    let_go = threading.Event()

    async def run() -> None:
        threads = anyio.to_thread.current_default_thread_limiter()
        threads.total_tokens = 1
        held = asyncio.create_task(anyio.to_thread.run_sync(let_go.wait, 60))
        await _settle(lambda: threads.borrowed_tokens == 1)
        transport = httpx.ASGITransport(api.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            for path in ("/healthz", "/readyz"):
                assert (await http.get(path)).status_code == 200
        let_go.set()
        await held

    api.loop.run_until_complete(run())


def test_a_registry_that_cannot_be_read_is_not_ready_though_no_thread_is_free(
    memory: LocalRegistry, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise Busy("a writer is at it")

    monkeypatch.setattr(memory, "describe", broken)
    assert api("GET", "/readyz").status_code == 503
    assert api("GET", "/healthz").status_code == 200


@pytest.mark.parametrize(
    ("asked", "costly"),
    [
        ("POST /v1/check", True),
        ("GET /v1/diff", True),
        ("POST /v1/review", True),
        ("GET /v1/bundles/a/review", True),
        ("POST /v1/verify", True),
        ("POST /v1/policy/check", True),
        ("PUT /v1/policy", True),
        ("GET /v1/policy", False),
        ("POST /v1/components/prompts/tone", True),
        ("POST /v1/bundles/a/releases", True),
        ("GET /v1/bundles/a/releases", False),
        ("POST /v1/bundles/a/releases/v1/yank", False),
        ("PUT /v1/bundles/a/aliases/b", False),
    ],
)
def test_costly_is_what_checks_compares_proves_and_publishes(asked: str, costly: bool) -> None:
    method, path = asked.split()
    assert is_costly({"method": method, "path": path}) is costly


def test_who_gives_up_waiting_leaves_its_place() -> None:
    async def run() -> None:
        gate = Gate(1)
        async with gate.turn() as end:
            waiting = [asyncio.create_task(_turn(gate)) for _ in range(4)]
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                gate.check()
            waiting[0].cancel()
            await asyncio.sleep(0)
            gate.check()
            end()
            await asyncio.gather(*waiting[1:])
        assert (gate._here, gate._free.locked()) == (0, False)

    asyncio.run(run())


async def _turn(gate: Gate) -> None:
    async with gate.turn():
        pass
