"""A thousand clients after an outage: by the policy alone, with a clock that is turned by hand."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

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


@pytest.mark.parametrize(("seconds", "names"), [(1, 1), (5, 1), (20, 1), (60, 1), (600, 1), (5, 5), (600, 5)])
def test_clients_that_come_back_after_an_outage_ask_hardly_more_than_ever(seconds: int, names: int) -> None:
    world = World(names, (WARM_UP, WARM_UP + seconds))
    world.run()
    assert world.worst() <= 1.2


def test_clients_with_many_names_do_not_ask_for_all_of_them_at_once() -> None:
    world = World(20, (WARM_UP, WARM_UP + 3), clients=200)
    world.run()
    assert world.worst() <= 1.2


def test_clients_that_were_started_in_an_outage_come_one_after_the_other() -> None:
    world = World(1, (WARM_UP, WARM_UP + 300), cold=True)
    world.run()
    assert world.worst() <= 1.2


def test_a_registry_that_was_restored_is_looked_at_again_by_all_and_not_at_once() -> None:
    world = World(1, (WARM_UP, WARM_UP + 60), restored=True)
    world.run()
    assert world.worst() <= 1.2


@pytest.mark.parametrize("seconds", [5, 60, 600])
def test_a_small_fleet_sees_the_outage_soon_and_listens_soon_after_the_first_answer(seconds: int) -> None:
    world = World(1, (WARM_UP, WARM_UP + seconds), clients=20)
    world.run()
    assert len(world.noticed) == len(world.connected) == 20
    assert max(world.noticed.values()) - WARM_UP <= 3
    assert max(world.connected[client] - world.answered[client] for client in range(20)) <= 5


def test_one_that_was_started_in_an_outage_listens_within_one_and_a_half_polls() -> None:
    world = World(1, (WARM_UP, WARM_UP + 60), clients=20, cold=True)
    world.run()
    assert max(world.connected[client] - world.answered[client] for client in range(20)) <= 1.5 * POLL


def test_a_registry_that_never_said_how_long_is_given_the_longest_time() -> None:
    pace = Pace(POLL, clock=lambda: 0.0, uniform=lambda _low, high: high)
    assert pace.reconnect() == 150
    for said, heard in ((1.0, 1.5), (100.0, 150), (9999.0, 150)):
        pace.retry = said
        assert pace.reconnect() == heard
    assert Pace(0.2, clock=lambda: 0.0, uniform=lambda _low, high: high).reconnect() == 2, "it is asked often anyhow"


def test_a_lost_registry_is_looked_at_in_the_place_of_a_later_look_and_not_besides() -> None:
    pace = Pace(POLL, clock=lambda: 100.0, uniform=lambda _low, high: high)
    pace.retry = 2.0
    assert pace.lost(102.5) == 102.5
    assert pace.lost(115.0) == 103.0
