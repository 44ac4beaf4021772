"""Connections to an application without a socket: bytes go in, and what the server writes is kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from uvicorn import Config
from uvicorn.server import ServerState

from pinset.api.protocol import HEAD_LIMIT, Protocol

if TYPE_CHECKING:
    from pinset.api.hot import Hot


@dataclass(frozen=True)
class Answer:
    """One answer as it was written. headers: by name in small letters, but for the date."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line(asyncio.Transport):
    """A connection that keeps what is written. peer: the address of who is at its other end."""

    def __init__(self, peer: tuple[str, int] = ("127.0.0.1", 40000)) -> None:
        super().__init__({"peername": peer, "sockname": ("127.0.0.1", 7467)})
        self.written = b""
        self.closed = self.aborted = False
        self.unsent = 0

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Wire:
    """A client's end of one connection. hot: what the server asks first, if anything."""

    def __init__(
        self, app: Any, loop: asyncio.AbstractEventLoop, hot: Hot | None = None, peer: tuple[str, int] | None = None
    ) -> None:
        self.loop, self.state = loop, ServerState()
        config = Config(
            app, interface="asgi3", http=Protocol, ws="none", log_config=None, lifespan="off",
            h11_max_incomplete_event_size=HEAD_LIMIT,
        )  # fmt: skip
        self.line = Line(peer) if peer else Line()
        self.protocol = Protocol(config, self.state, {"hot": hot} if hot else {}, loop)
        self.protocol.connection_made(self.line)

    def send(self, data: bytes) -> bytes:
        """Everything that is written until all is answered."""
        self.line.written = b""
        self.protocol.data_received(data)
        self.settle()
        return self.line.written

    def settle(self) -> None:
        """Wait until nothing is being answered."""
        for _ in range(3000):
            if not self.state.tasks and self.protocol._held is None:
                return
            self.loop.run_until_complete(asyncio.sleep(0.001))
        raise AssertionError("an answer has no end")

    def ask(self, data: bytes, *, bodiless: bool = False) -> Answer:
        """The one answer to a request."""
        return parsed(self.send(data), bodiless=bodiless)

    def close(self) -> None:
        self.protocol.connection_lost(None)


def parsed(written: bytes, *, bodiless: bool = False) -> Answer:
    """What was written, as one answer of which nothing is missing and nothing left over."""
    head, _, body = written.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(": ")
        assert name.lower() not in headers, f"{name} is there twice"
        headers[name.lower()] = value
    number = int(status.split()[1])
    if not bodiless and number != 304:
        assert len(body) == int(headers["content-length"])
    headers.pop("date", None)
    return Answer(number, headers, body)


def request(target: str, *lines: str, method: str = "GET", host: str = "localhost") -> bytes:
    """The bytes of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode("latin-1")
