"""Listening, and a server of several processes that stops when told."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest

from pinset import bootstrap
from pinset.api.server import GRACE_SECONDS, listen
from pinset.errors import PermissionDenied, Unavailable
from pinset.ports.registry import Caller
from serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_tokens_only_this_machine_is_served(memory: LocalRegistry, host: str) -> None:
    with pytest.raises(PermissionDenied) as refused:
        listen(memory, host, 0)
    assert "pinset token create" in refused.value.hint


def test_with_a_token_an_open_address_is_served(memory: LocalRegistry) -> None:
    memory.create_token(Caller(actor="ops"), "ci", can="read")
    listen(memory, "0.0.0.0", 0).close()


def test_a_taken_port_has_a_way_out(memory: LocalRegistry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable) as refused:
            listen(memory, "127.0.0.1", port)
    assert refused.value.message == f"cannot listen on 127.0.0.1:{port}: Address already in use"
    other = port - 1 if port == 65_535 else port + 1
    assert refused.value.hint == f"stop what listens there, or choose another port: --port {other}"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_answers_and_stops_when_told(
    home: Path, workers: int, manifest: Callable[..., dict[str, str]]
) -> None:
    with serving(home, workers=workers) as server:
        with httpx.Client(base_url=server.address, timeout=30) as http:
            answer = http.get("/readyz")
            head = http.head("/v1/bundles/none/aliases/production")
            for words in ("a", "b", "c"):
                files = {"files": manifest(words=words), "alias": "production"}
                assert http.post("/v1/bundles/support/releases", json=files).status_code == 201
            assert (home / "catalog.1.sqlite-wal").exists(), "the log is kept between the writes"
        assert (answer.status_code, answer.json()["status"]) == (200, "ready")
        assert (head.status_code, head.content) == (404, b"")
        assert "server" not in answer.headers
    assert (server.out, server.err) == ("", "")
    assert server.process.returncode in (0, -signal.SIGTERM)
    if workers == 1:
        assert list(home.glob("catalog*-wal")) == [], "who ends alone leaves no log behind"
    with closing(bootstrap.local_registry(home)) as registry:
        assert registry.summary("support@production")["version"] == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_half_sent_body_holds_up_no_end(home: Path, workers: int) -> None:
    with (
        serving(home, workers=workers, ends_within=GRACE_SECONDS) as server,
        socket.create_connection(server.end, timeout=30) as line,
    ):
        line.sendall(b"POST /v1/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        line.sendall(b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 100 ")
        line.sendall(b"{")
        server.process.send_signal(signal.SIGTERM)
        assert line.recv(100) == b""
    assert (server.out, server.err) == ("", "")
    assert server.process.returncode in (0, -signal.SIGTERM)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_server_ends_with_130_however_many_workers_it_has(home: Path, workers: int) -> None:
    command = [sys.executable, "-m", "pinset_cli.main", "serve", "--registry", str(home), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "--workers", str(workers)], stdout=pipe, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        address = server.stdout.readline().decode().split(" on ")[1].split()[0]
        with httpx.Client(base_url=address, timeout=30) as http:
            assert http.get("/readyz").status_code == 200
        server.send_signal(signal.SIGINT)
        out, _ = server.communicate(timeout=30)
    assert (server.returncode, out) == (130, b"")
