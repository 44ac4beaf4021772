"""Who runs what, as this process sees it: what each client said with its newest fetch of an alias."""

from __future__ import annotations

import threading
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pinset.domain.adoption import CLIENT, FORGOTTEN, HOLDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.adoption import Held, Table, Who

LIMIT: Final = 100_000
"""Clients of aliases that are remembered."""
_EVERY: Final = 1.0
"""Seconds between two times that the other processes are told."""
_REST: Final = 20.0
"""Pauses are at least so many times what the telling before them took."""
_REFUSED: Final = -1
_LONGEST: Final = 16
"""Characters of the longer of both headers."""


class Adoption:
    """Remembers sights of clients, the newest of each, and tells them on.

    Entries are in two generations: when the young one is full, or a minute old, it becomes the old one, and the one
    before is forgotten. So a sight costs one assignment, and the oldest go first. keep: tells all processes.
    """

    def __init__(
        self, keep: Callable[[Table], None], *, now: Callable[[], float] = time.monotonic, limit: int = LIMIT
    ) -> None:
        self._keep, self._now, self._half = keep, now, limit // 2
        self._tables: tuple[dict[Who, Held], dict[Who, Held]] = ({}, {})
        self._turned = now()
        self._changed = False
        self._telling = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def seen(self, client: str, bundle: str, alias: str, holds: str | None) -> None:
        """A client fetched an alias that exists. client, holds: what the headers say; anything else is ignored.

        For one thread, that of the event loop. Costs less than a microsecond.
        """
        who, young = (client, bundle, alias), self._tables[1]
        if who not in young:
            if len(client) > _LONGEST or not CLIENT.fullmatch(client):
                return
            if len(young) >= self._half:
                self._turn()
                young = self._tables[1]
        version = None if holds is None else _version(holds) if len(holds) <= _LONGEST else _REFUSED
        if version == _REFUSED:
            return
        young[who] = (version, self._now())
        self._changed = True

    def tell(self) -> None:
        """Tell all processes what was seen since the last time, if anything was."""
        with self._telling:
            now = self._now()
            if now - self._turned > FORGOTTEN:
                self._turn()
            if self._changed:
                self._changed = False
                old, young = self._tables
                self._keep(old | young.copy())  # a copy: a sight may come in between

    def start(self) -> None:
        """Tell about once a second, in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="pinset-adoption", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _run(self) -> None:
        pause = _EVERY
        while not self._stop.wait(pause):
            began = time.monotonic()
            self.tell()
            pause = max(_EVERY, (time.monotonic() - began) * _REST)

    def _turn(self) -> None:
        self._tables, self._turned = (self._tables[1], {}), self._now()


@lru_cache(maxsize=1024)
def _version(holds: str) -> int:
    return int(holds[1:]) if HOLDS.fullmatch(holds) else _REFUSED
