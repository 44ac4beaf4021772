"""Who runs what, as fetches say it and as it is asked for."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from patience import until
from pinset import bootstrap
from pinset.api.app import create_app
from pinset.catalog.sights import FileSights
from pinset.ports.registry import Caller
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
BUNDLE = "/v1/bundles/support"
ALIAS = f"{BUNDLE}/aliases/production"


def client(n: int, holds: str | None = None) -> dict[str, str]:
    return {"Pinset-Client": f"{n:016x}"} | ({"Pinset-Holds": holds} if holds else {})


@pytest.fixture
def two(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    """v1 and v2; production serves v1, and staging v2."""
    memory.publish(OPS, manifest(words="a"), alias="production")
    memory.publish(OPS, manifest(words="b"), alias="staging")
    return memory


def shown(api: Any) -> list[tuple[str, int | None, int]]:
    page = api("GET", f"{BUNDLE}/clients").json()
    assert page["next"] is None
    assert all(set(item) == {"bundle", "alias", "version", "clients", "silent", "oldest"} for item in page["items"])
    return [(item["alias"], item["version"], item["clients"]) for item in page["items"]]


def test_who_fetches_an_alias_is_counted_by_what_it_holds(two: LocalRegistry, api: Any) -> None:
    assert shown(api) == []
    etag = api("GET", ALIAS, headers=client(1)).headers["etag"]
    assert shown(api) == [("production", None, 1)]
    assert api("GET", ALIAS, headers={**client(1, "v1"), "If-None-Match": etag}).status_code == 304
    api("GET", f"{ALIAS}?form=sealed", headers=client(2, "v1"))
    api("GET", f"{BUNDLE}/releases/staging", headers=client(2, "v1"))
    assert shown(api) == [("production", 1, 2), ("staging", 1, 1)]


def test_what_fetches_no_alias_is_not_counted(two: LocalRegistry, api: Any) -> None:
    for path in (f"{BUNDLE}/releases/v1", f"{BUNDLE}/releases/latest", f"{BUNDLE}/aliases", f"{ALIAS}?form=summary",
                 f"{BUNDLE}/aliases/canary", "/v1/bundles/none/aliases/production"):  # fmt: skip
        api("GET", path, headers=client(1, "v1"))
    api("GET", ALIAS)
    api("GET", ALIAS, headers={"Pinset-Client": "me", "Pinset-Holds": "v1"})
    api("GET", ALIAS, headers=client(1, "7"))
    api("GET", ALIAS, headers=[("Pinset-Client", "0" * 16), ("Pinset-Client", "1" * 16)])
    assert shown(api) == []
    assert "pinset_clients{" not in api("GET", "/metrics").text


def test_clients_are_counted_for_one_at_a_time_and_no_fetch_waits_for_it(
    two: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting, go_on, at_once = threading.Event(), threading.Event(), []
    count = two.clients

    def slow(bundle: str) -> Any:
        at_once.append(app.state.counting.borrowed_tokens)
        counting.set()
        assert go_on.wait(60)
        return count(bundle)

    monkeypatch.setattr(two, "clients", slow)
    app = create_app(two)

    async def run() -> None:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as api:
            asking = [asyncio.create_task(api.get(f"{BUNDLE}/clients")) for _ in range(100)]
            await asyncio.to_thread(counting.wait, 60)
            assert (await api.get(ALIAS)).status_code == 200
            go_on.set()
            assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}

    asyncio.run(run())
    assert at_once == [1] * 100


def test_clients_of_a_bundle_that_is_not_there_are_not_found(api: Any) -> None:
    assert api("GET", "/v1/bundles/none/clients").json()["code"] == "not_found"
    assert api("GET", "/v1/bundles/None/clients").status_code == 422


def test_clients_may_be_read_by_who_may_read(two: LocalRegistry, api: Any) -> None:
    secret = two.create_token(OPS, "app", can="read")["token"]
    assert api("GET", f"{BUNDLE}/clients").status_code == 401
    assert api("GET", f"{BUNDLE}/clients", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_who_opens_a_servers_directory_sees_its_clients_until_the_server_ends(
    home: Any, api_of: Callable[..., Any], manifest: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, elsewhere = bootstrap.local_registry(home), bootstrap.local_registry(home)
    server.publish(OPS, manifest(), alias="production")
    api = api_of(server)
    api("GET", ALIAS, headers=client(1, "v1"))
    assert elsewhere.clients("support")["items"] == []
    api.app.state.adoption.tell()
    # Another process has another number, and does not take the file for its own.
    monkeypatch.setattr("pinset.catalog.sights.os.getpid", lambda: 1)
    [item] = elsewhere.clients("support")["items"]
    assert (item["alias"], item["version"], item["clients"]) == ("production", 1, 1)
    monkeypatch.undo()
    server.close()
    assert elsewhere.clients("support")["items"] == []
    assert FileSights(home).everyone() == {}
    elsewhere.close()


@pytest.mark.parametrize("work", ["verify", "gc", "backup", "restore"])
def test_the_folder_is_no_part_of_the_registry(
    home: Any, tmp_path: Any, manifest: Callable[..., dict[str, str]], work: str
) -> None:
    registry = bootstrap.local_registry(home)
    registry.publish(OPS, manifest(), alias="production")
    registry.keep_sights({("0" * 16, "support", "production"): (1, registry._context.sights.now())})
    if work == "verify":
        assert registry.verify()["ok"]
    elif work == "gc":
        registry.gc()
    elif work == "backup":
        bootstrap.backup_registry(home, tmp_path / "copy")
        assert not (tmp_path / "copy" / "serving").exists()
    else:
        bootstrap.restore_registry(home, tmp_path / "again")
        assert not (tmp_path / "again" / "serving").exists()
    assert [item["clients"] for item in registry.clients("support")["items"]] == [1]
    registry.close()


# -- a server ----------------------------------------------------------------------------------------------------


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pinset-adoption"]


def test_a_server_tells_what_it_saw_while_it_runs_and_not_after(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = threading.Event()
    monkeypatch.setattr(memory, "keep_sights", lambda _table: told.set())
    app = create_app(memory)

    async def run() -> None:
        async with app.router.lifespan_context(app):
            assert threads() == ["pinset-adoption"]
            app.state.adoption.seen("0" * 16, "support", "production", "v7")
            assert await anyio.to_thread.run_sync(told.wait, 30)

    anyio.run(run)
    assert threads() == []


def test_workers_and_the_directory_know_what_all_of_them_saw(
    home: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    registry = bootstrap.local_registry(home)
    registry.publish(OPS, manifest(), alias="production")
    with serving(home, workers=2) as server:
        asked = 0

        def fetch() -> bool:
            """A client on a connection of its own; whether both workers have met some."""
            nonlocal asked
            httpx.get(f"{server.address}{ALIAS}", headers=client(asked, "v1"), timeout=30).raise_for_status()
            asked += 1
            return len(list(home.glob("serving/*.json"))) == 2

        until(fetch)
        until(lambda: sum(item["clients"] for item in registry.clients("support")["items"]) == asked)
        assert httpx.get(f"{server.address}{BUNDLE}/clients", timeout=30).json()["items"][0]["clients"] == asked
    assert list((home / "serving").iterdir()) == []
    assert registry.clients("support")["items"] == []
    registry.close()
