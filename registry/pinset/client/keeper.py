"""The thread that keeps the names of one client current: whose turn it is, and what is done then."""

from __future__ import annotations

import logging
import threading
from math import inf
from typing import TYPE_CHECKING, Final

from pinset.client import pace as paces
from pinset.client.listening import listener_of
from pinset.client.slots import Needs, Slot
from pinset.errors import Integrity, InvalidInput, NotFound, PermissionDenied, PinsetError, Purged, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinset.client.intake import Intake
    from pinset.client.local import WorkingCopies
    from pinset.client.pace import Pace
    from pinset.client.pins import Pins
    from pinset.client.slots import Key
    from pinset.client.source import Source

FIRST_SECONDS: Final = 2.0
"""How long the first `get` of a name waits for the registry."""
TOTAL_SECONDS: Final = 3.0
"""For one answer to a name that is there already."""
LOOK_SECONDS: Final = 1.0
"""From one look at a file of pins, or at the files of a working copy, to the next."""
AGAIN_SECONDS: Final = 1.0
"""After a release that was pushed, the registry is asked once more within that time: so it knows who has it."""
LONGEST_WAIT: Final = 3600.0
_ANSWERED: Final = (NotFound, Refused, PermissionDenied, InvalidInput, Integrity)
"""Errors by which a registry shows that it is there: they are of one name, and stand in the way of no other."""
_log = logging.getLogger("pinset.client")


