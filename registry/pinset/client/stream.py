"""Server-sent events over a connection of its own, which another thread can end at any moment."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from pinset.client.requests import headers_of
from pinset.client.source import CONNECT_SECONDS
from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.client.source import Event

FIRST_EVENT_SECONDS: Final = 10.0
"""Within them ``ready`` is there, or something on the way keeps events back."""
SILENT_SECONDS: Final = 45.0
"""Three beats of the registry: after them nobody is there."""
LONGEST_LINE: Final = 1024 * 1024
_INHERITED: Final[list[HttpStream]] = []


class HttpStream:
    """Events of ``GET /v1/events``. It connects when it is iterated."""

    def __init__(self, address: str, token: str | None, bundles: frozenset[str], after: int | None) -> None:
        self._address = address
        query = urlencode({"bundle": ",".join(sorted(bundles))}, safe=",") if bundles else ""
        self._path = urlsplit(address).path + "/v1/events" + (f"?{query}" if query else "")
        self._headers = {**headers_of(token), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after is not None:
            self._headers["Last-Event-ID"] = str(after)
        self._socket: socket.socket | None = None
        self._closed = False

    def __iter__(self) -> Iterator[Event]:
        """The events as they come. Raises Unavailable where no registry sends them, or nothing comes for too long."""
        try:
            yield from events_of(self._lines())
        except (OSError, http.client.HTTPException, ValueError) as error:
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

    def _lines(self) -> Iterator[str]:
        until = time.monotonic() + FIRST_EVENT_SECONDS
        with closing(self._connect()) as connection:
            connection.request("GET", self._path, headers=self._headers)
            with closing(connection.getresponse()) as response:
                kind = response.headers.get("content-type", "")
                if response.status != 200 or not kind.startswith("text/event-stream"):
                    raise self._gone(f"it answered {response.status}")
                waiting = True
                while line := response.readline(LONGEST_LINE):
                    if waiting and time.monotonic() > until:
                        raise self._gone("no event came")
                    if waiting and line.startswith(b"data:"):
                        waiting = False
                        self._patience(SILENT_SECONDS)
                    yield _text(line)

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


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """The events that lines of ``text/event-stream`` make up, and ``beat`` for a serial without one.

    Raises ValueError for what a registry does not send.
    """
    kind, serial, data, numbered = "", 0, list[str](), False
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "id":
            serial, numbered = int(value), True
        elif name == "data":
            data.append(value)
        elif not line and (data or numbered):
            yield {"event": kind if data else "beat", "serial": serial, "data": _object("\n".join(data) or "{}")}
            kind, data, numbered = "", [], False


def _text(line: bytes) -> str:
    if not line.endswith(b"\n"):
        raise ValueError("a line has no end")
    return line.decode().rstrip("\r\n")


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("an event is no object")
    return found
