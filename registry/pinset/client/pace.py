"""When the registry is asked next: a policy without thread, network or clock of its own, so that it can be simulated.

A client that has a release never asks a failing registry more often than it asks a working one: when it comes back, all
clients together put no more on it than on any other day. One that waits for its first answer begins with short pauses.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS: Final = 15.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
FIXED_SECONDS: Final = 3600.0
"""From one look at a name that always means the same to the next: whether it was yanked or purged."""

RECONNECT_SECONDS: Final = 150.0
"""Over so long at most the clients spread that lost the same registry, and over all of it where it never said how long."""
LEAST_RETRY_SECONDS: Final = 1.0
"""A registry that wants clients back at once, and ends their streams, would be asked all the time."""
GIVEN_UP_SECONDS: Final = 300.0


class Pace:
    """The times at which one client asks. clock: seconds that never go back. uniform: a random number between two."""

    def __init__(
        self,
        poll: float = POLL_SECONDS,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.poll = poll
        self.clock, self.uniform = clock, uniform
        self.failures = 0
        """In a row."""
        self.quiet_until = 0.0
        """Until then nobody is asked."""
        self.retry: float | None = None
        """Seconds within which the registry wants a client back whose stream ended; it says more to more of them."""
        self.late = False
        """Whether it was started in an outage, as many were, it may be, and has not heard from the registry yet."""
        self._met = False
        self._told = False

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be asked now."""
        return self.clock() < self.quiet_until

    def answered(self, *, fixed: bool = False) -> float:
        """The registry is there: when this name is due again."""
        first, self._met = not self._met, True
        self.failures, self._told = 0, False
        if fixed:
            return self.clock() + FIXED_SECONDS
        if first and self.late:  # a stream is opened meanwhile, which is a request too
            return self.clock() + self.poll * self.uniform(1.25, 1.5)
        return self.clock() + self.turned_away()

    def turned_away(self) -> float:
        """Seconds from one look at a name that moves to the next."""
        return self.poll * self.uniform(0.5, 1.5)

    def failed(self, asked: float = 0.0, *, waiting: bool = False) -> float:
        """Nobody answered: when to ask again, whatever it is.

        asked: seconds that the registry wants to be left alone. waiting: whether somebody has no release at all yet.
        """
        self.failures += 1
        self.late = self.late or not self._met
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.failures - 1, 10))
        floor = 0.0
        if not waiting:
            ceiling = min(LONGEST_PAUSE, max(ceiling, 1.5 * self.poll))
            floor = min(0.5 * self.poll, 0.5 * ceiling)
        self._told = asked > 0
        self.quiet_until = self.clock() + max(asked, self.uniform(floor, ceiling))
        return self.quiet_until

    def after_quiet(self, *, waiting: bool) -> float:
        """When a name comes that was due while nobody is asked; not all at once with the first one."""
        return self.quiet_until + (0.0 if waiting else self.uniform(0.0, min(1.5 * self.poll, LONGEST_PAUSE)))

    def reconnect(self) -> float:
        """When a stream of events that ended is opened again: the registry ended those of all clients, it may be."""
        return self.clock() + self.uniform(0.0, self._apart())

    def connect(self) -> float:
        """When the first stream is opened, once there was an answer."""
        return self.clock() + (self.uniform(0.0, min(1.5 * self.poll, RECONNECT_SECONDS)) if self.late else 0.0)

    def lost(self, due: float) -> float:
        """When the registry is looked at that ended a stream: at ``due``, or sooner where that is late."""
        within = self._apart()
        return due if due <= self.clock() + within else self.clock() + self.uniform(0.0, within)

    def give_up(self) -> float:
        """When a stream that never came is tried again."""
        return self.clock() + self.uniform(0.5, 1.5) * GIVEN_UP_SECONDS

    def heard(self) -> None:
        """The registry spoke by itself: it is there, unless it had asked to be left alone."""
        if not self._told:
            self.quiet_until = 0.0

    def _apart(self) -> float:
        """Seconds over which clients spread that lost the same registry. Ten polls: they cost it a tenth more then."""
        told = None if self.retry is None else 1.5 * max(self.retry, LEAST_RETRY_SECONDS)
        longest = RECONNECT_SECONDS if told is None else min(told, RECONNECT_SECONDS)
        return min(longest, 10 * self.poll)
