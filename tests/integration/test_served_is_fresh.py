"""Once a write is acknowledged no worker answers with what was before, whoever wrote; nor lets in who was shut out."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

import httpx

from patience import until
from pinset import bootstrap
from pinset.ports.registry import Caller
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ME = Caller(actor="cli")
ALIAS = "/v1/bundles/support/aliases/production"
ROUNDS, CLIENTS = 12, 6


@contextmanager
def _clients(address: str, **given: dict[str, str]) -> Iterator[list[httpx.Client]]:
    """Clients with a connection each, of which the kernel has given every worker some."""
    with ExitStack() as stack:
        clients: list[httpx.Client] = []
        workers: set[str] = set()

        def connect() -> httpx.Client:
            client = httpx.Client(base_url=address, timeout=30, verify=False, **given)
            client.get("/healthz")
            workers.update(re.findall(r'worker="(\d+)"', client.get("/metrics").text))
            return client

        def both_are_there() -> bool:
            connect().close()
            return len(workers) == 2

        until(both_are_there)
        workers.clear()
        while len(clients) < CLIENTS or len(workers) < 2:
            assert len(clients) < 50, "two workers take connections"
            clients.append(connect())
            stack.callback(clients[-1].close)
        yield clients


def test_no_worker_answers_with_an_older_release_once_a_move_is_acknowledged(
    home: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    with (
        closing(bootstrap.local_registry(home)) as registry,
        serving(home, workers=2) as server,
        _clients(server.address) as clients,
    ):
        for words in ("one", "two"):
            registry.publish(ME, manifest(words=words))
        for number in range(ROUNDS):
            version = number % 2 + 1
            if number % 3:
                registry.promote(ME, f"support@v{version}", "production", again=number > 1, reason="in turn")
            else:
                wanted = {"release": f"v{version}", "reason": "in turn", "again": number > 1}
                seen = clients[0].get(ALIAS)
                guard = {"If-Match": seen.headers["etag"]} if seen.status_code == 200 else {"If-None-Match": "*"}
                assert clients[number % CLIENTS].put(ALIAS, json=wanted, headers=guard).status_code == 200
            answers = [client.get(ALIAS) for client in clients for _ in range(2)]
            assert {answer.json()["version"] for answer in answers} == {version}
            if number % 10 == 9:
                registry.reindex()


def test_readers_of_every_worker_see_whole_releases_and_never_go_back(
    home: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    stop, wrong, reads = threading.Event(), [], [0]

    def read(client: httpx.Client) -> None:
        newest = 0
        while not stop.is_set():
            found = client.get(ALIAS + "?form=sealed").json()
            if found["alias"]["seq"] < newest or f"words {found['version']} " not in found["files"]["release.yaml"]:
                wrong.append(found["ref"])
            newest = found["alias"]["seq"]
            reads[0] += 1

    with (
        closing(bootstrap.local_registry(home)) as registry,
        serving(home, workers=2) as server,
        _clients(server.address) as clients,
    ):
        registry.publish(ME, manifest(words="words 1 "), alias="production")
        readers = [threading.Thread(target=read, args=(client,)) for client in clients]
        for reader in readers:
            reader.start()
        for number in range(2, ROUNDS):
            registry.publish(ME, manifest(words=f"words {number} "), alias="production")
        stop.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert reads[0] > CLIENTS


def test_a_token_that_is_revoked_is_refused_by_every_worker(
    home: Path, manifest: Callable[..., dict[str, str]]
) -> None:
    with closing(bootstrap.local_registry(home)) as registry, serving(home, workers=2) as server:
        registry.publish(ME, manifest(), alias="production")
        registry.create_token(ME, "keeper", can="admin")
        for number in range(4):
            token = str(registry.create_token(ME, f"app-{number}", can="read")["token"])
            with _clients(server.address, headers={"Authorization": f"Bearer {token}"}) as clients:
                assert {client.get(ALIAS).status_code for client in clients for _ in range(5)} == {200}
                registry.revoke_token(ME, f"app-{number}")
                assert {client.get(ALIAS).status_code for client in clients} == {401}
