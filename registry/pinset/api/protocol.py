"""One connection: how large a request's head may be, how long it may take, and how it ends when the server stops."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pinset.api.problems import problem
from pinset.api.streams import STREAM

if TYPE_CHECKING:
    import asyncio

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a request's line and headers, which are kept before anybody knows who asks."""
HEAD_SECONDS: Final = 30.0
"""How long a request's head may take to be whole, from the connection or its first byte on."""


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a deadline for heads, and without a wait for bodies that are half sent at the end."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the deadline runs while a head is not whole, and every answer begins it anew."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._cancel_deadline()
        elif self._deadline is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any longer."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End: at once, unless a whole request is being answered."""
        cycle: Any = self.cycle  # None before the first request
        if cycle is not None and STREAM in cycle.scope and not cycle.response_complete:
            self.transport.abort()  # it has no end, and its client goes on elsewhere from where it was
            return
        if cycle is None or cycle.response_complete or (cycle.more_body and not cycle.response_started):
            self._hang_up()
        else:
            cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP or has a head over the limit; where an answer has begun, hang up."""
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

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        with suppress(h11.LocalProtocolError):  # the client may have left the rules before
            self.conn.send(h11.ConnectionClosed())
        self.transport.close()
