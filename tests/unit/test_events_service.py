"""Following near by: how often it looks, and what a commit says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from pinset.domain.records import ComponentRecord, FoundingRecord, Stamp
from pinset.ports.registry import Caller
from pinset.services import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

WHO = Caller(actor="ana")


class EnoughError(Exception):
    """The test has seen enough."""


def pauses(registry: LocalRegistry, count: int) -> list[float]:
    """The first pauses of somebody who follows a registry in which nothing happens."""
    found: list[float] = []

    def sleep(seconds: float) -> None:
        found.append(seconds)
        if len(found) == count:
            raise EnoughError

    with pytest.raises(EnoughError):
        list(events.follow(registry._context, sleep=sleep))
    return found


def test_it_looks_less_often_the_longer_nothing_happens(memory: LocalRegistry) -> None:
    found = pauses(memory, 12)
    assert found == sorted(found)
    assert (found[0], found[-1]) == (events.SHORTEST, events.LONGEST)


def test_a_catalog_without_marks_is_read_now_and_then(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch, manifest: Callable[..., dict[str, str]]
) -> None:
    monkeypatch.setattr(memory._context.catalog, "mark", lambda: None)
    assert pauses(memory, 3) == [events.MARKLESS] * 3
    told = events.follow(memory._context, sleep=lambda _seconds: memory.publish(WHO, manifest()))
    assert [next(told)["event"], next(told)["event"]] == ["ready", "release"]


def test_the_wait_begins_anew_with_each_event_that_is_wanted(
    memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch, manifest: Callable[..., dict[str, str]]
) -> None:
    now = [0.0]
    monkeypatch.setattr(events, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def sleep(seconds: float) -> None:
        before, now[0] = now[0], now[0] + seconds
        for moment, bundle in ((3, "alpha"), (7, "beta"), (9, "alpha")):
            if before < moment <= now[0]:
                memory.publish(WHO, manifest(bundle, words=str(moment)))

    told = events.follow(memory._context, bundles=["alpha"], wait=5, sleep=sleep)
    assert [event["serial"] for event in told] == [1, 2]
    assert now[0] == pytest.approx(8, abs=0.5)


def test_a_component_and_the_founding_are_no_events_and_a_new_epoch_resets() -> None:
    first = Stamp(serial=1, prev=None, at=0, actor="pinset", operation="op")
    later = Stamp(serial=9, prev="c", at=0, actor="pinset", operation="op")
    component = ComponentRecord(stamp=later, kind="prompts", name="a", version=1, label=None, digest="sha256:0")
    assert events.event_of("c", component) is None
    assert events.event_of("c", FoundingRecord(stamp=first, registry_id="r", epoch=1)) is None
    reset = events.event_of("c", FoundingRecord(stamp=later, registry_id="r", epoch=2))
    assert reset == {"event": "reset", "serial": 9, "data": {"registry": "r", "epoch": 2, "serial": 9}}
