"""Scrub: prove the whole registry now and then while it is served, slowly, and say what is wrong.

What `verify` proves, by one process at a time, with pauses that leave the machine to those who read.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from pinset.domain.names import show
from pinset.errors import PinsetError
from pinset.ports.scrubs import Scrub

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers import VerifyAnswer
    from pinset.ports.clock import Clock
    from pinset.ports.progress import Progress
    from pinset.ports.scrubs import Scrubs

_LOG: Final = logging.getLogger("pinset.scrub")
_REST: Final = 9.0
"""Pauses take so many times what the work before them took."""
_PAUSE: Final = (0.0005, 2.0)
"""Seconds of the shortest and the longest pause."""
_LOOK_SECONDS: Final = 60.0
"""How often a process looks whether a scrub is due."""
_RETRY: Final = 3600 * 1_000_000
"""Microseconds after a scrub that could not be made, such as on a busy registry."""


class Stopped(Exception):  # noqa: N818 - nothing is wrong
    """The process ends: what was found so far means nothing."""


class Pace:
    """A progress that rests after each step. pause: waits so many seconds; whether to stop."""

    def __init__(self, pause: Callable[[float], bool], now: Callable[[], float] = time.monotonic) -> None:
        self._pause, self._now = pause, now
        self._resumed = now()

    def step(self, what: str, done: int, total: int | None = None) -> None:  # noqa: ARG002 - it only rests
        """Rest in proportion to the work since the last rest. Raises Stopped."""
        worked = self._now() - self._resumed
        if self._pause(min(max(worked * _REST, _PAUSE[0]), _PAUSE[1])):
            raise Stopped
        self._resumed = self._now()


class Scrubber:
    """Scrubs one registry when it is due. interval: microseconds between the end of one and the start of the next."""

    def __init__(
        self, verify: Callable[[Progress], VerifyAnswer], scrubs: Scrubs, clock: Clock, *, interval: int
    ) -> None:
        self._verify, self._scrubs, self._clock, self._interval = verify, scrubs, clock, interval
        self._not_before = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def look(self, pause: Callable[[float], bool]) -> bool:
        """Scrub where it is due and no other process is at it; whether one came to its end."""
        if not self._due():
            return False
        try:
            with self._scrubs.turn() as ours:
                # Once more under the lock: another process may have ended one just now.
                return ours and self._due() and self._scrub(pause)
        except Stopped:
            return False
        except PinsetError as error:
            self._put_off(f"{error.message}; {error.hint}")
        except Exception as error:  # noqa: BLE001 - the server goes on whatever it is
            self._put_off(f"{type(error).__name__}: {error}")
        return False

    def start(self) -> None:
        """Look now and then, in a thread of its own, until `stop`."""
        self._thread = threading.Thread(target=self._run, name="pinset-scrub", daemon=True)
        self._thread.start()

    def stop(self, wait_seconds: float = 5.0) -> None:
        """End the thread, also in the middle of a scrub."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(wait_seconds)

    def _run(self) -> None:
        every = min(_LOOK_SECONDS, self._interval / 1_000_000)
        while not self._stop.wait(every):
            self.look(self._stop.wait)

    def _due(self) -> bool:
        now, last = self._clock.now(), self._scrubs.last()
        if now < self._not_before:
            return False
        # One that ended in the future says that the clock was put back.
        return last is None or not last.ended_at <= now < last.ended_at + self._interval

    def _scrub(self, pause: Callable[[float], bool]) -> bool:
        answer = self._verify(Pace(pause))
        if self._stop.is_set():
            return False  # programs that were ended with us look like damage
        now, before = self._clock.now(), self._scrubs.last()
        problems = answer["problems"]
        sound_at = now if not problems else before.sound_at if before else None
        self._not_before = now + min(_RETRY, self._interval)  # also where the record cannot be kept
        if problems:
            _LOG.error("%s", _told(answer))
        self._scrubs.keep(Scrub(ended_at=now, problems=len(problems), sound_at=sound_at))
        return True

    def _put_off(self, why: str) -> None:
        self._not_before = self._clock.now() + min(_RETRY, self._interval)
        _LOG.warning("%s", "the registry could not be scrubbed: " + show(why, 500))


def _told(answer: VerifyAnswer) -> str:
    """One line for whoever keeps the registry: how much is wrong, the first of it, and the way out."""
    problems = answer["problems"]
    first = problems[0]
    what = show(f"{first['where'].strip()}: {first['what']}", 500)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return f"the registry is damaged, {count}: {what}; {first['hint']}; see all: pinset verify"
