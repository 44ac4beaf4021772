"""What the served release has that a candidate lacks: three-way, by lines and by paths."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff.lacking import MOST, Lack, distance, lacking


def prompt(text: str, **more: Any) -> dict[str, Any]:
    return {"prompts": {"default": {"format": "text", "template": text, **more}}}


def model(**params: Any) -> dict[str, Any]:
    return {"models": {"default": {"id": "m", "params": params}}}


def three(base: dict[str, Any], serves: dict[str, Any], candidate: dict[str, Any]) -> list[Lack]:
    return list(lacking(base, serves, candidate)[0])


def told(found: list[Lack]) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return [(one.kind, one.added, one.removed) for one in found]


BASE = "one\ntwo\nthree\nfour\nfive\nsix\n"
TEXTS: dict[str, tuple[str, str, list[Any]]] = {
    "nothing changed since": (BASE, BASE.replace("two", "2"), []),
    "the candidate is the base": (BASE.replace("two", "2"), BASE, [("lacks", ("2",), ("two",))]),
    "the candidate has it": (BASE.replace("two", "2"), BASE.replace("two", "2"), []),
    "the candidate has it and more": (BASE.replace("two", "2"), BASE.replace("two", "2").replace("six", "6"), []),
    "a line added, the candidate edited far away": (
        BASE.replace("two\n", "two\nfix\n"),
        BASE.replace("six", "6"),
        [("lacks", ("fix",), ())],
    ),
    "a line taken out, the candidate still has it": (
        BASE.replace("two\n", ""),
        BASE.replace("six", "6"),
        [("lacks", (), ("two",))],
    ),
    "the same line changed otherwise": (
        BASE.replace("two", "2"),
        BASE.replace("two", "zwei"),
        [("conflict", ("2",), ("two",))],
    ),
    "taken out here, edited there": (BASE.replace("two\n", ""), BASE.replace("two", "2"), [("conflict", (), ("two",))]),
    "both add at the end, each its own": (BASE + "fix\n", BASE + "new\n", [("conflict", ("fix",), ())]),
    "both add at the end, the candidate both": (BASE + "fix\n", BASE + "fix\nnew\n", []),
    "the candidate has the line elsewhere": (BASE.replace("two\n", "two\nfix\n"), "fix\n" + BASE, []),
    "the neighbour line is edited by the candidate": (
        BASE.replace("two", "2"),
        BASE.replace("three", "3"),
        [("lacks", ("2",), ("two",))],
    ),
    "inserted right before what the candidate edited": (
        BASE.replace("three\n", "fix\nthree\n"),
        BASE.replace("three", "3"),
        [("lacks", ("fix",), ())],
    ),
    "edited right after what the candidate inserted": (
        BASE.replace("three", "3"),
        BASE.replace("three\n", "new\nthree\n"),
        [("lacks", ("3",), ("three",))],
    ),
    "several, of which the candidate has one": (
        BASE.replace("two", "2").replace("five", "5"),
        BASE.replace("two", "2"),
        [("lacks", ("5",), ("five",))],
    ),
    "a block in whose middle the candidate edits": (
        BASE.replace("two\nthree\nfour\n", "2\n3\n4\n"),
        BASE.replace("three", "iii"),
        [("conflict", ("2", "3", "4"), ("two", "three", "four"))],
    ),
    "the candidate took the whole place out": (
        BASE.replace("three", "3"),
        "one\nsix\n",
        [("conflict", ("3",), ("three",))],
    ),
    "line endings alone": (BASE.replace("\n", "\r\n"), BASE, []),
    "an edit, and the candidate has other line endings": (
        BASE.replace("two", "2"),
        BASE.replace("\n", "\r\n"),
        [("lacks", ("2",), ("two",))],
    ),
    "the order alone": (BASE.replace("one\ntwo\n", "two\none\n"), BASE, [("lacks", ("one",), ())]),
    "emptied": ("", BASE, [("lacks", (), tuple(BASE.split()))]),
    "the last line feed": (BASE.rstrip("\n"), BASE, []),
}


@pytest.mark.parametrize(("serves", "candidate", "expected"), TEXTS.values(), ids=TEXTS)
def test_a_text_lacks_by_lines(serves: str, candidate: str, expected: list[Any]) -> None:
    found = three(prompt(BASE), prompt(serves), prompt(candidate))
    if expected and expected[0][1] == ("one",):  # which of two lines moved is the comparison's own choice
        assert [one.kind for one in found] == ["lacks", "lacks"] or told(found) == expected
        return
    assert told(found) == expected
    assert all((one.component, one.name, one.path) == ("prompt", "default", "template") for one in found)


def test_a_line_is_named_as_the_served_text_and_the_candidate_count_it() -> None:
    (one,) = three(prompt(BASE), prompt("zero\n" + BASE.replace("five", "5")), prompt("zero\nhalf\n" + BASE))[-1:]
    assert (one.line, one.candidate_line) == (6, 7)


VALUES: dict[str, tuple[Any, Any, Any, list[Any]]] = {
    "still as the base": (0.2, 0.3, 0.2, [("lacks", 0.2, 0.3, 0.2)]),
    "the same now": (0.2, 0.3, 0.3, []),
    "otherwise in both": (0.2, 0.3, 0.5, [("conflict", 0.2, 0.3, 0.5)]),
    "changed by the candidate alone": (0.2, 0.2, 0.5, []),
    "added": (None, 0.3, None, [("lacks", None, 0.3, None)]),
    "added otherwise": (None, 0.3, 0.5, [("conflict", None, 0.3, 0.5)]),
    "taken out": (0.2, None, 0.2, [("lacks", 0.2, None, 0.2)]),
    "taken out, and changed by the candidate": (0.2, None, 0.5, [("conflict", 0.2, None, 0.5)]),
    "changed, and taken out by the candidate": (0.2, 0.3, None, [("conflict", 0.2, 0.3, None)]),
    "one and true": (1, True, 1, [("lacks", 1, True, 1)]),
    "one and 1.0": (1, 1.0, 1, []),
    "a short text": ("low", "high", "low", [("lacks", "low", "high", "low")]),
    "an item added": (["a"], ["a", "b"], ["a"], [("lacks", None, "b", None)]),
    "an item added, the candidate has it": (["a"], ["a", "b"], ["x", "a", "b"], []),
    "an item added by each": (["a"], ["a", "b"], ["a", "c"], [("conflict", None, "b", "c")]),
    "an item added by each, the candidate has both": (["a"], ["a", "b"], ["a", "c", "b"], []),
    "an item changed": (["a", "b"], ["a", "B"], ["a", "b", "c"], [("lacks", "b", "B", "b")]),
    "inside an object": ({"x": 1, "y": 1}, {"x": 2, "y": 1}, {"x": 1, "y": 3}, [("lacks", 1, 2, 1)]),
    "another type": ({"x": 1}, [1], {"x": 1}, [("lacks", {"x": 1}, [1], {"x": 1})]),
}


@pytest.mark.parametrize(("base", "serves", "candidate", "expected"), VALUES.values(), ids=VALUES)
def test_a_value_lacks_by_path(base: Any, serves: Any, candidate: Any, expected: list[Any]) -> None:
    sides = [model(**({} if value is None else {"stop": value})) for value in (base, serves, candidate)]
    found = three(*sides)
    assert [(one.kind, one.base, one.serves, one.candidate) for one in found] == expected
    assert all(one.path.startswith("params.stop") and one.line is None for one in found)


def test_a_whole_part_is_a_place() -> None:
    guarded = {"guardrails": {"pii": {"version": 2}}}
    assert [(one.kind, one.component, one.name, one.path) for one in three({}, guarded, {})] == [
        ("lacks", "guardrail", "pii", "")
    ]
    assert [one.kind for one in three(guarded, {}, guarded)] == ["lacks"]
    assert three({}, guarded, guarded) == []
    edited = {"guardrails": {"pii": {"version": 3}}}
    assert [one.kind for one in three(guarded, edited, {})] == ["conflict"]


def test_messages_are_matched_though_the_candidate_has_one_more() -> None:
    system, user = {"role": "system", "template": "Be kind.\nBe short.\n"}, {"role": "user", "template": "{{q}}"}
    fixed = {**system, "template": "Be kind.\nNever promise refunds.\nBe short.\n"}
    sides = [
        {"prompts": {"default": {"messages": m}}}
        for m in ([system, user], [fixed, user], [system, {"placeholder": "h"}, user])
    ]
    (one,) = three(*sides)
    assert (one.kind, one.path, one.added) == ("lacks", "messages[0].template", ("Never promise refunds.",))


def test_a_shared_component_is_told_by_its_versions() -> None:
    sides = [{"components": {"guardrails/pii": {"version": v, "digest": f"sha256:{v}"}}} for v in (2, 3, 2)]
    (one,) = three(*sides)
    assert (one.component, one.name, one.path, one.serves, one.candidate) == (
        "guardrail",
        "pii",
        "component",
        "v3",
        "v2",
    )


def test_what_people_write_for_each_other_undoes_nothing() -> None:
    assert three({"metadata": {"ticket": "A"}}, {"metadata": {"ticket": "B"}}, {"metadata": {"ticket": "C"}}) == []


def test_very_many_places_are_counted() -> None:
    sides = [model(**{f"p{n}": value for n in range(MOST + 7)}) for value in (1, 2, 1)]
    found, more = lacking(*sides)
    assert (len(found), more) == (MOST, 7)


def test_two_texts_that_share_nothing_are_compared_within_bounds() -> None:
    sides = [prompt("".join(f"{side}{n}\n" for n in range(60_000))) for side in "bsc"]
    (one,) = three(*sides)
    assert one.kind == "conflict"


WORDS = st.lists(st.sampled_from(["a", "b", "c", "", "d\r"]), max_size=8).map(
    lambda lines: "".join(f"{x}\n" for x in lines)
)


@given(WORDS, WORDS, WORDS)
def test_who_has_what_is_served_lacks_nothing(base: str, serves: str, candidate: str) -> None:
    assert three(prompt(base), prompt(serves), prompt(serves)) == []
    assert three(prompt(base), prompt(base), prompt(candidate)) == []
    assert all(one.kind == "lacks" for one in three(prompt(base), prompt(serves), prompt(base)))
    plain = [text.replace("\r", "").rstrip("\n") for text in (base, serves)]
    if plain[0] != plain[1] and "\r" not in base + serves and base.strip() and serves.strip():
        assert three(prompt(base), prompt(serves), prompt(base)) or sorted(plain[0]) == sorted(plain[1])
    for one in three(prompt(base), prompt(serves), prompt(candidate)):
        lines = [line.rstrip("\r") for line in serves.split("\n")]
        assert set(one.added) <= set(lines)


@given(WORDS, WORDS)
def test_distance_is_none_to_itself_and_the_same_both_ways(one: str, other: str) -> None:
    assert distance(prompt(one), prompt(one)) == 0
    assert distance(prompt(one), prompt(other)) == distance(prompt(other), prompt(one))
