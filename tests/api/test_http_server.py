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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

SERVE = """
import sys
from pathlib import Path
from pinset.bootstrap import serve_registry
serve_registry(Path(sys.argv[1]), host="127.0.0.1", port=0, workers=int(sys.argv[2]),
               talk=lambda text: print(text, flush=True))
"""


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
    command = [sys.executable, "-c", SERVE, str(home), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            address = said.split(" on ")[1].split()[0]
            with httpx.Client(base_url=address, timeout=30) as http:
                answer = http.get("/readyz")
                head = http.head("/v1/bundles/none/aliases/production")
                for words in ("a", "b", "c"):
                    files = {"files": manifest(words=words), "alias": "production"}
                    assert http.post("/v1/bundles/support/releases", json=files).status_code == 201
                assert (home / "catalog.1.sqlite-wal").exists(), "the log is kept between the writes"
            assert (answer.status_code, answer.json()["status"]) == (200, "ready")
            assert (head.status_code, head.content) == (404, b"")
            assert "server" not in answer.headers
        finally:
            server.send_signal(signal.SIGTERM)
            out, err = server.communicate(timeout=30)
    assert (out, err) == ("", "")
    assert server.returncode in (0, -signal.SIGTERM)
    if workers == 1:
        assert list(home.glob("catalog*-wal")) == [], "who ends alone leaves no log behind"
    with closing(bootstrap.local_registry(home)) as registry:
        assert registry.summary("support@production")["version"] == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_a_half_sent_body_holds_up_no_end(home: Path, workers: int) -> None:
    command = [sys.executable, "-c", SERVE, str(home), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            host, _, port = server.stdout.readline().split("//")[1].split()[0].partition(":")
            with socket.create_connection((host, int(port)), timeout=30) as line:
                line.sendall(b"POST /v1/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
                line.sendall(b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n")
                assert line.recv(100).startswith(b"HTTP/1.1 100 ")
                line.sendall(b"{")
                server.send_signal(signal.SIGTERM)
                assert line.recv(100) == b""
        finally:
            server.send_signal(signal.SIGTERM)
            out, err = server.communicate(timeout=GRACE_SECONDS)
    assert (out, err) == ("", "")
    assert server.returncode in (0, -signal.SIGTERM)
