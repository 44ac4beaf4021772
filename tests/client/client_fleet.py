"""Many clients and one registry that goes away: by the policy alone, with a clock that is turned by hand."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

from pinset.api.hub import RETRY_EACH, RETRY_LEAST, RETRY_MOST
from pinset.client.listening import RESET_SECONDS
from pinset.client.pace import RECONNECT_SECONDS, Pace

POLL = 15.0
WINDOW = 10
WARM_UP = 100.0
AFTER = 240.0


@dataclass
class World:
    """Clients that ask as the keeper does, and one registry that is there but for an outage."""

    names: int
    outage: tuple[float, float]
    clients: int = 1000
    cold: bool = False
    restored: bool = False
    now: float = 0.0
    asked: Counter[int] = field(default_factory=Counter)
    due: dict[tuple[int, int], float] = field(default_factory=dict)
    turns: list[tuple[float, int, int]] = field(default_factory=list)
    answered: dict[int, float] = field(default_factory=dict)
    """When each client had its first answer since it lost its stream."""
    noticed: dict[int, float] = field(default_factory=dict)
    connected: dict[int, float] = field(default_factory=dict)

    def run(self) -> None:
        dice = random.Random(7)
        self.paces = [Pace(POLL, clock=lambda: self.now, uniform=dice.uniform) for _ in range(self.clients)]
        for pace in self.paces:
            pace.retry = None if self.cold else min(max(self.clients * RETRY_EACH, RETRY_LEAST), RETRY_MOST) / 1000
        self.lost = [False] * self.clients
        self.waiting = [[self.cold] * self.names for _ in range(self.clients)]
        begin = self.outage[0] if self.cold else 0.0
        for client in range(self.clients):
            for name in range(self.names):
                self._at(begin + dice.uniform(0, 1.0 if self.cold else POLL), client, name)
            self._at(self.outage[0], client, -1)
        while self.turns and self.turns[0][0] < self.outage[1] + AFTER:
            self.now, client, name = heapq.heappop(self.turns)
            {-1: self._lose, -2: self._connect}.get(name, self._ask)(client, name)

    def _at(self, when: float, client: int, name: int) -> None:
        if name >= 0:
            self.due[client, name] = when
        heapq.heappush(self.turns, (when, client, name))

    def _up(self) -> bool:
        return not self.outage[0] <= self.now < self.outage[1]

    def _count(self) -> None:
        self.asked[int((self.now - self.outage[1]) // WINDOW)] += 1

    def _lose(self, client: int, _: int) -> None:
        self.lost[client] = True
        if not self.cold:
            due, name = min((self.due[client, name], name) for name in range(self.names))
            self._at(self.paces[client].lost(due), client, name)

    def _connect(self, client: int, _: int) -> None:
        self._count()
        self.connected[client] = self.now
        if self.restored or self.cold:
            for name in range(self.names):
                soon = self.now + self.paces[client].uniform(0.0, RECONNECT_SECONDS if self.cold else RESET_SECONDS)
                self._at(min(soon, self.due[client, name]), client, name)

    def _ask(self, client: int, name: int) -> None:
        if self.due[client, name] != self.now:
            return  # it was asked sooner
        pace = self.paces[client]
        waiting = self.waiting[client][name]
        if pace.quiet:
            self._at(pace.after_quiet(waiting=waiting), client, name)
            return
        self._count()
        if not self._up():
            self.noticed.setdefault(client, self.now)
            self._at(pace.failed(waiting=waiting), client, name)
            return
        self.waiting[client][name] = False
        self._at(pace.answered(), client, name)
        if self.lost[client]:
            self.lost[client] = False
            self.answered[client] = self.now
            self._at(pace.connect() if self.cold else pace.reconnect(), client, -2)

    def worst(self) -> float:
        """The most requests of a window in the outage or after it, as a share of what clients ask on any other day."""
        steady = self.clients * self.names / POLL * WINDOW
        first = 0 if self.cold else int((self.outage[0] - self.outage[1]) // WINDOW)
        return max(self.asked[window] for window in range(first, int(AFTER) // WINDOW)) / steady
