"""Sets of flags that are ready: after a move every web provider asks for the same one, all at once."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.concurrency import run_in_threadpool

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from pinset.ports.catalog import Mark

ROOM: Final = 64 * 1024 * 1024
"""Bytes of sets that are kept."""
TICKETS: Final = 10_000
"""Credentials whose tickets are remembered."""


class Flags(NamedTuple):
    """The flags of one set as JSON, without what is around them. seal: a hash of them. whole: none of them is a failure."""

    text: bytes
    seal: str
    whole: bool = True


class Sets:
    """Sets by who may read what of them, each for as long as nothing became visible. Lives on one event loop.

    However many ask for one, it is made once, in one thread; the others wait in none.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[Hashable, tuple[Mark, Flags]] = OrderedDict()
        self._size = 0
        self._making: dict[Hashable, tuple[Mark | None, asyncio.Task[Flags]]] = {}
        self._tickets: dict[str, str | None] = {}

    async def find(self, key: Hashable, mark: Mark | None, make: Callable[[], Flags]) -> Flags:
        """A set, made where it is not ready. mark: what is visible now. Raises what ``make`` raises."""
        kept, making = self._kept.get(key), self._making.get(key)
        if mark is not None and kept is not None and kept[0] == mark:
            self._kept.move_to_end(key)
            return kept[1]
        # What is read is never older than the mark before it: where it is newer, the mark has moved too.
        if making is None or mark is None or making[0] != mark:
            making = self._making[key] = (mark, asyncio.create_task(self._make(key, mark, make)))
            making[1].add_done_callback(lambda task: self._made(key, task))
        return await asyncio.shield(making[1])

    async def ticket(self, via: str, read: Callable[[str], str | None]) -> str | None:
        """The ticket of a credential, which is always the same."""
        if via not in self._tickets:
            found = await run_in_threadpool(read, via)
            if len(self._tickets) >= TICKETS:
                self._tickets.clear()
            self._tickets[via] = found
        return self._tickets[via]

    async def _make(self, key: Hashable, mark: Mark | None, make: Callable[[], Flags]) -> Flags:
        made = await run_in_threadpool(make)
        newest = self._making.get(key)
        if newest is None or newest[1] is not asyncio.current_task():
            return made  # one that began later is, or will be, kept
        self._drop(key)
        if mark is not None and made.whole:
            self._kept[key] = (mark, made)
            self._size += len(made.text)
        while self._size > self._room:
            self._drop(next(iter(self._kept)))
        return made

    def _made(self, key: Hashable, task: asyncio.Task[Flags]) -> None:
        if not task.cancelled():
            task.exception()  # whoever waits is told; where nobody does any longer, nobody needs to be
        if key in self._making and self._making[key][1] is task:
            del self._making[key]

    def _drop(self, key: Hashable) -> None:
        gone = self._kept.pop(key, None)
        self._size -= 0 if gone is None else len(gone[1].text)
