"""Blame near and far: the release and the move behind each line, of an alias and of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish, rollback

from pinset.domain import blame as rules
from pinset.errors import InvalidInput, NotFound, PinsetError, Purged, TooLarge
from pinset.ports.registry import Caller
from pinset.services import blaming

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

PATH = "prompts/main.md"
BOT = {"authors": ["Grace Hopper <grace@example.com>"], "ci": "GitHub Actions", "commit": "a" * 40}

NEAR = pytest.mark.parametrize("where", ["memory"], indirect=True)
FAR = pytest.mark.parametrize("where", ["memory", "http"], indirect=True)
"""Over HTTP too: there a directory is behind it. Each way of asking goes over HTTP once; what is answered is the same code."""


def told(answer: Any) -> list[tuple[Any, ...]]:
    """Text, version and move of each line; and the move since which it is there again."""
    origins = answer["origins"]
    return [
        (
            line["text"],
            origins[line["origin"]]["version"],
            (origins[line["origin"]]["move"] or {}).get("seq"),
            (origins[line["since"]]["move"] or {}).get("seq"),
        )
        for line in answer["lines"]
    ]


@FAR
def test_each_line_has_its_release_its_move_and_its_people(registry: Registry) -> None:
    registry.publish(ME, files("Be kind.\nBe brief.\n"), alias=ALIAS, message="the first")
    registry.publish(ME, files("Be kind.\nBe brief.\nNever promise.\n"), message="no refunds", source=BOT)
    registry.promote(ME, f"{NAME}@v2", ALIAS, reason="ML-812")
    answer = registry.blame(f"{NAME}@{ALIAS}", PATH)
    assert told(answer) == [("Be kind.", 1, 1, 1), ("Be brief.", 1, 1, 1), ("Never promise.", 2, 2, 2)]
    assert (answer["ref"], answer["alias"], answer["path"]) == (f"{NAME}@v2", ALIAS, PATH)
    assert (answer["complete"], answer["coarse"]) == (True, False)
    assert [line["number"] for line in answer["lines"]] == [1, 2, 3]
    first, second = answer["origins"]
    move = registry.history(NAME, ALIAS)["items"][0]
    assert second["source"] == BOT
    assert (second["message"], second["published_at"]) == (
        "no refunds", registry.summary(f"{NAME}@v2")["published_at"],
    )  # fmt: skip
    assert second["move"] is not None
    assert {**second["move"], "person": ""} == {
        "seq": 2, "action": "promote", "at": move["at"], "by": move["actor"], "reason": "ML-812",
        "revision": move["revision"], "person": "",
    }  # fmt: skip
    assert second["move"]["person"]
    assert (first["source"], first["message"]) == (None, "the first")


@NEAR
def test_an_alias_tells_what_it_served_and_a_version_what_was_published(registry: Registry) -> None:
    for text in ("A\n", "A\nB\n", "A\nB\nC\n", "A\nC\n"):
        registry.publish(ME, files(text))
    promote(registry, 1, 3)
    assert told(registry.blame(f"{NAME}@{ALIAS}", PATH)) == [("A", 1, 1, 1), ("B", 3, 2, 2), ("C", 3, 2, 2)]
    assert told(registry.blame(f"{NAME}@v3", PATH)) == [
        ("A", 1, None, None),
        ("B", 2, None, None),
        ("C", 3, None, None),
    ]
    assert told(registry.blame(f"{NAME}@latest", PATH)) == [("A", 1, None, None), ("C", 3, None, None)]
    assert registry.blame(NAME, PATH)["alias"] == ALIAS, "without a selector: production"
    digest = registry.summary(f"{NAME}@v2")["digest"]
    assert registry.blame(f"{NAME}@{digest}", PATH)["version"] == 2


@NEAR
def test_a_rollback_gives_lines_back_and_says_since_when(registry: Registry) -> None:
    for text in ("A\nB\n", "A\nX\n", "A\nY\nX\n"):
        registry.publish(ME, files(text))
    promote(registry, 1, 2)
    rollback(registry)
    assert told(registry.blame(NAME, PATH)) == [("A", 1, 1, 1), ("B", 1, 1, 3)]
    registry.retire(ME, NAME, ALIAS)
    promote(registry, 3)
    assert told(registry.blame(NAME, PATH)) == [("A", 1, 1, 1), ("Y", 3, 5, 5), ("X", 2, 2, 5)]


@NEAR
def test_blame_is_of_then(registry: Registry) -> None:
    for text in ("A\n", "A\nB\n"):
        registry.publish(ME, files(text), alias=ALIAS)
    first, second = [item["at"] for item in registry.history(NAME, ALIAS)["items"]][::-1]
    then = registry.past(first).blame(NAME, PATH)
    assert told(then) == [("A", 1, 1, 1)]
    assert then["at"] == first
    assert told(registry.past(second).blame(NAME, PATH)) == told(registry.blame(NAME, PATH))
    with pytest.raises(NotFound):
        registry.past("1970-01-01").blame(NAME, PATH)


@FAR
def test_what_is_not_there_says_what_is(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    cases: list[tuple[str, str, type[PinsetError], str]] = [
        (NAME, "prompts/man.md", NotFound, "prompts/main.md"),
        (NAME, "main.md", NotFound, "prompts/main.md"),
        (NAME, "zzz", NotFound, "its files are"),
        (NAME, "../x", InvalidInput, ""),
        (NAME, "", InvalidInput, ""),
        (NAME, "manifest.json", InvalidInput, "a file of the author's"),
        (f"{NAME}@v9", PATH, NotFound, "pinset releases"),
        (f"{NAME}@canary", PATH, NotFound, "its aliases are"),
        ("nothing", PATH, NotFound, ""),
    ]
    for reference, path, error, says in cases:
        with pytest.raises(error) as caught:
            registry.blame(reference, path)
        assert says in caught.value.hint


# What it is bounded by


def test_it_looks_as_far_back_as_there_is_room(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(1, 7):
        text = "".join(f"{number}\n" for number in range(count))
        memory.publish(ME, files(text), alias=ALIAS)
    assert [line[1] for line in told(memory.blame(NAME, PATH))] == [1, 2, 3, 4, 5, 6]
    monkeypatch.setattr(blaming, "STATES", 3)
    for reference in (NAME, f"{NAME}@v6"):
        answer = memory.blame(reference, PATH)
        assert [line[1] for line in told(answer)] == [4, 4, 4, 4, 5, 6]
        assert not answer["complete"]
    monkeypatch.setattr(blaming, "STATES", 6)
    assert memory.blame(NAME, PATH)["complete"]
    monkeypatch.setattr(blaming, "Budget", lambda: rules.Budget(lines=12))
    answer = memory.blame(NAME, PATH)
    assert [line[1] for line in told(answer)] == [5, 5, 5, 5, 5, 6]
    assert not answer["complete"]


def test_a_text_of_too_many_lines_is_refused(memory: LocalRegistry) -> None:
    memory.publish(ME, files("x\n" * (rules.LONGEST + 1)), alias=ALIAS)
    with pytest.raises(TooLarge, match="50,001 lines"):
        memory.blame(NAME, PATH)
    memory.publish(ME, files("x\n" * rules.LONGEST), alias=ALIAS)
    assert len(memory.blame(NAME, PATH)["lines"]) == rules.LONGEST


def test_a_file_that_came_later_is_all_of_the_release_that_brought_it(memory: LocalRegistry) -> None:
    publish(memory, 1)
    more = {**files("Text.", extra="  configs: {more: more.txt}\n"), "more.txt": "A\nB"}
    memory.publish(ME, more)
    memory.publish(Caller(actor="bob", person="Bob"), {**more, "more.txt": "A\nB\nC"})
    promote(memory, 1, 2, 3)
    answer = memory.blame(NAME, "more.txt")
    assert told(answer) == [("A", 2, 2, 2), ("B", 2, 2, 2), ("C", 3, 3, 3)]
    assert [(origin["by"], origin["person"]) for origin in answer["origins"]] == [("ada", "ada"), ("bob", "Bob")]


@NEAR
def test_it_looks_as_far_back_as_nothing_was_purged(registry: Registry) -> None:
    for number in range(1, 4):
        registry.publish(ME, files(f"Be kind.\nLine {number}.\n"), alias=ALIAS)
    registry.purges.purge(ME, f"{NAME}@v2", files=[PATH], reason="leak")
    found = registry.blame(f"{NAME}@{ALIAS}", PATH)
    assert told(found) == [("Be kind.", 3, 3, 3), ("Line 3.", 3, 3, 3)]
    assert not found["complete"]
    with pytest.raises(Purged):
        registry.blame(f"{NAME}@v2", PATH)
