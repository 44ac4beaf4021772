"""What `ports.registry.Registry.events` promises, held near (in memory, in a directory) and far (over HTTP)."""

from __future__ import annotations

import threading
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import InvalidInput, InvalidName
from pinset.ports.registry import Caller
from pinset.services.events import FARTHEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.answers.events import EventAnswer
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

WHO = Caller(actor="ada@example")


def told(registry: Registry, **asked: Any) -> list[EventAnswer]:
    """What is there to be told already, without the greeting."""
    greeting, *rest = registry.events(**asked, wait=0)
    assert greeting["event"] == "ready"
    return rest


def names(events: list[EventAnswer]) -> list[str]:
    return [event["event"] for event in events]


@pytest.fixture
def stocked(registry: Registry, manifest: Callable[..., dict[str, str]]) -> Registry:
    """Two bundles, of which one has moved, been rolled back, retired and yanked."""
    registry.publish(WHO, manifest("alpha"), alias="production", message="first")
    registry.publish(WHO, manifest("alpha", words="b"), label="2.0")
    registry.promote(WHO, "alpha@v2", "production", reason="better")
    registry.promote(WHO, "alpha@v2", "staging")
    registry.rollback(WHO, "alpha", "production", reason="worse")
    registry.yank(WHO, "alpha@v2", reason="bad")
    registry.unyank(WHO, "alpha@v2")
    registry.retire(WHO, "alpha", "staging")
    registry.publish(WHO, manifest("beta"))
    return registry


def test_every_release_move_and_yank_is_an_event_by_serial(stocked: Registry) -> None:
    events = told(stocked, after=1)
    assert names(events) == ["release", "move", "release", *["move"] * 3, "yank", "yank", "move", "release"]
    assert [event["serial"] for event in events] == list(range(2, 12))
    assert all(event["data"]["serial"] == event["serial"] for event in events)  # type: ignore[typeddict-item]


def test_an_event_says_what_the_history_says(stocked: Registry) -> None:
    events: list[Any] = told(stocked, after=1)
    moves = [event["data"] for event in events if event["event"] == "move"]
    items: list[Any] = stocked.history("alpha")["items"][::-1]
    for item in items:
        del item["back"], item["again"], item["purged"], item["authors"]
    assert moves == items
    published = stocked.summary("alpha@v2")
    release = events[2]["data"]
    assert {name: release[name] for name in ("version", "label", "digest", "serial")} == {
        name: published[name]  # type: ignore[literal-required]
        for name in ("version", "label", "digest", "serial")
    }
    assert (release["actor"], release["at"]) == (published["published_by"], published["published_at"])
    assert events[0]["data"]["message"] == "first"
    assert [event["data"]["yanked"] for event in events if event["event"] == "yank"] == ["bad", None]


def test_the_greeting_says_which_registry_and_where_it_stands(stocked: Registry) -> None:
    stands = stocked.describe()
    data = {"registry": stands["id"], "epoch": stands["epoch"], "serial": stands["serial"]}
    assert list(stocked.events(wait=0)) == [{"event": "ready", "serial": 11, "data": data}]
    assert next(iter(stocked.events(after=4, wait=0))) == {"event": "ready", "serial": 4, "data": data}


@pytest.mark.parametrize(
    ("chosen", "serials"),
    [
        ({"bundles": ["beta"]}, [11]),
        ({"bundles": ["alpha", "beta"]}, list(range(2, 12))),
        ({"bundles": ["gamma"]}, []),
        ({"aliases": ["staging"]}, [6, 10]),
        ({"aliases": ["production", "staging"]}, [3, 5, 6, 7, 10]),
        ({"bundles": ["beta"], "aliases": ["staging"]}, []),
    ],
)
def test_bundles_choose_events_and_aliases_choose_moves(
    stocked: Registry, chosen: dict[str, Any], serials: list[int]
) -> None:
    assert [event["serial"] for event in told(stocked, after=1, **chosen)] == serials


@pytest.mark.parametrize("wrong", [{"bundles": ["A b"]}, {"aliases": [""]}, {"aliases": ["v1"]}])
def test_names_are_checked_at_once(registry: Registry, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidName):
        registry.events(**wrong)


def test_too_many_names_are_refused(registry: Registry) -> None:
    with pytest.raises(InvalidInput):
        registry.events(bundles=[f"b{n}" for n in range(1001)])


@pytest.mark.parametrize("after", [12, 10**15])
def test_a_serial_that_is_not_known_resets(stocked: Registry, after: int) -> None:
    (reset,) = told(stocked, after=after, bundles=["beta"])
    assert (reset["event"], reset["serial"]) == ("reset", 11)
    assert reset["data"]["serial"] == 11  # type: ignore[typeddict-item]


def test_too_far_back_resets(near: LocalRegistry, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinset.services.events.FARTHEST", 2)
    assert FARTHEST > 2
    for number in range(3):
        near.publish(WHO, {"release.yaml": f'release:\n  feature: a\n  prompt: {{text: "{number}"}}\n'})
    far = [event["serial"] for event in told(registry, after=2)]
    assert far == [3, 4]
    # What a server still has at hand it tells all the same.
    assert names(told(registry, after=1)) in (["reset"], ["release"] * 3)


def test_what_happens_later_is_told_too(registry: Registry, manifest: Callable[..., dict[str, str]]) -> None:
    events = registry.events(wait=60)
    assert next(events)["event"] == "ready"
    for number in range(3):
        registry.publish(WHO, manifest(words=str(number)), alias="production")
        found = list(islice(events, 2))
        assert names(found) == ["release", "move"]
        assert found[1]["data"]["to"] == number + 1  # type: ignore[typeddict-item]
    events.close()  # type: ignore[attr-defined]


def test_more_than_a_page_is_told_in_order(near: LocalRegistry, registry: Registry) -> None:
    near.publish(WHO, {"release.yaml": 'release:\n  feature: a\n  prompt: {text: "x"}\n'})
    for number in range(210):
        near.promote(WHO, "a@v1", f"a{number}")
    assert [event["serial"] for event in told(registry, after=0)] == list(range(2, 213))


@pytest.mark.parametrize("where", ["memory", "http"])
def test_nothing_is_lost_or_told_twice_while_many_write_and_readers_come_back(
    where: str, near: LocalRegistry, registry: Registry
) -> None:
    near.publish(WHO, {"release.yaml": 'release:\n  feature: a\n  prompt: {text: "x"}\n'})

    def write(who: int) -> None:
        for number in range(25):
            near.promote(WHO, "a@v1", f"a{who}-{number}")

    writers = [threading.Thread(target=write, args=(who,)) for who in range(8)]
    for writer in writers:
        writer.start()
    found: list[int] = []
    at = 2
    while len(found) < 200:
        # Each reader leaves after a few events, and the next goes on after the last one's.
        events = registry.events(after=at, aliases=[f"a{who}-{n}" for who in range(8) for n in range(25)], wait=60)
        assert next(events)["serial"] == at
        found += [event["serial"] for event in islice(events, min(7, 200 - len(found)))]
        at = found[-1]
        events.close()  # type: ignore[attr-defined]
    for writer in writers:
        writer.join()
    assert found == list(range(3, 203))
    assert told(registry, after=at) == []
