"""Servers in processes of their own, on a free port of this machine, ended with all they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE = 120.0
TRIVIAL = """
import asyncio, sys

ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Length: 4096\\r\\n\\r\\n" + bytes(4096)


class Answering(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(ANSWER)


async def main():
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
"""
"""A server that does nothing: what is left of a figure is the generator's."""


def free_port() -> int:
    """A port of loopback at which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], url: str, *, environment: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[None]:
    """A command that has answered at an address. Raises RuntimeError where it ends, or does not answer in two minutes."""
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(log.open("wb")) if log else subprocess.DEVNULL
        server = subprocess.Popen(command, env=environment, stdout=said, stderr=said, start_new_session=True)
        stack.callback(_end, server)
        until = time.monotonic() + PATIENCE
        while not _answers(url):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"no answer from {' '.join(command)}{log.read_text()[-2000:] if log else ''}")
            time.sleep(0.05)
        yield


@contextlib.contextmanager
def pinset(home: Path, *, workers: int = 1, under: Sequence[str] = ()) -> Iterator[str]:
    """`pinset serve` on a registry's directory; gives its address. under: a command that runs it, such as strace."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    serve = ["serve", "--registry", str(home), "--port", str(port), "--workers", str(workers)]
    with running([*under, sys.executable, "-m", "pinset_cli", *serve], f"{url}/healthz"):
        yield url


@contextlib.contextmanager
def trivial(under: Sequence[str] = ()) -> Iterator[str]:
    """A server that answers 4 kB to anything; gives its address. under: as for `pinset`."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    with running([*under, sys.executable, "-c", TRIVIAL, str(port)], url):
        yield url


def _end(server: subprocess.Popen[bytes]) -> None:
    """The whole group: what runs a server need not pass a signal on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(30)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.read())
    except OSError:
        return False
