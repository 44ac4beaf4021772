"""Server-sent events over a connection of its own, which another thread can end at any moment."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from pinset.client.requests import headers_of
from pinset.client.source import CONNECT_SECONDS
from pinset.client.sse import blocks
from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.client.source import Event
    from pinset.client.sse import Block

FIRST_EVENT_SECONDS: Final = 10.0
"""Within them ``ready`` is there, or something on the way keeps events back."""
SILENT_SECONDS: Final = 45.0
"""Three beats of the registry: after them nobody is there."""
_PIECE_BYTES: Final = 64 * 1024
_INHERITED: Final[list[HttpStream]] = []


class HttpStream:
    """Events of ``GET /v1/events``. It connects when it is iterated."""

    def __init__(self, address: str, token: str | None, bundles: frozenset[str], after: int | None) -> None:
        self._address = address
        query = urlencode({"bundle": ",".join(sorted(bundles))}, safe=",") if bundles else ""
        self._path = urlsplit(address).path + "/v1/events" + (f"?{query}" if query else "")
        self._headers = {**headers_of(token), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        self._headers["Accept-Encoding"] = "identity"
        if after is not None:
            self._headers["Last-Event-ID"] = str(after)
        self._socket: socket.socket | None = None
        self._closed = False
        self._waiting = True
        """Whether no event came yet."""
        self.retry: float | None = None
        """See `pinset.client.source.Stream`."""

    def __iter__(self) -> Iterator[Event]:
        """The events as they come. Raises Unavailable where no registry sends them, or nothing comes for too long."""
        try:
            for block in blocks(self._pieces()):
                if block.retry is not None:
                    self.retry = block.retry / 1000
                event = event_of(block)
                if event is not None:
                    self._heard()
                    yield event
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            if not self._closed:
                raise self._gone(str(error) or type(error).__name__) from error

    def close(self) -> None:
        """End it; whoever reads sees its end at once. For any thread, idempotent."""
        self._closed = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def forked(self) -> None:
        """In a copy of the process: leave the connection to the other one, whose end of it stays open."""
        _INHERITED.append(self)
        if self._socket is not None:
            with suppress(OSError):
                os.close(self._socket.detach())

    def _pieces(self) -> Iterator[bytes]:
        until = time.monotonic() + FIRST_EVENT_SECONDS
        with closing(self._connect()) as connection:
            connection.request("GET", self._path, headers=self._headers)
            with closing(connection.getresponse()) as response:
                kind = response.headers.get("content-type", "")
                if response.status != 200 or not kind.startswith("text/event-stream"):
                    raise self._gone(f"it answered {response.status}")
                while piece := response.read1(_PIECE_BYTES):
                    yield piece
                    if self._waiting and time.monotonic() > until:
                        raise self._gone("no event came")

    def _heard(self) -> None:
        if self._waiting:
            self._waiting = False
            self._patience(SILENT_SECONDS)

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._address)
        if parts.scheme == "https":
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                parts.hostname or "", parts.port, timeout=CONNECT_SECONDS, context=ssl.create_default_context()
            )
        else:
            made = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=CONNECT_SECONDS)
        made.connect()
        made.auto_open = 0
        self._socket = made.sock
        self._patience(FIRST_EVENT_SECONDS)
        if self._closed:
            made.close()
            raise OSError("it was closed meanwhile")
        return made

    def _patience(self, seconds: float) -> None:
        if self._socket is not None:
            self._socket.settimeout(seconds)

    def _gone(self, why: str) -> Unavailable:
        return Unavailable(f"{self._address} sends no events: {why}", hint="see what stands between it and this client")


def event_of(block: Block) -> Event | None:
    """The event that a block is, ``beat`` for a serial without one; None of a comment.

    Raises ValueError for what a registry does not send.
    """
    if not block.data and block.id is None:
        return None
    data: object = json.loads(block.data or "{}")
    if not isinstance(data, dict):
        raise ValueError("an event is no object")
    return {"event": block.event if block.data else "beat", "serial": int(block.id or ""), "data": data}
