"""One connection: the hot path, how large a request's head may be, how long it may take, and how it ends with the server."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pinset.api.connections import LINGER_SECONDS
from pinset.api.hot import Later
from pinset.api.origin import is_near
from pinset.api.problems import problem
from pinset.api.streams import STREAM

if TYPE_CHECKING:
    import asyncio

    from pinset.api.connections import Connections
    from pinset.api.hot import Hot

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a request's line and headers, which are kept before anybody knows who asks."""
HEAD_SECONDS: Final = 30.0
"""How long a request's head may take to be whole, from the connection or the answer before it on."""
STALL_SECONDS: Final = 30.0
"""How long a client may take nothing of an answer."""


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with the hot path ahead of it, a deadline for heads, and no wait for half-sent bodies at the end.

    The lifespan's state may hold ``hot``, which is asked first, ``connections``, which says whether there may be one more,
    and ``head_seconds`` and ``stall_seconds`` where they are others.
    """

    _connections: Connections | None = None
    """Where this one is counted."""
    _refused = False
    """Whether it is one too many: nothing that it sends is read."""
    _lingering: tuple[Connections, asyncio.TimerHandle] | None = None

    _deadline: asyncio.TimerHandle | None = None
    _since: float | None = None
    """When the wait for a head began; None while a request is being answered."""
    _unsent = (0, 0.0)
    """Bytes of answers that the client had not taken, and since when nothing of them moved."""
    _near = False
    _held: bytes | None = None
    """A request that waits for an answer that is being made anew, and what has arrived since."""
    _ending = False
    """Whether the server ends while a request waits: its answer is the last one."""
    _clean = False
    """Whether nothing is under way: the next byte is the first of a request, and its answer may be written at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        connections: Connections | None = self.app_state.get("connections")
        answer = connections.enter(self.client) if connections is not None else None
        if connections is not None and answer is not None:
            self._refuse(connections, answer)
            return
        self._connections = connections
        self._head_seconds: float = self.app_state.get("head_seconds", HEAD_SECONDS)
        self._stall_seconds: float = self.app_state.get("stall_seconds", STALL_SECONDS)
        self._hot: Hot | None = self.app_state.get("hot")
        self._near = is_near(self.client) and is_near(self.server)
        self._since, self._clean = self.loop.time(), True
        self._deadline = self.loop.call_later(self._head_seconds, self._look_at_clock)

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a request that the hot path answers, or of any."""
        if self._refused:
            return
        if self._held is not None:
            # More arrived while a request waits: its answer comes first.
            self._held += data
            if len(self._held) > HEAD_LIMIT:
                self.flow.pause_reading()
        elif self._clean and self._hot is not None and not self.flow.write_paused and not self.transport.is_closing():
            self._ask(self._hot, data)
        else:
            self._take(data)

    def _ask(self, hot: Hot, data: bytes) -> None:
        """Let the hot path answer, now or as soon as what it needs is made; else the ordinary way does."""
        found = hot.answer(data, self._more, near=self._near)
        if isinstance(found, Later):
            self._held, self._since = data, None
            hot.wait(found, self.loop, lambda: self._go_on(hot, len(data)))
        elif found is not None:
            self._write(found)
        else:
            self._take(data)

    def _go_on(self, hot: Hot, size: int) -> None:
        """Answer what was held: by the hot path if it can now, and what has arrived since the ordinary way."""
        data, self._held = self._held, None
        if data is None or self.transport.is_closing():
            return
        self._since = self.loop.time()
        found = hot.answer(data[:size], self._more, near=self._near)
        if isinstance(found, tuple):
            self._write(found)
            data = data[size:]
        self.flow.resume_reading()
        if data:
            self._take(data)
        if self._ending:
            self.shutdown()

    def _write(self, pieces: tuple[bytes, ...]) -> None:
        self.transport.write(b"".join(pieces))
        self.server_state.total_requests += 1
        self._since, self._unsent = self.loop.time(), (0, 0.0)

    def _take(self, data: bytes) -> None:
        """Take bytes the ordinary way."""
        self._clean = False
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._since = None

    def on_response_complete(self) -> None:
        """Wait for the next head, as long as for the first one."""
        self._unsent = (0, 0.0)
        super().on_response_complete()
        self._unset_keepalive_if_required()
        if self.conn.their_state is h11.IDLE:
            self._since = self.loop.time()
            self._clean = not self.conn.trailing_data[0]

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._connections is not None:
            self._connections.leave(self.client)
            self._connections = None
        if self._lingering is not None:
            connections, timer = self._lingering
            timer.cancel()
            connections.let_go()
            self._lingering = None
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End: at once, unless a whole request is being answered."""
        if self._refused:
            self.transport.abort()
            return
        if self._held is not None:
            self._ending = True
            return
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and STREAM in cycle.scope and not cycle.response_complete:
            self.transport.abort()  # it has no end, and its client goes on elsewhere from where it was
            return
        if cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started):
            self._hang_up()
        else:
            cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP or has a head over the limit; where an answer has begun, hang up.

        What follows a whole request that is the last one is nothing: its answer goes on.
        """
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                self.flow.pause_reading()
                return
            # This is the answer to the request that is under way too.
            cycle.disconnected = True
            cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        hint = f"send HTTP/1.1 with one Host, and a head of at most {HEAD_LIMIT:,} bytes"
        answer = problem(400, "invalid_request", msg, hint=hint)
        headers = [*answer.raw_headers, (b"connection", b"close")]
        events: list[Any] = [
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _more(self) -> bytes:
        """The lines that uvicorn adds to every answer; they change once a second."""
        lines = self.server_state.default_headers
        kept = self.server_state.__dict__.get("pinset_lines")
        if kept is None or kept[0] is not lines:
            kept = (lines, b"".join(b"%b: %b\r\n" % line for line in lines))
            self.server_state.__dict__["pinset_lines"] = kept
        return kept[1]

    def _look_at_clock(self) -> None:
        if self._is_stalled():
            self.transport.abort()  # closing would wait for the client
            return
        left = self._head_seconds if self._since is None else self._since + self._head_seconds - self.loop.time()
        if left <= 0:
            self._hang_up()
            left = self._stall_seconds
        self._deadline = self.loop.call_later(left, self._look_at_clock)

    def _is_stalled(self) -> bool:
        """Whether the client has taken nothing of an answer for too long."""
        now, unsent = self.loop.time(), self.transport.get_write_buffer_size()
        if not unsent or unsent != self._unsent[0]:
            self._unsent = unsent, now
        return now - self._unsent[1] >= self._stall_seconds

    def _refuse(self, connections: Connections, answer: bytes) -> None:
        """Say that there are too many, and end. To close at once could take the answer back from a client that is sending."""
        self._refused = True
        if connections.linger():
            self._lingering = connections, self.loop.call_later(LINGER_SECONDS, self.transport.abort)
            self.transport.write(answer)
            self.transport.write_eof()
        else:
            self.transport.abort()

    def _hang_up(self) -> None:
        with suppress(h11.LocalProtocolError):  # the client may have left the rules before
            self.conn.send(h11.ConnectionClosed())
        self.transport.close()
