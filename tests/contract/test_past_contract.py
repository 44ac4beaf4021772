"""The registry as it was at a time, near and far: what every reference meant then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish, rollback
from sqlalchemy import event

from pinset import bootstrap
from pinset.domain.messages import format_time, parse_time
from pinset.errors import InvalidInput, InvalidReference, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

NEAR = pytest.mark.parametrize("where", ["memory"], indirect=True)
FAR = pytest.mark.parametrize("where", ["memory", "http"], indirect=True)
"""Over HTTP too: there a directory is behind it. Each way of asking goes over HTTP once; what is answered is the same code."""


def times(registry: Registry, alias: str = ALIAS) -> list[str]:
    """When each move of an alias was made, the first one first."""
    return [item["at"] for item in registry.history(NAME, alias)["items"]][::-1]


def before(moment: str) -> str:
    """A microsecond earlier."""
    return format_time(parse_time(moment) - 1)


def served(registry: Registry, at: str) -> int:
    return registry.past(at).release(f"{NAME}@{ALIAS}")["version"]


@FAR
def test_an_alias_is_what_it_served_then_to_the_microsecond(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2, 3)
    rollback(registry)
    moves = times(registry)
    assert [served(registry, at) for at in moves] == [1, 2, 3, 2]
    assert [served(registry, before(at)) for at in moves[1:]] == [1, 2, 3]
    document = registry.past(moves[1]).release(NAME)
    move = registry.history(NAME, ALIAS)["items"][2]
    assert document["alias"] == {
        "name": ALIAS, "seq": 2, "revision": move["revision"], "moved_at": move["at"], "split": None,
    }  # fmt: skip
    assert document["at"] == moves[1]
    assert "at" not in registry.release(NAME)
    assert registry.past(moves[0]).file(NAME, "prompts/main.md") == "Text 1."
    assert registry.past(moves[1]).sealed(NAME)["digest"] == document["digest"]
    assert registry.past(moves[2]).summary(NAME)["aliases"] == [ALIAS]
    assert registry.past(moves[2]).summary(f"{NAME}@v1")["aliases"] == []


@NEAR
def test_latest_is_the_newest_that_was_there_and_not_yanked_then(registry: Registry) -> None:
    publish(registry, 3)
    registry.yank(ME, f"{NAME}@v3", reason="leaks")
    registry.yank(ME, f"{NAME}@v2", reason="leaks too")
    registry.unyank(ME, f"{NAME}@v3")
    registry.yank(ME, f"{NAME}@v3", reason="after all")
    published = [item["published_at"] for item in registry.releases(NAME)["items"]][::-1]
    happened = [one["at"] for one in (event["data"] for event in registry.events(after=0, wait=0)) if "yanked" in one]

    def latest(at: str) -> int:
        return registry.past(at).release(f"{NAME}@latest")["version"]

    assert [latest(at) for at in published] == [1, 2, 3]
    assert [latest(at) for at in happened] == [2, 1, 3, 1]
    assert registry.past(published[2]).release(f"{NAME}@v3")["yanked"] == "after all", "who looks back is warned too"
    registry.yank(ME, f"{NAME}@v1", reason="all of them")
    with pytest.raises(NotFound, match="was yanked at"):
        latest(registry.describe()["changed_at"])


@FAR
def test_what_was_not_there_yet_is_not_found_and_says_since_when_it_is(registry: Registry) -> None:
    began = registry.describe()["changed_at"]
    publish(registry, 2)
    first, second = [item["published_at"] for item in registry.releases(NAME)["items"]][::-1]
    promote(registry, 1)
    moved = times(registry)[0]
    registry.retire(ME, NAME, ALIAS)
    digest = registry.summary(f"{NAME}@v2")["digest"]
    cases = [
        (first, f"{NAME}@v2", second, "the newest then was v1"),
        (first, f"{NAME}@{digest}", second, "the newest then was v1"),
        (second, NAME, "served nothing", f"its first move was at {moved}, to v1"),
        (began, f"{NAME}@v1", "no bundle", first),
        (began, f"{NAME}@latest", "no bundle", first),
        (began, NAME, "no bundle", first),
        (registry.describe()["changed_at"], NAME, "was retired", f"pinset history {NAME}@{ALIAS}"),
        (second, f"{NAME}@nowhere", "does not exist", "its aliases"),
        (second, f"{NAME}@v9", "there is no support@v9", "pinset releases"),
        (second, "other", "no bundle", ""),
        (before(began), NAME, f"it began at {began}", "later"),
        ("1970-01-01", NAME, f"it began at {began}", "later"),
    ]
    for at, reference, said, hinted in cases:
        with pytest.raises(NotFound) as caught:
            registry.past(at).release(reference)
        assert said in caught.value.message, reference
        assert hinted in caught.value.hint or said == "does not exist", reference
    with pytest.raises(NotFound):
        registry.past(began).history(NAME)
    assert registry.past(second).aliases(NAME)["items"] == []
    assert registry.past(began).bundles()["items"] == []


@NEAR
def test_what_is_no_time_is_refused(registry: Registry) -> None:
    publish(registry, 1)
    for at in ("3mo", "2025-03-14T09:30:00", "", "1" * 65):
        for ask in (lambda r: r.release(f"{NAME}@v1"), lambda r: r.bundles(), lambda r: r.resolve([f"{NAME}@v1"])):
            with pytest.raises(InvalidInput):
                ask(registry.past(at))


@NEAR
def test_the_future_is_refused_and_a_clock_a_little_ahead_is_not(registry: Registry) -> None:
    publish(registry, 1)
    now = parse_time(registry.describe()["changed_at"])
    with pytest.raises(InvalidInput, match="has not come yet"):
        registry.past(format_time(now + 3600_000_000)).release(f"{NAME}@v1")
    assert registry.past(format_time(now + 5_000_000)).release(f"{NAME}@v1")["version"] == 1
    assert registry.past("0s").release(f"{NAME}@v1")["version"] == 1
    with pytest.raises(NotFound):
        registry.past("1d").release(f"{NAME}@v1")


@NEAR
def test_lists_are_of_then(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1)
    registry.publish(ME, files("Else.", bundle="billing"))
    seen = registry.describe()["changed_at"]
    promote(registry, 2)
    registry.promote(ME, "support@v2", "staging")
    publish(registry, 4)
    registry.publish(ME, files("New.", bundle="zebra"), alias=ALIAS)
    past = registry.past(seen)
    billing, support = past.bundles()["items"]
    assert (billing["name"], billing["aliases"]) == ("billing", {})
    assert support["aliases"] == {ALIAS: 1}
    assert (support["releases"], support["newest"], support["at"]) == (2, 2, seen)
    assert support["changed_at"] == times(registry)[0]
    assert past.bundle(NAME) == support
    assert [item["name"] for item in past.bundles(alias=ALIAS)["items"]] == [NAME]
    assert past.bundles(alias="staging")["items"] == []
    assert [item["version"] for item in past.releases(NAME)["items"]] == [2, 1]
    assert [item["version"] for item in past.aliases(NAME)["items"]] == [1]
    assert [item["to"] for item in past.history(NAME)["items"]] == [1]
    page = past.bundles(limit=1)
    assert page["next"] == "billing"
    assert past.bundles(limit=1, cursor=page["next"])["items"] == [support]
    assert past.releases(NAME, limit=1)["next"] == "2"
    with pytest.raises(InvalidInput, match="of now only"):
        past.bundles(uses="guardrails/x")


@NEAR
def test_a_retired_alias_is_of_then(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    registry.retire(ME, NAME, ALIAS)
    first, last = times(registry)
    assert registry.past(first).bundle(NAME)["aliases"] == {ALIAS: 1}
    assert registry.past(last).bundle(NAME)["aliases"] == {ALIAS: None}
    assert [item["name"] for item in registry.past(first).bundles(alias=ALIAS)["items"]] == [NAME]
    assert registry.past(last).bundles(alias=ALIAS)["items"] == []


@NEAR
def test_a_comparison_and_many_references_are_of_then(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    registry.promote(ME, f"{NAME}@v2", "staging")
    first = times(registry)[0]
    promote(registry, 1)
    found = registry.past(times(registry)[1]).diff(f"{NAME}@v1", f"{NAME}@{ALIAS}")
    assert found["verdict"] == "behaviour"
    assert found["to"] == f"{NAME}@v2 ({ALIAS} at {times(registry)[1]})"
    answer = registry.past(first).resolve([NAME, f"{NAME}@staging", f"{NAME}@v2"])
    assert [item["version"] for item in answer["items"]] == [1, None, 2]
    assert (answer["at"], answer["items"][0]["seq"]) == (first, 1)
    assert "served nothing" in (answer["items"][1]["error"] or {})["message"]


@NEAR
def test_a_short_digest_means_what_it_meant_then(registry: Registry) -> None:
    publish(registry, 6)
    rows = registry.releases(NAME)["items"][::-1]
    first = rows[0]
    at = first["published_at"]
    assert registry.past(at).release(f"{NAME}@{first['digest'][:15]}")["version"] == 1
    with pytest.raises((NotFound, InvalidReference)):
        registry.past(at).release(f"{NAME}@{rows[-1]['digest'][:15]}")


@NEAR
def test_a_rollback_takes_the_same_times(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2, 3)
    with pytest.raises(InvalidInput, match="not a time"):
        rollback(registry, at="3mo")
    assert rollback(registry, at=times(registry)[1])["to"] == 2


@FAR
def test_the_past_is_of_now_where_nothing_changed_since(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 3)
    registry.yank(ME, f"{NAME}@v2", reason="x")
    past = registry.past(registry.describe()["changed_at"])

    def told(answer: Any) -> Any:
        if isinstance(answer, dict):
            return {key: told(value) for key, value in answer.items() if key != "at" or "seq" in answer}
        return [told(item) for item in answer] if isinstance(answer, list) else answer

    for ask in (
        lambda r: r.release(NAME),
        lambda r: r.sealed(f"{NAME}@latest"),
        lambda r: r.summary(f"{NAME}@v3"),
        lambda r: r.bundles(),
        lambda r: r.bundle(NAME),
        lambda r: r.releases(NAME),
        lambda r: r.history(NAME),
        lambda r: r.resolve([NAME, "x"]),
    ):
        assert told(ask(past)) == told(ask(registry))
    aliases = registry.aliases(NAME)["items"]
    assert [{**item, "at": ""} for item in past.aliases(NAME)["items"]] == [{**item, "at": ""} for item in aliases]


# What it costs


def statements(registry: LocalRegistry, work: Callable[[LocalRegistry], Any]) -> int:
    """How many statements the catalog is asked."""
    engine: Any = registry._context.catalog._engine  # type: ignore[attr-defined] # the one in memory has an engine
    count = 0

    def tick(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(engine, "before_cursor_execute", tick)
    try:
        work(registry)
    finally:
        event.remove(engine, "before_cursor_execute", tick)
    return count


def test_looking_back_halves_and_does_not_scan() -> None:
    registry = bootstrap.memory_registry()
    publish(registry, 60)
    promote(registry, *range(1, 61))
    assert registry.describe()["serial"] == 121
    first = times(registry)[1]
    for ask in (
        lambda r: r.past(first).sealed(NAME),
        lambda r: r.past(first).sealed(f"{NAME}@v2"),
        lambda r: r.past(first).sealed(f"{NAME}@latest"),
        lambda r: r.past(first).bundle(NAME),
    ):
        assert statements(registry, ask) <= 24, (
            "seven halvings of 121 writes, as many of the releases, and what is read"
        )
    registry.close()
