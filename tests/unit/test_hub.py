"""The hub: one look for all streams, and bounds on what it holds for each."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pinset.api import follower as followers
from pinset.api import hub as hubs
from pinset.api.follower import Follower, Told
from pinset.api.hub import Hub
from pinset.domain.following import Wanted
from pinset.errors import Busy, Unavailable
from pinset.ports.catalog import Head
from pinset.services.events import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers.events import EventAnswer

ALL = Wanted()
PAGE = 50


def move(serial: int, *, bundle: str = "a", reason: str = "") -> EventAnswer:
    return {
        "event": "move",
        "serial": serial,
        "data": {
            "serial": serial,
            "at": "",
            "actor": "",
            "bundle": bundle,
            "alias": "production",
            "action": "promote",
            "seq": 1,
            "from": None,
            "to": 1,
            "reason": reason,
            "revision": "",
        },
    }


class Log:
    """A registry of moves that a test appends to; counts who reads it."""

    def __init__(self, count: int = 0) -> None:
        self.events = [move(n) for n in range(1, count + 1)]
        self.base = 0
        self.reads: list[int | None] = []
        self.broken = False
        self.marks = True

    def mark(self) -> int | None:
        return len(self.events) + self.base if self.marks else None

    def events_since(self, after: int | None) -> Batch:
        self.reads.append(after)
        if self.broken:
            raise Unavailable("it is away", hint="wait")
        newest = self.events[-1]["serial"] if self.events else 0
        head = Head(registry_id="r", epoch=1, serial=newest, commit="", at=0)
        if after is None:
            return Batch(head, newest, ())
        if after > newest:
            return Batch(
                head,
                newest,
                ({"event": "reset", "serial": newest, "data": {"registry": "r", "epoch": 1, "serial": newest}},),
            )
        found = [event for event in self.events if event["serial"] > after][:PAGE]
        return Batch(head, found[-1]["serial"] if found else newest, tuple(found))

    def happen(self, count: int = 1, **said: str) -> None:
        at = self.events[-1]["serial"] if self.events else 0
        self.events += [move(at + n, **said) for n in range(1, count + 1)]  # type: ignore[arg-type]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


async def joined(hub: Hub, wanted: Wanted = ALL, drop: Callable[[], None] = lambda: None) -> Follower:
    await hub.begun()
    follower = Follower(wanted, drop)
    hub.join(follower, hub.at)
    return follower


def told(follower: Follower) -> list[int]:
    text = b""
    while piece := follower.take():
        text += piece
    return [int(line[4:]) for line in text.split(b"\n") if line.startswith(b"id: ")]


def test_a_change_is_read_once_for_all_who_want_it() -> None:
    async def run() -> None:
        log = Log(3)
        hub = Hub(log, most=100)
        with hub.seat():
            followers = [await joined(hub) for _ in range(50)]
            others = [await joined(hub, Wanted(frozenset({"b"}))) for _ in range(50)]
            before = len(log.reads)
            log.happen(2)
            await until(lambda: hub.at == 5)
            assert log.reads[before:] == [3]
            assert [told(one) for one in followers] == [[4, 5]] * 50
            assert [told(one) for one in others] == [[]] * 50
            log.happen(bundle="b")
            await until(lambda: hub.at == 6)
            assert [told(one) for one in followers + others] == [[6]] * 100

    asyncio.run(run())


def test_the_more_streams_there_are_the_longer_they_are_to_stay_away() -> None:
    hub, pair = Hub(Log(), most=2000), Hub(Log(), most=2000, workers=2)
    with ExitStack() as seats:
        said = {}
        for count in range(1, 1201):
            seats.enter_context(hub.seat())
            seats.enter_context(pair.seat())
            said[count] = (hub.retry, pair.retry)
    assert {count: said[count] for count in (1, 9, 10, 20, 500, 1200)} == {
        1: (1000, 1000),
        9: (1000, 1800),
        10: (1000, 2000),
        20: (2000, 4000),
        500: (50_000, 100_000),
        1200: (100_000, 100_000),
    }


def test_nobody_looks_while_nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        log = Log(1)
        hub = Hub(log, most=1)
        with hub.seat():
            await joined(hub)
        assert hub._task is not None
        await asyncio.wait_for(hub._task, 30)
        reads = len(log.reads)
        log.happen()
        with hub.seat():
            follower = await joined(hub)
            assert len(log.reads) > reads
            assert (hub.at, told(follower)) == (2, [])

    asyncio.run(run())


def test_there_are_no_more_seats_than_were_allowed() -> None:
    hub = Hub(Log(), most=1)
    with hub.seat():
        with pytest.raises(Busy), hub.seat():
            pass
        assert hub.seated == 1
    with hub.seat():
        assert hub.seated == 1


@pytest.mark.parametrize(("size", "most"), [(1, followers.HELD), (10_000, followers.HELD_BYTES // 10_000)])
def test_who_does_not_read_is_cut_off_and_nothing_is_held_for_it(size: int, most: int) -> None:
    cuts: list[int] = []
    follower = Follower(ALL, lambda: cuts.append(1))
    for serial in range(1, 2 * most + 2):
        follower.tell(Told.of(move(serial, reason="x" * size)))
        if not follower.over:
            assert len(follower._held) <= followers.HELD
            assert follower._size <= followers.HELD_BYTES
            assert serial <= most
    assert (cuts, follower.over, follower.behind, follower.take()) == ([1], True, False, b"")


def test_who_reads_in_time_is_never_cut_off() -> None:
    follower = Follower(ALL, lambda: pytest.fail("cut"))
    for serial in range(1, 5 * followers.HELD):
        follower.tell(Told.of(move(serial)))
        assert told(follower) == [serial]


def test_many_long_events_at_once_cut_off_nobody_who_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "PAGE", 1000)

    async def run() -> None:
        log = Log(1)
        hub = Hub(log, most=1)
        with hub.seat():
            follower = await joined(hub)
            log.happen(800, reason="x" * 5000)
            found: list[int] = []
            while len(found) < 800:
                assert not follower.over
                await asyncio.wait_for(follower.wait(60), 60)
                found += told(follower)
            assert found == list(range(2, 802))

    asyncio.run(run())


def test_a_piece_is_never_much_larger_than_its_limit() -> None:
    follower = Follower(ALL, lambda: None)
    for serial in range(1, 100):
        follower.tell(Told.of(move(serial, reason="x" * 1000)))
    assert len(follower.take()) < followers.PIECE_BYTES + 2000
    assert follower.behind


def test_an_event_that_was_told_is_not_told_again_but_a_reset_always_is() -> None:
    follower = Follower(ALL, lambda: None)
    for serial in (3, 2, 3, 4):
        follower.tell(Told.of(move(serial)))
    assert told(follower) == [3, 4]
    follower.tell(Told.of({"event": "reset", "serial": 1, "data": {"registry": "r", "epoch": 2, "serial": 1}}))
    follower.tell(Told.of(move(2)))
    assert told(follower) == [1, 2]


def test_what_is_kept_is_bounded_in_number_and_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(**said: str) -> Hub:
        log = Log(1)
        hub = Hub(log, most=1)
        with hub.seat():
            await hub.begun()
            log.happen(hubs.KEPT + 500, **said)
            await until(lambda: hub.at == hubs.KEPT + 501)
        return hub

    hub = asyncio.run(run())
    assert len(hub._kept) == hubs.KEPT
    assert (hub.knows(hub.floor), hub.knows(hub.floor - 1)) == (True, False)
    assert hub._kept[0].event["serial"] == hub.floor + 1
    hub = asyncio.run(run(reason="x" * 5000))
    assert hub._kept_size <= hubs.KEPT_BYTES
    assert hub._kept_size == sum(len(one.text) for one in hub._kept)
    assert hub._kept[0].event["serial"] == hub.floor + 1


def test_the_newest_events_are_at_hand_from_the_start() -> None:
    async def run() -> None:
        log = Log(1000)
        hub = Hub(log, most=1)
        with hub.seat():
            await hub.begun()
            reads = len(log.reads)
            at, found = 1000 - hubs.FIRST, []
            while at < hub.at:
                at, texts = hub.after(at, ALL)
                found += texts
            assert len(found) == hubs.FIRST
            assert len(log.reads) == reads

    asyncio.run(run())


def test_a_registry_that_cannot_be_read_is_asked_again_and_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MARKLESS_SECONDS", 0.01)

    async def run() -> None:
        log = Log(1)
        hub = Hub(log, most=1)
        with hub.seat():
            follower = await joined(hub)
            log.broken = True
            log.happen(3)
            reads = len(log.reads)
            await until(lambda: len(log.reads) > reads + 3)
            assert not follower.over
            log.broken = False
            await until(lambda: hub.at == 4)
            assert told(follower) == [2, 3, 4]

    asyncio.run(run())


def test_a_registry_that_cannot_be_read_at_first_is_an_error_and_later_none() -> None:
    async def run() -> None:
        log = Log(1)
        log.broken = True
        hub = Hub(log, most=1)
        with hub.seat():
            with pytest.raises(Unavailable):
                await hub.begun()
            log.broken = False
            await hub.begun()
            assert hub.at == 1

    asyncio.run(run())


def test_a_catalog_without_marks_is_read_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MARKLESS_SECONDS", 0.01)

    async def run() -> None:
        log = Log(1)
        log.marks = False
        hub = Hub(log, most=1)
        with hub.seat():
            follower = await joined(hub)
            log.happen()
            await until(lambda: hub.at == 2)
            assert told(follower) == [2]

    asyncio.run(run())


def test_a_registry_that_has_lost_its_newest_events_resets_every_stream() -> None:
    async def run() -> None:
        log = Log(9)
        hub = Hub(log, most=1)
        with hub.seat():
            follower = await joined(hub, Wanted(frozenset({"b"})))
            del log.events[5:]
            log.base = 100
            await until(lambda: follower.behind)
            assert (told(follower), hub.at, hub.floor) == ([5], 5, 5)

    asyncio.run(run())


def test_a_bug_ends_the_streams_and_the_next_one_begins_anew() -> None:
    async def run() -> None:
        log = Log(1)
        hub = Hub(log, most=2)
        with hub.seat():
            follower = await joined(hub)
            log.events.append({"event": "move"})  # type: ignore[typeddict-item]
            await until(lambda: follower.over)
            assert hub._task is not None
            with pytest.raises(KeyError):
                hub._task.result()
            log.events.pop()
            await hub.begun()
            assert hub.at == 1

    asyncio.run(run())


def test_a_stream_that_a_bug_overtook_is_over() -> None:
    async def run() -> None:
        log = Log(1)
        hub = Hub(log, most=1)
        with hub.seat():
            await hub.begun()
            log.events.append({"event": "move"})  # type: ignore[typeddict-item]
            await until(lambda: hub._task is not None and hub._task.done())
            follower = Follower(ALL, lambda: None)
            hub.join(follower, hub.at)
            assert follower.over
            assert hub._task is not None
            assert isinstance(hub._task.exception(), KeyError)

    asyncio.run(run())
