"""One look for all: a worker process reads what is new once, and passes it to every stream that wants it.

What is kept for who comes back is bounded; what each stream is still to be sent is its `Follower`'s.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Protocol

from anyio import to_thread

from pinset.api.follower import Told
from pinset.errors import Busy, PinsetError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.api.follower import Follower
    from pinset.domain.following import Wanted
    from pinset.ports.catalog import Head, Mark
    from pinset.services.events import Batch

LOOK_SECONDS: Final = 0.015
"""Between two looks at the mark, while anybody follows."""
MARKLESS_SECONDS: Final = 0.25
"""Between two looks into a catalog that has no mark, or that could not be read."""
KEPT: Final = 1000
KEPT_BYTES: Final = 1024 * 1024
"""How many of the newest events are kept for who comes back, and how large they may be together."""
FIRST: Final = 200
"""Serials before the newest that are kept from the start: after a restart everybody comes back at once."""
_BURST: Final = 64 * 1024
"""Bytes that are told before the streams have a turn to send them."""
_SLICE: Final = 100
RETRY_EACH: Final = 100
RETRY_LEAST: Final = 1000
RETRY_MOST: Final = 100_000
"""Milliseconds that a stream stays away once it has ended: of all together some ten come back in a second."""
_REPLAYS: Final = 2
"""Pages for streams that are far behind, read at the same time."""


class Source(Protocol):
    """What a hub reads: see `services.local.LocalRegistry`."""

    def mark(self) -> Mark | None:
        """What is visible now."""

    def events_since(self, after: int | None) -> Batch:
        """A page of events."""


class Hub:
    """All streams of one process. Looks at the registry only while there are any. Lives on one event loop.

    most: streams at a time. workers: processes that have about as many each.
    """

    def __init__(self, source: Source, *, most: int, workers: int = 1) -> None:
        self._source = source
        self._most = most
        self._workers = workers
        self._seated = 0
        self._followers: dict[Wanted, set[Follower]] = {}
        self._task: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None
        self._replaying = asyncio.Semaphore(_REPLAYS)
        self._kept: deque[Told] = deque()
        self._kept_size = 0
        self._head: Head | None = None
        self.floor = 0
        self.at = 0

    @property
    def head(self) -> Head:
        """The newest write that was seen. Only while somebody is seated."""
        if self._head is None:
            raise AssertionError("the hub has not begun")
        return self._head

    @property
    def seated(self) -> int:
        """How many streams there are."""
        return self._seated

    @property
    def retry(self) -> int:
        """Milliseconds within which a client should come back when its stream ends: more, the more of them there are."""
        return min(max(self._seated * self._workers * RETRY_EACH, RETRY_LEAST), RETRY_MOST)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place for one stream. Raises Busy where all are taken."""
        if self._seated >= self._most:
            raise Busy(
                "the server has as many streams as it takes", hint="ask now and then instead, or come back later"
            )
        self._seated += 1
        try:
            yield
        finally:
            self._seated -= 1

    async def begun(self) -> None:
        """Wait until the hub knows where the registry stands. Raises what reading it raises."""
        if self._task is None or self._task.done():
            self._begun = asyncio.get_running_loop().create_future()
            self._task = asyncio.create_task(self._run(self._begun), name="pinset-events")
        if self._begun is not None:
            await asyncio.shield(self._begun)

    def knows(self, at: int) -> bool:
        """Whether everything after a serial is kept here."""
        return self.floor <= at <= self.at

    def after(self, at: int, wanted: Wanted) -> tuple[int, list[bytes]]:
        """Some of what is kept after a serial, and up to where that is; the hub's own serial where it is the rest."""
        newer = [told for told in self._kept if told.event["serial"] > at]
        if len(newer) <= _SLICE:
            return self.at, [told.text for told in newer if wanted.includes(told.event)]
        newer = newer[:_SLICE]
        return newer[-1].event["serial"], [told.text for told in newer if wanted.includes(told.event)]

    async def page(self, after: int) -> Batch:
        """A page out of the catalog, for who is further behind than what is kept. Raises what reading raises."""
        async with self._replaying:
            return await to_thread.run_sync(self._source.events_since, after)

    def join(self, follower: Follower, at: int) -> None:
        """From now on a follower is told everything it wants after a serial. It is over where nobody looks any longer."""
        follower.at = at
        if self._task is None or self._task.done():
            follower.end()
            return
        self._followers.setdefault(follower.wanted, set()).add(follower)

    def leave(self, follower: Follower) -> None:
        """A stream has ended."""
        others = self._followers.get(follower.wanted, set())
        others.discard(follower)
        if not others:
            self._followers.pop(follower.wanted, None)

    async def _run(self, begun: asyncio.Future[None]) -> None:
        try:
            mark = self._source.mark()
            await self._begin()
            if not begun.done():
                begun.set_result(None)
            while self._seated:
                await asyncio.sleep(LOOK_SECONDS if mark is not None else MARKLESS_SECONDS)
                now = self._source.mark()
                if now is None or now != mark:
                    mark = now if await self._caught_up() else None
        except PinsetError as error:
            if not begun.done():
                begun.set_exception(error)
        finally:
            # Streams that nobody feeds must not look alive.
            if not begun.done():
                begun.set_exception(Unavailable("what happens cannot be told", hint="come back later"))
            for follower in self._everybody():
                follower.end()

    async def _begin(self) -> None:
        batch = await to_thread.run_sync(self._source.events_since, None)
        first = max(0, batch.position - FIRST)
        self._kept.clear()
        self._kept_size, self._head, self.floor, self.at = 0, batch.head, first, first
        while not (batch := await to_thread.run_sync(self._source.events_since, self.at)).whole:
            await self._take(batch)
        await self._take(batch)

    async def _caught_up(self) -> bool:
        """Read what is new and tell it; whether that could be done."""
        with suppress(PinsetError):
            while True:
                batch = await to_thread.run_sync(self._source.events_since, self.at)
                await self._take(batch)
                if batch.whole:
                    return True
        return False

    async def _take(self, batch: Batch) -> None:
        self._head, size = batch.head, 0
        for event in batch.events:
            told = Told.of(event)
            self._tell(told)
            size += len(told.text)
            if size >= _BURST:
                size = 0
                await asyncio.sleep(0)
        self.at = batch.position

    def _tell(self, told: Told) -> None:
        if told.event["event"] == "reset":
            self._kept.clear()
            self._kept_size, self.floor = 0, told.event["serial"]
        else:
            self._keep(told)
        self.at = told.event["serial"]  # streams may join half way through a page
        for wanted, followers in list(self._followers.items()):
            if wanted.includes(told.event):
                for follower in list(followers):
                    follower.tell(told)

    def _keep(self, told: Told) -> None:
        self._kept.append(told)
        self._kept_size += len(told.text)
        while len(self._kept) > KEPT or self._kept_size > KEPT_BYTES:
            gone = self._kept.popleft()
            self._kept_size -= len(gone.text)
            self.floor = gone.event["serial"]

    def _everybody(self) -> list[Follower]:
        return [follower for followers in self._followers.values() for follower in followers]
