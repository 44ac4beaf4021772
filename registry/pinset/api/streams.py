"""A stream of server-sent events as an answer: a greeting, what was missed, then what happens, with a beat in between."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response

from pinset.api.follower import PIECE_BYTES, Follower, Told
from pinset.services.events import greeting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send

    from pinset.api.hub import Hub
    from pinset.api.watch import Watch
    from pinset.domain.following import Wanted

STREAM: Final = "pinset.stream"
"""Set in the scope of a request whose answer has no end: nobody waits for it when the server stops."""
MEDIA_TYPE: Final = "text/event-stream"
_HEADERS: Final = (
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)


class EventStream(Response):
    """Sends events until the client leaves. Raises Busy, and what reading the registry raises, before it begins.

    after: the serial that the client has. wait: seconds without an event after which it ends, None for never. beat: at
    most so many seconds pass without a byte. lasts: seconds after which it ends in any case, None for never.
    """

    def __init__(
        self,
        hub: Hub,
        watch: Watch,
        wanted: Wanted,
        *,
        after: int | None,
        wait: float | None,
        beat: float,
        lasts: float | None = None,
    ) -> None:
        super().__init__()
        self._hub = hub
        self._watch = watch
        self._wanted = wanted
        self._after = after
        self._wait = wait
        self._beat = beat
        self._lasts = lasts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer. It holds little: a place in the hub, and a task that notices when the client leaves."""
        with self._hub.seat():
            scope[STREAM] = True
            await self._hub.begun()
            await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
            follower = Follower(self._wanted, dropping(receive))
            if not scope.get("pinset.bodiless"):
                leaving = asyncio.create_task(_left(receive, follower))
                lasts = self._lasts
                ending = None if lasts is None else asyncio.get_running_loop().call_later(lasts, follower.end)
                try:
                    with self._watch.over(_authorization(scope), follower):
                        await self._stream(_Line(send, follower, 2 * self._beat))
                finally:
                    self._hub.leave(follower)
                    leaving.cancel()
                    if ending is not None:
                        ending.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, line: _Line) -> None:
        hub, follower = self._hub, line.follower
        at = hub.at if self._after is None else self._after
        await line.send(line.retry(hub.retry) + b"\n" + Told.of(greeting(hub.head, at)).text)
        at = await self._replayed(line, at)
        if follower.over:
            return
        hub.join(follower, at)
        now = asyncio.get_running_loop().time
        quiet, beat = now(), now() + self._pause()
        while not follower.over:
            if now() >= beat:
                await line.send(_beat(hub, line))
                beat = now() + self._pause()
            text = follower.take()
            if text:
                await line.send(text)
                quiet = now()
            elif self._wait is not None and now() >= quiet + self._wait:
                return
            else:
                await follower.wait(min(beat, quiet + self._wait if self._wait is not None else beat) - now())

    async def _replayed(self, line: _Line, at: int) -> int:
        """Send what came after a serial. The serial from which on the hub has it all; nothing awaits in between."""
        checked = False
        while not line.follower.over:
            if self._hub.knows(at):
                at, texts = self._hub.after(at, self._wanted)
                if at == self._hub.at and not texts:
                    return at
            elif checked and at > self._hub.at:
                return at  # another process saw it first
            else:
                batch = await self._hub.page(at)
                texts = [Told.of(event).text for event in batch.events if self._wanted.includes(event)]
                at, checked = batch.position, True
            for piece in _pieces(texts):
                await line.send(piece)
        return at

    def _pause(self) -> float:
        return self._beat * random.uniform(0.8, 1.0)  # noqa: S311 - spreads the beats, hides nothing


class _Line:
    """Sends to one client, who is cut off if it takes nothing for some seconds."""

    def __init__(self, send: Send, follower: Follower, seconds: float) -> None:
        self.follower = follower
        self._send = send
        self._seconds = seconds
        self._retry = 0

    async def send(self, text: bytes) -> None:
        timer = asyncio.get_running_loop().call_later(self._seconds, self.follower.cut)
        try:
            await self._send({"type": "http.response.body", "body": text, "more_body": True})
        finally:
            timer.cancel()

    def retry(self, milliseconds: int) -> bytes:
        """When to come back after an end, where that is not what was said last."""
        before, self._retry = self._retry, milliseconds
        return b"" if milliseconds == before else b"retry: %d\n" % milliseconds


def _beat(hub: Hub, line: _Line) -> bytes:
    follower = line.follower
    upto = b"" if follower.behind else b"id: %d\n" % max(hub.at, follower.at)
    return b": beat\n" + line.retry(hub.retry) + upto + b"\n"


def _pieces(texts: list[bytes]) -> Iterator[bytes]:
    """Texts put together, but so that a client that takes none has little of ours."""
    piece = b""
    for text in texts:
        piece += text
        if len(piece) >= PIECE_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


async def _left(receive: Receive, follower: Follower) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    follower.end()


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode("latin-1"))
    return None


def dropping(receive: Receive) -> Callable[[], None]:
    """What ends a connection at once: to close one whose client reads nothing would wait for that client for ever.

    ASGI has no word for it, so it is found at uvicorn's own end of the request; elsewhere the stream just ends.
    """
    transport: Any = getattr(getattr(receive, "__self__", None), "transport", None)
    abort = getattr(transport, "abort", None)
    return abort if callable(abort) else lambda: None