class Keeper:
    """Keeps slots current, one request at a time, in a thread that begins with the first slot."""

    def __init__(
        self, source: Source, intake: Intake, pins: Pins, pace: Pace, working: WorkingCopies, *, live: bool
    ) -> None:
        self._source, self._intake, self._pins, self._pace = source, intake, pins, pace
        self._working = working
        self._slots: dict[Key, Slot] = {}
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._look_at = 0.0
        self._doubted: set[tuple[str, str]] = set()
        """Versions that may have been purged, as was heard."""
        self._listener = listener_of(source, self, pace) if live else None

    def slot(self, bundle: str, asked: str, needs: Needs) -> Slot:
        """The slot of a name; it is refreshed from now on. Raises Unavailable for a closed client."""
        with self._turn:
            if self._closed:
                raise Unavailable("this client is closed", hint="make another one")
            slot = self._slots.get((bundle, asked, needs))
            if slot is None:
                slot = self._slots[bundle, asked, needs] = Slot(bundle, asked, needs, self._pins.of(bundle))
                self._turn.notify_all()
            self._start()
            return slot

    def first(self, slot: Slot, seconds: float) -> bool:
        """Wait for the first try of a name; whether it has ended. Its own thread, in a callback, makes that try itself."""
        if self._thread is threading.current_thread() and not slot.tried.is_set():
            if slot.directory is not None or not self._pace.quiet:
                self._refresh(slot)
            slot.tried.set()
        return slot.tried.wait(seconds)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def look(self) -> None:
        """Ask for every name now, in the caller's thread: for who keeps no thread."""
        for slot in list(self._slots.values()):
            self._refresh(slot)
            slot.tried.set()

    def hurry(self, bundle: str | None, selector: str | None, within: float, *, moved: bool = False) -> None:
        """Ask soon for what a bundle's selector means; None: for all of them.

        within: seconds, to spread clients. moved: another release is meant for certain.
        """
        with self._turn:
            self._pace.heard()
            for slot in self._slots.values():
                if bundle in (None, slot.bundle) and selector in (None, slot.meant):
                    slot.hear(self._pace.clock() + self._pace.uniform(0.0, within))
                    slot.moved = slot.moved or moved
            self._turn.notify_all()

    def doubt(self, versions: Iterable[tuple[str, str]]) -> None:
        """Find out whether these were purged (bundle and ``v7``), where anything is held of them."""
        with self._turn:
            self._pace.heard()
            used = {slot.bundle for slot in self._slots.values()}
            self._doubted.update((bundle, version) for bundle, version in versions if bundle in used)
            self._turn.notify_all()

    def lost(self) -> None:
        """The registry tells nothing any more: look soon whether it is there. In the place of a later look, for one name."""
        with self._turn:
            asked = (slot for slot in self._slots.values() if slot.directory is None)
            first = min(asked, key=lambda slot: slot.due, default=None)
            if first is not None:
                first.due = self._pace.lost(first.due)
            self._turn.notify_all()

    def close(self) -> None:
        """End the threads, which may be in the middle of a request. Idempotent."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        if self._listener is not None:
            self._listener.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(TOTAL_SECONDS + 1)

    def forked(self) -> None:
        """In a copy of the process: the threads are not here, and the locks may be held by nobody."""
        self._turn, self._thread = threading.Condition(), None
        if self._listener is not None:
            self._listener.forked()
        for slot in self._slots.values():
            slot.forked()
        if self._slots and not self._closed:
            self._start()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._keep, name="pinset-keeper", daemon=True)
            self._thread.start()

    def _keep(self) -> None:
        while not self._closed:
            slot = None
            try:
                self._look_at_pins()
                self._ask_of_doubted()
                slot = self._wait()
                if slot is not None:
                    self._refresh(slot)
            except BaseException:  # noqa: BLE001 - what the last good release was, it stays; so does this thread
                _log.exception("%s could not be refreshed", slot.name if slot is not None else "a file of pins")
                self._look_at = later = self._pace.clock() + paces.LONGEST_PAUSE
                if slot is not None:
                    slot.due = later
            if slot is not None:
                slot.tried.set()
        for waited_for in list(self._slots.values()):
            waited_for.tried.set()

    def _wait(self) -> Slot | None:
        """The name whose turn it is; None where the client is closed, or pins are to be looked at."""
        with self._turn:
            slot = self._next()
            if slot is None and not self._closed:
                self._turn.wait(self._pause())
                slot = self._next()
            return None if self._closed else slot

    def _look_at_pins(self) -> None:
        if not self._pins.watched or self._pace.clock() < self._look_at:
            return
        self._look_at = self._pace.clock() + LOOK_SECONDS
        bundles = self._pins.look()
        with self._turn:
            changed = [slot for slot in self._slots.values() if slot.bundle in bundles]
        for slot in changed:
            slot.pinned(self._pins.of(slot.bundle))
            if slot.turned and slot.directory is None and self._pace.quiet:
                self._intake.turn(slot)

    def _ask_of_doubted(self) -> None:
        """Only the registry's own answer evicts: what is heard may be wrong."""
        while self._doubted and not self._closed and not self._pace.quiet:
            with self._turn:
                bundle, selector = self._doubted.pop()
                slots = list(self._slots.values())
            if not self._intake.holds(bundle, selector, slots):
                continue
            try:
                self._source.fetch(bundle, selector, None, TOTAL_SECONDS)
            except Purged as error:
                self._intake.purged(error, slots)
            except PinsetError as error:
                _log.warning("whether %s@%s was purged is not known: %s", bundle, selector, error.message)

    def _next(self) -> Slot | None:
        """The name whose turn it is; those that nobody has an answer for come first."""
        now = self._pace.clock()
        due = [slot for slot in self._slots.values() if slot.due <= now]
        if self._pace.quiet:
            # The registry does not answer: who waits for a first answer is told so, and looks elsewhere.
            local = [slot for slot in due if slot.directory is not None]
            if local:
                return local[0]
            for slot in due:
                slot.due = self._pace.after_quiet(waiting=slot.release is None)
                slot.tried.set()
            return None
        return min(due, key=lambda slot: (slot.tried.is_set(), not slot.moved, slot.due, slot.looked), default=None)

    def _pause(self) -> float:
        now = self._pace.clock()
        due = min((slot.due for slot in self._slots.values()), default=now + paces.LONGEST_PAUSE)
        return min(max(0.0, (min(due, self._look_at) if self._pins.watched else due) - now), LONGEST_WAIT)

    def _refresh(self, slot: Slot) -> None:
        if slot.directory is not None:
            self._look(slot, slot.directory)
            return
        seconds = TOTAL_SECONDS if slot.tried.is_set() else FIRST_SECONDS
        with self._turn:
            slot.ask(self._pace.clock())
        try:
            answer, tag = self._source.fetch(slot.bundle, slot.meant, slot.tag, seconds, self._holds(slot))
        except PinsetError as error:
            self._failed(slot, error)
            return
        due = self._pace.answered(fixed=slot.fixed)
        self._intake.answered(slot, answer, tag)
        if self._listener is not None:
            self._listener.answered(slot.bundle)
        with self._turn:
            if slot.soon < inf:  # what was heard since it was asked is newer than the answer
                due = min(due, slot.soon)
            elif slot.moved:
                slot.moved = False
                due = min(due, self._pace.clock() + self._pace.uniform(0.0, AGAIN_SECONDS))
            slot.due = due

    def _look(self, slot: Slot, directory: str) -> None:
        """At the files of a working copy."""
        slot.due = self._pace.clock() + LOOK_SECONDS
        try:
            source = self._working.at(slot.bundle, directory)
            answer, tag = source.fetch(slot.bundle, directory, slot.tag, TOTAL_SECONDS)
        except PinsetError as error:
            self._intake.broken(slot, error)
        else:
            self._intake.answered(slot, answer, tag)

    def _failed(self, slot: Slot, error: PinsetError) -> None:
        if isinstance(error, Purged):
            self._intake.purged(error, list(self._slots.values()))
        self._intake.failed(slot, error)
        if isinstance(error, _ANSWERED):
            slot.due = self._pace.answered()
            return
        asked = _asked(error.details.get("retry_after"))
        self._probe(slot, self._pace.failed(asked, waiting=slot.release is None or slot.moved))
        if self._listener is not None:
            self._listener.failed()

    def _probe(self, failed: Slot, at: float) -> None:
        """Ask for one name then, to see whether the registry is there: the one that was not asked for the longest."""
        with self._turn:
            tried = [slot for slot in self._slots.values() if slot.tried.is_set() and slot.directory is None]
            first = min((slot for slot in tried if not slot.fixed), key=lambda slot: slot.looked, default=failed)
            failed.due = self._pace.after_quiet(waiting=failed.release is None)
            first.due = at

    def _holds(self, slot: Slot) -> str | None:
        """What the registry is told that this client has of a name: the oldest, where its code needs several."""
        with self._turn:
            near = [one for (bundle, _, _), one in self._slots.items() if bundle == slot.bundle]
            same = [one.release for one in near if one.meant == slot.meant and one.release is not None]
        oldest = min(same, key=lambda release: (release.epoch, release.seq or 0), default=None)
        return f"v{oldest.version}" if oldest is not None else None


def _asked(seconds: object) -> float:
    """For how long a registry wants to be left alone, at most an hour: it may not mean what it says."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return 0.0
    return float(min(seconds, LONGEST_WAIT))
