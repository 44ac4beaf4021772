"""Answers that are ready: what fetches got, for as long as nothing became visible that could change them.

The ordinary route makes an answer once and leaves it here; from then on it is given ahead of the framework. Before
every answer the registry's mark is compared, so none is older than what a reader would find, whoever wrote. When the
mark has moved, the records since then say which bundles changed, and only their answers are made anew.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.prepared import Prepared
    from pinset.ports.catalog import Mark
    from pinset.services.local import LocalRegistry

ROOM: Final = 64 * 1024 * 1024
"""Bytes of answers that a process keeps ready."""


class Ready:
    """The answers of one registry. Threads may share it. room: bytes that are kept at most.

    Two halves: what was asked for since the older half was put away, and that one. So what nobody asks for goes, and
    finding costs no bookkeeping.
    """

    def __init__(self, registry: LocalRegistry, room: int = ROOM) -> None:
        self._registry = registry
        self._half = room // 2
        self._turn = threading.Lock()
        self._mark: Mark | None = None
        self._serial = 0
        self._identity: tuple[str, int] | None = None
        self._newer: dict[bytes, Prepared] = {}
        self._older: dict[bytes, Prepared] = {}
        self._size = 0
        self._making: dict[bytes, threading.Event] = {}

    def look(self, target: bytes) -> Prepared | None:
        """The answer to a request's target, where it is ready and still true: a few microseconds, no lock, no wait."""
        found = self._newer.get(target)
        if found is None:
            return None
        mark = self._registry.mark()
        # Compared in this order: an answer is taken out before the mark is set anew, so one that was found and a mark
        # that is still the same belong together.
        return found if mark is not None and mark == self._mark and self._newer.get(target) is found else None

    def was_ready(self, target: bytes) -> bool:
        """Whether an answer that may be out of date is here: `renew` makes it ready, or drops it."""
        return target in self._newer

    def renew(self, target: bytes) -> None:
        """Make the answer to a target ready again, with the encodings it had. Where that fails the route will say why."""
        known = self._newer.get(target)
        if known is None:
            return
        try:
            made = self.find(target, known.again)
            for encoding in list(known.variants):
                made.variant(encoding)
        except PinsetError:
            with self._turn:
                self._newer.pop(target, None)

    def find(self, target: bytes, make: Callable[[], Prepared]) -> Prepared:
        """The answer to a request's target, made where it is not ready. make: reads the registry; may raise.

        Of many who ask for the same at once one makes it, and the others wait.
        """
        while True:
            with self._turn:
                self._catch_up()
                found = self._newer.get(target) or self._older.get(target)
                mark, others = self._mark, self._making.get(target)
                if found is not None:
                    self._keep(target, found)
                    return found
                if others is None:
                    done = self._making[target] = threading.Event()
                    break
            others.wait()
        try:
            made = make()
            with self._turn:
                # What was read may be newer than the mark, and then the mark has moved too: never the other way round.
                if mark is not None and mark == self._mark:
                    self._keep(target, made)
            return made
        finally:
            with self._turn:
                del self._making[target]
            done.set()

    def _keep(self, target: bytes, prepared: Prepared) -> None:
        if target in self._newer:
            return
        if self._size + prepared.size > self._half:
            self._older, self._newer, self._size = self._newer, {}, 0
        if prepared.size <= self._half:
            self._newer[target] = prepared
            self._size += prepared.size

    def _catch_up(self) -> None:
        mark = self._registry.mark()
        if mark is not None and mark == self._mark:
            return
        since = self._registry.changes(self._serial)
        if since.bundles is None or since.identity != self._identity:
            self._newer, self._older, self._size = {}, {}, 0
        elif since.bundles:
            self._newer = {at: one for at, one in self._newer.items() if one.bundle not in since.bundles}
            self._older = {at: one for at, one in self._older.items() if one.bundle not in since.bundles}
            self._size = sum(one.size for one in self._newer.values())
        self._identity, self._serial, self._mark = since.identity, since.serial, mark
