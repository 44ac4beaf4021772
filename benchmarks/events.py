"""How soon a promotion is known everywhere: from its acknowledgement until every one of 1,000 streams holds the event, and
every one of 20 clients the release.

The streams are raw connections of one process, which also promotes, in the directory that the server serves. The clients are those
of applications, in one other process, and look by themselves only once in an hour.
"""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Self

from figures import Figure

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.services.local import LocalRegistry

STREAMS, CLIENTS, ROUNDS = 1000, 20, 25
REQUEST = b"GET /v1/events?alias=production HTTP/1.1\r\nHost: localhost\r\n\r\n"
WHO = Caller(actor="bench")
FILES = 'release:\n  feature: support\n  prompt: {{text: "Summarize {{{{ticket}}}} {}."}}\n'
SERVE = """
import sys
from pathlib import Path
from pinset.bootstrap import serve_registry
serve_registry(Path(sys.argv[1]), host="127.0.0.1", port=0, workers=1, talk=lambda text: print(text, flush=True))
"""
CLIENT = """
import sys, threading, time
from pinset import Client

said = threading.Lock()

def follow():
    client = Client(sys.argv[1], cache=None, poll=3600)

    def changed(new, old):
        now = time.monotonic()
        assert client.held("support").version == new.version
        with said:
            print(new.version, now, flush=True)

    client.get("support")
    while client.counts["confirmed"] == 0:  # it has looked again once its stream was there
        time.sleep(0.01)
    client.on_change("support", changed)
    return client

clients = [follow() for _ in range(int(sys.argv[2]))]
print("ready", flush=True)
sys.stdin.read()
"""
"""Clients that say which version they hold since when, until the input ends."""


def figures() -> list[Figure]:
    """Of a server with one worker."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="pinset-events-") as scratch:
        home = Path(scratch) / "registry"
        bootstrap.create_registry(home)
        with closing(bootstrap.local_registry(home, serving=True)) as registry, _served(home) as (address, process):
            for words in ("a", "b"):
                registry.publish(WHO, {"release.yaml": FILES.format(words)})
            registry.promote(WHO, "support@v2", "production")
            with Streams(address, 50):  # what the first ones load is no cost of each
                pass
            before = _resident(process)
            with Streams(address, STREAMS) as streams:
                each = (_resident(process) - before) / STREAMS
                with Clients(address, CLIENTS) as clients:
                    found = [_promoted(registry, streams, clients, round_) for round_ in range(ROUNDS)]
    everywhere = [sorted(told + held) for told, held in found]
    name = f"a promotion, acknowledged, at {STREAMS:,} streams"
    return [
        Figure(f"{name}: the median", values=[_part(told, 50) for told, _ in found]),
        Figure(f"{name}: the 99th of 100", values=[_part(told, 99) for told, _ in found], wanted=200),
        Figure(
            f"{name} and in {CLIENTS} clients: the 99th of 100",
            values=[_part(all_, 99) for all_ in everywhere],
            wanted=200,
        ),
        Figure(f"{name}: in the last of {CLIENTS} clients", values=[held[-1] for _, held in found], wanted=200),
        Figure("memory of the server for a stream", "kB", [each]),
    ]


def _promoted(
    registry: LocalRegistry, streams: Streams, clients: Clients, round_: int
) -> tuple[list[float], list[float]]:
    """Milliseconds from the acknowledgement until each stream has the event and each client the release, sorted; 0 where
    that was before.
    """
    version = 1 + round_ % 2
    moved = registry.promote(WHO, f"support@v{version}", "production")
    begun = time.monotonic()
    told = streams.until(f"event: move\nid: {moved['serial']}\n".encode())
    held = clients.until(version)
    return _since(begun, told), _since(begun, held)


def _since(begun: float, times: list[float]) -> list[float]:
    return sorted(max(at - begun, 0.0) * 1000 for at in times)


def _part(times: list[float], percent: int) -> float:
    return times[len(times) * percent // 100]


class Streams:
    """Connections that follow events."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._lines: list[socket.socket] = []
        for _ in range(count):
            line = socket.create_connection(address)
            line.sendall(REQUEST)
            line.settimeout(0)
            self._selector.register(line, selectors.EVENT_READ)
            self._lines.append(line)
        self.until(b"event: ready\n")

    def until(self, wanted: bytes) -> list[float]:
        """When each of them had these bytes."""
        rest = dict.fromkeys(self._lines, b"")
        times = []
        while rest:
            for key, _ in self._selector.select(60):
                line = key.fileobj
                if not isinstance(line, socket.socket):
                    raise TypeError(line)
                piece = line.recv(65536)
                if not piece:
                    raise RuntimeError("the server has ended a stream")
                text = rest.get(line, b"") + piece
                if wanted in text:
                    rest.pop(line, None)
                    times.append(time.monotonic())
                elif line in rest:
                    rest[line] = text[-200:]
        return times

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for line in self._lines:
            line.close()
        self._selector.close()


class Clients:
    """Clients of applications in a process of their own."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        url = "http://{}:{}".format(*address)
        self._count = count
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT, url, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._line() != "ready":
            raise RuntimeError("the clients did not start")

    def until(self, version: int) -> list[float]:
        """When each of them held a version."""
        said = [self._line().split() for _ in range(self._count)]
        if any(int(held) != version for held, _ in said):
            raise RuntimeError(f"a client holds another version than v{version}")
        return [float(at) for _, at in said]

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the clients have ended")
        return line.strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


@contextlib.contextmanager
def _served(home: Path) -> Iterator[tuple[tuple[str, int], int]]:
    with subprocess.Popen([sys.executable, "-c", SERVE, str(home)], stdout=subprocess.PIPE, text=True) as server:
        if server.stdout is None:
            raise RuntimeError("the server says nothing")
        host, _, port = server.stdout.readline().split("//")[1].split()[0].partition(":")
        try:
            yield (host, int(port)), server.pid
        finally:
            server.terminate()


def _resident(process: int) -> float:
    """kB of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text()
    return float(status.split("VmRSS:")[1].split()[0])
