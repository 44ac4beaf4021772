"""Whatever a server does, the last good release stays and nobody waits for long."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import NAME, files, until

from pinset import bootstrap
from pinset.client import keeper, pace
from pinset.client.client import Client
from pinset.errors import PinsetError
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def answer(status: str, kind: str, body: bytes, *, more: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n{more}\r\n".encode() + body


def problem(status: int, code: str) -> bytes:
    body = json.dumps({"status": status, "code": code, "detail": "no", "hint": "no"}).encode()
    return answer(f"{status} No", "application/problem+json", body)


class Server:
    """Answers with a sealed release, or misbehaves as it is told."""

    def __init__(self, good: bytes) -> None:
        self.good = good
        self.does: bytes | str = good
        self.asked = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            while connection.recv(65536):
                self.asked += 1
                if self.does == "hangs":
                    self._ended.wait(30)
                elif self.does == "a byte a second":
                    for byte in self.good:
                        connection.sendall(bytes([byte]))
                        if self._ended.wait(1):
                            return
                elif isinstance(self.does, bytes):
                    connection.sendall(self.does)
                    if self.does is not self.good:
                        return


@pytest.fixture
def sealed() -> dict[str, Any]:
    with closing(bootstrap.memory_registry()) as registry:
        registry.publish(Caller(actor="ada"), files("Hi {{ticket}}."), alias="production")
        found: dict[str, Any] = json.loads(json.dumps(registry.sealed(f"{NAME}@production")))
        return found


@pytest.fixture
def server(sealed: dict[str, Any]) -> Iterator[Server]:
    made = Server(answer("200 OK", "application/json", json.dumps(sealed).encode(), more='ETag: "1"\r\n'))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_SECONDS", 0.3)
    monkeypatch.setattr(keeper, "TOTAL_SECONDS", 0.3)
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(pace, "LONGEST_PAUSE", 0.1)


def misbehaviours(sealed: dict[str, Any]) -> dict[str, bytes | str]:
    other = {**sealed, "files": {path: text + " " for path, text in sealed["files"].items()}}
    return {
        "hangs": "hangs",
        "a byte a second": "a byte a second",
        "dies in mid answer": answer("200 OK", "application/json", b'{"ref"', length=5000),
        "dies before it answers": b"",
        "401": problem(401, "unauthenticated"),
        "403": problem(403, "permission_denied"),
        "404": problem(404, "not_found"),
        "410": problem(410, "purged"),
        "429": answer("429 No", "application/json", b"{}", more="Retry-After: 1\r\n"),
        "500": problem(500, "integrity"),
        "a page": answer("200 OK", "text/html", b"<html>Sign in</html>"),
        "nothing": answer("200 OK", "application/json", b""),
        "an empty object": answer("200 OK", "application/json", b"{}"),
        "a list": answer("200 OK", "application/json", b"[]"),
        "no JSON": answer("200 OK", "application/json", b"{"),
        "a redirect": answer("302 Found", "text/html", b"", more="Location: http://127.0.0.1:9/\r\n"),
        "other bytes": answer("200 OK", "application/json", json.dumps(other).encode()),
    }


KINDS = [*misbehaviours({"files": {}})]


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_good_release_stays(kind: str, server: Server, sealed: dict[str, Any], tmp_path: Path) -> None:
    with Client(server.url, cache=tmp_path / "cache", poll=0.02) as client:
        first = client.get(NAME)
        server.does = misbehaviours(sealed)[kind]
        until(lambda: client.counts["failed"] + client.counts["refused"] > 1)
        assert client.get(NAME) is first
        assert first.render(ticket="x") == "Hi x."
        server.does = server.good
        until(lambda: client.get(NAME).source == "fresh")


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_meets_it_with_the_cache_and_without(
    kind: str, server: Server, sealed: dict[str, Any], tmp_path: Path
) -> None:
    with Client(server.url, cache=tmp_path / "cache", poll=60) as client:
        client.get(NAME)
        until(lambda: any((tmp_path / "cache" / "names").glob("*.json")))
    server.does = misbehaviours(sealed)[kind]
    with Client(server.url, cache=tmp_path / "cache", poll=60) as client:
        assert client.get(NAME).source == "disk"
    with Client(server.url, cache=None, poll=60) as client, pytest.raises(PinsetError):
        client.get(NAME)


def test_a_registry_that_hangs_delays_one_name_and_no_other(
    server: Server, sealed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 60.0)
    monkeypatch.setattr(pace, "LONGEST_PAUSE", 60.0)
    server.does = "hangs"
    with Client(server.url, cache=None) as client:
        client._keeper._pace.uniform = lambda _low, high: high
        for number in range(5):
            assert client.get(f"{NAME}@name-{number}", default=sealed).source == "default"
        assert server.asked == 1


def test_a_registry_that_asks_for_patience_gets_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(server.url, cache=None, poll=0.02) as client:
        client.get(NAME)
        body = json.dumps({"status": 429, "code": "rate_limited", "detail": "no", "hint": "no"}).encode()
        server.does = answer("429 No", "application/problem+json", body, more="Retry-After: 30\r\n")
        until(lambda: client.counts["failed"] > 0)
        asked = server.asked
        time.sleep(0.2)
        assert server.asked == asked
