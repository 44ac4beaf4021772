"""How clients are counted, and what a process remembers of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.api.adoption import Adoption
from pinset.domain.adoption import VERSIONS, adopted, counted, newest

if TYPE_CHECKING:
    from pinset.domain.adoption import Table


def client(n: int) -> str:
    return f"{n:016x}"


def test_clients_are_counted_by_alias_and_version_and_the_stopped_among_them() -> None:
    table: Table = {
        (client(1), "support", "production"): (7, 99.0),
        (client(2), "support", "production"): (7, 69.9),
        (client(3), "support", "production"): (8, 100.0),
        (client(4), "support", "production"): (None, 70.0),
        (client(1), "support", "canary"): (8, 98.04),
        (client(1), "billing", "production"): (1, 99.0),
    }
    found = counted(table, 100.0, "support")
    shown = [(i["bundle"], i["alias"], i["version"], i["clients"], i["silent"], i["oldest"]) for i in found]
    assert shown == [
        ("support", "canary", 8, 1, 0, 2.0),
        ("support", "production", 8, 1, 0, 0.0),
        ("support", "production", 7, 2, 1, 30.1),
        ("support", "production", None, 1, 0, 30.0),
    ]
    assert [item["bundle"] for item in counted(table, 100.0)] == ["billing", *["support"] * 4]


def test_versions_that_clients_invent_do_not_make_the_answer_long() -> None:
    table: Table = {(client(n), "support", "production"): (n, 99.0) for n in range(1, 1001)}
    table |= {(client(2000 + n), "support", "production"): (7, 99.0) for n in range(3)}
    table |= {(client(3000), "support", "production"): (None, 90.0), (client(1), "support", "canary"): (8, 99.0)}
    canary, *found = counted(table, 100.0)
    assert (canary["alias"], canary["clients"]) == ("canary", 1)
    assert len(found) == VERSIONS
    assert sum(item["clients"] for item in found) == 1004
    assert [item["clients"] for item in found if item["version"] == 7] == [4]
    assert (found[-1]["version"], found[-1]["clients"], found[-1]["oldest"]) == (None, 1004 - 4 - (VERSIONS - 2), 10.0)


def test_who_has_stopped_holds_a_move_up_no_longer() -> None:
    table: Table = {
        (client(1), "support", "production"): (8, 60.0),
        (client(2), "support", "production"): (7, 69.9),
        (client(3), "support", "production"): (7, 70.0),
        (client(4), "support", "staging"): (7, 100.0),
    }
    items = counted(table, 100.0)
    assert adopted(items, "production", 8) == (2, 1)
    assert adopted(items, "production", 7) == (2, 2)
    assert adopted(items, "canary", 8) == (0, 0)


def test_of_two_tables_the_newest_sight_counts_and_another_clocks_do_not() -> None:
    who = (client(1), "support", "production")
    assert newest([{who: (7, 99.0)}, {who: (6, 98.0)}], 100.0) == {who: (7, 99.0)}
    assert newest([{who: (7, 100.1)}, {who: (6, 40.0)}], 100.0) == {who: (6, 40.0)}
    assert newest([{who: (6, 39.9)}], 100.0) == {}


class Told:
    """A clock that stands, and what was told."""

    def __init__(self) -> None:
        self.at = 100.0
        self.tables: list[Table] = []

    def now(self) -> float:
        return self.at


@pytest.fixture
def told() -> Told:
    return Told()


def adoption(told: Told, limit: int = 100_000) -> Adoption:
    return Adoption(told.tables.append, now=told.now, limit=limit)


def test_the_newest_sight_of_a_client_is_told_once(told: Told) -> None:
    seen = adoption(told)
    seen.tell()
    for holds in (None, "v7", "v8"):
        seen.seen(client(1), "support", "production", holds)
        told.at += 1
    seen.seen(client(1), "support", "staging", None)
    seen.tell()
    seen.tell()
    assert told.tables == [
        {(client(1), "support", "production"): (8, 102.0), (client(1), "support", "staging"): (None, 103.0)}
    ]


@pytest.mark.parametrize(
    "name", ["", "0" * 15, "0" * 17, "A" * 16, "g" * 16, "0" * 15 + "\n", client(1) + ", " + client(2)]
)
def test_what_is_no_clients_name_is_ignored(told: Told, name: str) -> None:
    seen = adoption(told)
    seen.seen(name, "support", "production", "v7")
    seen.tell()
    assert told.tables == []


@pytest.mark.parametrize("holds", ["", "7", "v0", "v07", "V7", "v1234567890", "v7 ", "v7\n", "v-1", "v" + "9" * 60_000])
def test_what_is_no_version_is_ignored_and_the_last_one_stays(told: Told, holds: str) -> None:
    seen = adoption(told)
    seen.seen(client(2), "support", "production", holds)
    seen.seen(client(1), "support", "production", "v7")
    told.at += 1
    seen.seen(client(1), "support", "production", holds)
    seen.tell()
    assert told.tables == [{(client(1), "support", "production"): (7, 100.0)}]


def test_so_many_are_remembered_and_the_oldest_are_forgotten_first(told: Told) -> None:
    seen = adoption(told, limit=100)
    for n in range(1000):
        seen.seen(client(n), "support", "production", None)
    seen.tell()
    [table] = told.tables
    numbers = sorted(int(who[0], 16) for who in table)
    assert 50 <= len(numbers) <= 100
    assert numbers == list(range(1000 - len(numbers), 1000))


def test_what_is_older_than_a_minute_takes_no_room_for_long(told: Told) -> None:
    seen = adoption(told)
    for n in (1, 2, 3):
        seen.seen(client(n), "support", "production", None)
        told.at += 61
        seen.tell()
    assert [sorted(int(who[0], 16) for who in table) for table in told.tables] == [[1], [2], [3]]
