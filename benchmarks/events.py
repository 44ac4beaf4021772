"""How soon a promotion is known everywhere: from its acknowledgement until every one of 1,000 streams holds the event.

The streams are raw connections of one process, which also promotes, in the directory that the server serves.
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

STREAMS, ROUNDS = 1000, 25
REQUEST = b"GET /v1/events?alias=production HTTP/1.1\r\nHost: localhost\r\n\r\n"
WHO = Caller(actor="bench")
FILES = 'release:\n  feature: support\n  prompt: {{text: "Summarize {{{{ticket}}}} {}."}}\n'
SERVE = """
import sys
from pathlib import Path
from pinset.bootstrap import serve_registry
serve_registry(Path(sys.argv[1]), host="127.0.0.1", port=0, workers=1, talk=lambda text: print(text, flush=True))
"""


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
            registry.promote(WHO, "support@v1", "production")
            with Streams(address, 50):  # what the first ones load is no cost of each
                pass
            before = _resident(process)
            with Streams(address, STREAMS) as streams:
                each = (_resident(process) - before) / STREAMS
                found = [_promoted(registry, streams, round_) for round_ in range(ROUNDS)]
    name = f"a promotion, acknowledged, at {STREAMS:,} streams"
    return [
        Figure(f"{name}: the 99th of 100", values=[times[len(times) * 99 // 100] for times in found], wanted=200),
        Figure(f"{name}: the median", values=[times[len(times) // 2] for times in found]),
        Figure("memory of the server for a stream", "kB", [each]),
    ]


def _promoted(registry: LocalRegistry, streams: Streams, round_: int) -> list[float]:
    """Milliseconds from the acknowledgement until each stream has the event, sorted; 0 where it had it before."""
    moved = registry.promote(WHO, f"support@v{2 - round_ % 2}", "production")
    begun = time.perf_counter()
    times = streams.until(f"event: move\nid: {moved['serial']}\n".encode())
    return sorted(max(at - begun, 0.0) * 1000 for at in times)


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
                    times.append(time.perf_counter())
                elif line in rest:
                    rest[line] = text[-200:]
        return times

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for line in self._lines:
            line.close()
        self._selector.close()


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
