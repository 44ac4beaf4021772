"""A connection before there is a request: heads that are too large or never whole, and the end of the server."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from wires import Line

from pinset.api.protocol import HEAD_LIMIT, HEAD_SECONDS, STALL_SECONDS, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
HALF = b"POST /v1/resolve HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{"


class Handle:
    """A timer that fires when the test says."""

    def __init__(self, due: float, work: Callable[[], None]) -> None:
        self.due, self.work, self.cancelled = due, work, False

    def cancel(self) -> None:
        self.cancelled = True


class Peer:
    """A client of one connection, with the timers that the server set for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = loop
        self.timers: list[Handle] = []
        self.now = 1000.0
        self.reads = True
        """Whether the application reads bodies."""
        monkeypatch.setattr(loop, "call_later", self._later)
        monkeypatch.setattr(loop, "time", lambda: self.now)
        config = Config(
            self._app,
            interface="asgi3",
            http=Protocol,
            ws="none",
            log_config=None,
            h11_max_incomplete_event_size=HEAD_LIMIT,
            lifespan="off",
        )
        self.state = ServerState()
        self.line = Line()
        self.protocol = Protocol(config, self.state, {}, loop)
        self.protocol.connection_made(self.line)

    def _later(self, seconds: float, work: Callable[[], None]) -> Handle:
        self.timers.append(Handle(self.now + seconds, work))
        return self.timers[-1]

    def running(self) -> list[Handle]:
        return [timer for timer in self.timers if not timer.cancelled]

    async def _app(self, _scope: Any, receive: Any, send: Any) -> None:
        while self.reads:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def wait(self, seconds: float) -> None:
        """Let time pass, and the one timer fire if it is due."""
        self.now += seconds
        (timer,) = self.running()
        if timer.due <= self.now:
            timer.cancelled = True
            timer.work()

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)
        self.turn()

    def turn(self) -> None:
        for _ in range(5):
            self.loop.run_until_complete(asyncio.sleep(0))


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    loop = asyncio.new_event_loop()
    made = Peer(loop, monkeypatch)
    yield made
    made.protocol.connection_lost(None)
    loop.run_until_complete(asyncio.sleep(0))
    for task in list(made.state.tasks):
        loop.run_until_complete(task)
    loop.close()


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTT", HEAD[:-2]])
def test_a_head_that_is_never_whole_ends_the_connection(peer: Peer, sent: bytes) -> None:
    for byte in sent:
        peer.send(bytes([byte]))
        peer.wait(0.1)
    assert not peer.line.closed
    peer.wait(HEAD_SECONDS)
    assert (peer.line.closed, peer.line.written) == (True, b"")


def test_every_answer_begins_the_wait_for_the_next_head_anew(peer: Peer) -> None:
    for _ in range(3):
        peer.wait(HEAD_SECONDS - 1)
        peer.send(HEAD[:9])
        peer.send(HEAD[9:])
    assert peer.line.written.count(b"HTTP/1.1 200") == 3
    assert not peer.line.closed
    peer.wait(HEAD_SECONDS - 1)
    assert not peer.line.closed
    peer.wait(1)
    assert peer.line.closed


def test_a_connection_that_ends_leaves_no_timer(peer: Peer) -> None:
    peer.send(HEAD)
    peer.protocol.connection_lost(None)
    assert peer.running() == []


def test_who_takes_nothing_of_an_answer_is_cut_off(peer: Peer) -> None:
    peer.send(HEAD)
    peer.line.unsent = 7
    peer.wait(HEAD_SECONDS)
    assert (peer.line.closed, peer.line.aborted) == (True, False)
    peer.wait(STALL_SECONDS)
    assert peer.line.aborted


def test_who_takes_an_answer_slowly_gets_all_of_it(peer: Peer) -> None:
    peer.send(HEAD)
    for unsent in range(9, 0, -1):
        peer.line.unsent = unsent
        peer.wait(HEAD_SECONDS)
    assert not peer.line.aborted


def test_a_head_over_the_limit_is_refused_and_not_kept(peer: Peer) -> None:
    parts = 0
    peer.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
    while not peer.line.closed and parts < 100:
        peer.send(b"x" * 4096)
        parts += 1
    assert parts == HEAD_LIMIT // 4096
    head, _, body = peer.line.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "invalid_request"


@pytest.mark.parametrize(
    "lines", [b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n"]
)
def test_what_can_be_read_in_two_ways_is_refused(peer: Peer, lines: bytes) -> None:
    peer.send(b"POST / HTTP/1.1\r\n" + lines + b"\r\n")
    assert peer.line.written.startswith(b"HTTP/1.1 400 ")
    assert peer.line.closed


def test_nonsense_in_a_body_is_refused(peer: Peer) -> None:
    peer.send(HALF.replace(b"Content-Length: 10", b"Transfer-Encoding: chunked"))
    peer.send(b"zz\r\n")
    assert peer.line.closed
    assert peer.line.written.startswith(b"HTTP/1.1 400 ")


def test_what_follows_the_last_request_spoils_no_answer(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.protocol.data_received(HEAD[:-2] + b"Connection: close\r\n\r\n" + HEAD)
    peer.protocol.data_received(HEAD)
    peer.turn()
    assert peer.line.written.startswith(b"HTTP/1.1 200 ")
    assert (peer.line.written.count(b"HTTP/1.1"), peer.line.closed) == (1, True)
    assert [record for record in caplog.records if record.exc_info] == []


def test_nonsense_in_a_body_that_nobody_reads_is_no_bug(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    peer.reads = False
    peer.protocol.data_received(HEAD[:-2] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    peer.turn()
    assert peer.line.written.startswith(b"HTTP/1.1 400 ")
    assert (peer.line.written.count(b"\r\n\r\n"), peer.line.closed) == (1, True)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("sent", [b"", HEAD[:9], HALF, HEAD, b"nonsense\r\n\r\n"])
def test_the_end_waits_for_no_client(peer: Peer, sent: bytes) -> None:
    peer.send(sent) if sent else None
    peer.protocol.shutdown()
    assert peer.line.closed


def test_the_end_waits_for_an_answer(peer: Peer) -> None:
    peer.protocol.data_received(HEAD)
    peer.protocol.shutdown()
    assert not peer.line.closed
    peer.turn()
    assert peer.line.written.endswith(b"ok")
    assert peer.line.closed
