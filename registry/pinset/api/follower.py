"""One stream's end in the hub: what it is still to be sent, within bounds.

Who reads too slowly is cut off, and goes on later from the serial it had.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.following import Wanted

HELD: Final = 1000
HELD_BYTES: Final = 1024 * 1024
"""How far a stream may be behind. Streams share the bytes of an event."""
PIECE_BYTES: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and the bytes that tell it."""

    event: EventAnswer
    text: bytes

    @classmethod
    def of(cls, event: EventAnswer) -> Told:
        """Written once, for every stream."""
        data = json.dumps(event["data"], ensure_ascii=False, separators=(",", ":"))
        return cls(event, f"event: {event['event']}\nid: {event['serial']}\ndata: {data}\n\n".encode())


class Follower:
    """One stream's end in the hub: what it is still to be sent.

    at: the serial up to which it has been told. drop: ends its connection at once.
    """

    __slots__ = ("_drop", "_held", "_size", "_waiting", "at", "over", "wanted")

    def __init__(self, wanted: Wanted, drop: Callable[[], None]) -> None:
        self.wanted = wanted
        self.at = 0
        self.over = False
        self._drop = drop
        self._held: deque[bytes] = deque()
        self._size = 0
        self._waiting: asyncio.Future[None] | None = None

    def tell(self, told: Told) -> None:
        """Hold an event until it is sent. Whoever has too many is cut off."""
        if self.over or (told.event["serial"] <= self.at and told.event["event"] != "reset"):
            return
        self.at = told.event["serial"]
        self._held.append(told.text)
        self._size += len(told.text)
        if len(self._held) > HELD or self._size > HELD_BYTES:
            self.cut()
        self._wake()

    @property
    def behind(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._held)

    def take(self) -> bytes:
        """The next piece to send; empty where there is none."""
        pieces, size = [], 0
        while self._held and size < PIECE_BYTES:
            pieces.append(self._held.popleft())
            size += len(pieces[-1])
        self._size -= size
        return b"".join(pieces)

    async def wait(self, seconds: float) -> None:
        """Until there is something to send, or it is over, but no longer than this."""
        if self._held or self.over:
            return
        loop = asyncio.get_running_loop()
        self._waiting = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waiting
        finally:
            timer.cancel()
            self._waiting = None

    def cut(self) -> None:
        """End the stream and its connection now, whatever is unsent."""
        self.end()
        self._held.clear()
        self._size = 0
        self._drop()

    def end(self) -> None:
        """Nothing more is to be sent."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
