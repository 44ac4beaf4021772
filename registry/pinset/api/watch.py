"""Who is told what happens only for as long as their credential counts: streams go on for hours, tokens may not."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from pinset.errors import PermissionDenied, PinsetError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.api.admissions import Admissions

SECONDS: Final = 1.0
"""Between two looks."""


class Ending(Protocol):
    """What goes on for long."""

    def end(self) -> None:
        """End it now. Idempotent."""
        ...


class Watch:
    """All streams of one process by their credential: each is looked at about once a second, however many share it.

    Lives on one event loop, and works only while there are streams.
    """

    def __init__(self, admissions: Admissions, seconds: float = SECONDS) -> None:
        self._admissions, self._seconds = admissions, seconds
        self._followers: dict[str | None, set[Ending]] = {}
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def over(self, authorization: str | None, follower: Ending) -> Iterator[None]:
        """A stream that ends as soon as its header is no longer good."""
        self._followers.setdefault(authorization, set()).add(follower)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="pinset-watch")
        try:
            yield
        finally:
            others = self._followers.get(authorization, set())
            others.discard(follower)
            if not others:
                self._followers.pop(authorization, None)

    async def look(self) -> None:
        """End the streams whose credential is not good now. Where that cannot be told they are left as they were."""
        for authorization in list(self._followers):
            try:
                await self._admissions.identify(authorization)
            except (Unauthenticated, PermissionDenied):
                for follower in list(self._followers.get(authorization, ())):
                    follower.end()
            except PinsetError:
                continue

    async def _run(self) -> None:
        try:
            while self._followers:
                await asyncio.sleep(self._seconds)
                await self.look()
        finally:
            # Whom nobody watches is told nothing more.
            for followers in self._followers.values():
                for follower in followers:
                    follower.end()
