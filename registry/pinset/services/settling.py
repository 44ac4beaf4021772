"""Settling: while a registry is served, what requests ask for is made as soon as time has passed their last gate.

An approval or a result that passes the last gate lets the move happen in its own write; a freeze that ends does not.
"""

from __future__ import annotations

import logging
import threading
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.errors import Busy, PinsetError
from pinset.ports.registry import Caller
from pinset.services import reading, requests
from pinset.services.approving import settle, state_of
from pinset.services.requests import State

if TYPE_CHECKING:
    from pinset.ports.catalog import CatalogReader, Mark
    from pinset.services.session import Context

_LOG: Final = logging.getLogger("pinset.settle")
SECONDS: Final = 10.0
"""Between two looks."""
_AT_ONCE: Final = 200
"""Requests that are judged in one look; of more the others have their turn in the next."""
_REGISTRY: Final = Caller(actor="pinset", via="registry")
"""Who moves what was approved before: nobody is there who does."""


class Settler:
    """Looks now and then whether an open request can be fulfilled. Two of one registry do no harm to each other."""

    def __init__(self, context: Context, *, every: float = SECONDS) -> None:
        self._context, self._every = context, every
        self._open: set[int] = set()
        self._seen = self._last = 0
        self._mark: Mark | None = None
        self._told = ""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self) -> list[int]:
        """Make what can be made now; the numbers of the requests. Without open requests it costs next to nothing."""
        mark = self._context.catalog.mark()
        if not self._open and mark is not None and mark == self._mark:
            return []
        with reading.view(self._context) as reader:
            ready = self._ready(reader)
        self._mark = mark
        return settle(self._context, _REGISTRY, ready)["requests"] if ready else []

    def start(self) -> None:
        """Look now and then, in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="pinset-settle", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _ready(self, reader: CatalogReader) -> list[int]:
        """Open requests that every gate lets pass now. What is open is remembered, and what is new is added."""
        at, serial = reading.now(self._context, reader), reader.head().serial
        for found in requests.newest_first(reader):
            if found.record.stamp.serial <= self._seen:
                break
            self._open.add(found.record.number)
        self._seen = serial
        numbers, ready = sorted(self._open), []
        turn = bisect_right(numbers, self._last)
        for number in [*numbers[turn:], *numbers[:turn]][:_AT_ONCE]:
            self._last = number
            state = state_of(reader, requests.find(reader, number).record, at).state
            if state is State.APPROVED:
                ready.append(number)
            elif state is not State.OPEN:
                self._open.discard(number)
        return ready

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self.look()
                self._told = ""
            except Busy:
                continue  # others write; it is looked again
            except PinsetError as error:
                self._tell(f"{error.message}; {error.hint}")
            except Exception as error:  # noqa: BLE001 - the server goes on whatever it is
                self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, why: str) -> None:
        """Say once what goes wrong over and over."""
        if why != self._told:
            self._told = why
            _LOG.warning("%s", "requests could not be settled: " + show(why, 500))
