"""A load generator of few means: one thread, raw sockets that are kept open, the same question again and again.

`flat_out` asks anew as soon as an answer is whole. `steady` asks at a rate, whatever the answers do (an open loop): an answer's time
counts from when its question was to be sent, so that a server that stands still is not asked less.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 60.0
"""Seconds without any answer after which a server is given up."""
CHUNK = 1 << 18


class Connection:
    """One socket, and what was asked and received on it. due: when its question was to be sent."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.create_connection(address, timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due = 0.0

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, question: bytes, due: float) -> None:
        self.due, self.received = due, b""
        self.sock.sendall(question)


class Load:
    """So many connections to one address.

    Raises RuntimeError for an answer that is not 200, has no length, or does not come.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None, *, connections: int = 16) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"GET {target} HTTP/1.1", f"Host: {host}:{port}", *(f"{k}: {v}" for k, v in (headers or {}).items())]
        self._question = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._connections = [Connection((host, port)) for _ in range(connections)]
        self._whole = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.sock.close()

    def flat_out(self, seconds: float) -> float:
        """Answers a second, with one question open on every connection. What is open at the end is awaited, not counted."""
        poll, known = select.epoll(), {one.fileno(): one for one in self._connections}
        for number, connection in known.items():
            poll.register(number, select.EPOLLIN)
            connection.send(self._question, 0.0)
        answered, begun = 0, time.perf_counter()
        while (took := time.perf_counter() - begun) < seconds:
            if not (ready := poll.poll(PATIENCE)):
                raise RuntimeError(f"no answer for {PATIENCE:g} s")
            for number, _ in ready:
                if self._receive(known[number]):
                    answered += 1
                    known[number].send(self._question, 0.0)
        poll.close()
        for connection in self._connections:
            while not self._receive(connection):
                pass
        return answered / took

    def steady(self, rate: float, seconds: float) -> list[float]:
        """Milliseconds of every answer, from when its question was due. rate: questions a second.

        Where all connections wait for an answer, what is due waits too, and its time runs. What has no answer a second after
        the end counts with the time it has taken so far; the connections are good for nothing more then.
        """
        total, sent = int(rate * seconds), 0
        values: list[float] = []
        idle, begun = deque(self._connections), time.perf_counter() + 0.01
        until = begun + seconds + 1
        while len(values) < total and (now := time.perf_counter()) < until:
            while idle and sent < total and begun + sent / rate <= now:
                idle.popleft().send(self._question, begun + sent / rate)
                sent += 1
            wakes = begun + sent / rate if idle and sent < total else until
            waiting = [one for one in self._connections if one not in idle]
            # `select` waits by the microsecond, epoll by the millisecond.
            for connection in select.select(waiting, [], [], max(0.0, wakes - time.perf_counter()))[0]:
                if self._receive(connection):
                    values.append((time.perf_counter() - connection.due) * 1000)
                    idle.append(connection)
        late = [one.due for one in self._connections if one not in idle]
        late += [begun + number / rate for number in range(sent, total)]
        return values + [(until - due) * 1000 for due in late]

    def _receive(self, connection: Connection) -> bool:
        """Whether the answer is whole now. All are alike, so the length of the last one is tried before it is read."""
        came = connection.sock.recv(CHUNK)
        if not came:
            raise RuntimeError(f"the server hung up after {connection.received[:80]!r}")
        data = connection.received = connection.received + came if connection.received else came
        well = data.startswith(b"HTTP/1.1 200")
        if well and len(data) == self._whole:
            return True
        length = _length(data)
        if len(data) == length and not well:
            raise RuntimeError(f"the server answers {data!r}")
        self._whole = length or self._whole
        return len(data) == length


def _length(data: bytes) -> int | None:
    """How long an answer is, head and body; None where its head is not whole. Raises RuntimeError where it does not say."""
    head, end, _ = data.partition(b"\r\n\r\n")
    if not end:
        return None
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(head) + 4 + int(value)
    raise RuntimeError(f"the answer says no length: {head!r}")


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all, 0 to 1, does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
