"""Clients after an outage: by the policy alone, with a clock that is turned by hand."""

from __future__ import annotations

import pytest
from client_fleet import POLL, WARM_UP, World

from pinset.client.pace import LEAST_RETRY_SECONDS, Pace


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


def test_a_registry_that_wants_clients_back_at_once_gets_them_within_a_second_or_two() -> None:
    pace = Pace(clock=lambda: 100.0, uniform=lambda _, high: high)
    pace.retry = 0.0
    assert pace.reconnect() == 100.0 + 1.5 * LEAST_RETRY_SECONDS
    assert pace.lost(1e9) == 100.0 + 1.5 * LEAST_RETRY_SECONDS
