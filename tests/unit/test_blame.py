"""Blame: where each line comes from, whatever happened to the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.blame import Budget, State, blame, lines_of

if TYPE_CHECKING:
    from collections.abc import Sequence


def states(*texts: str | tuple[int, str]) -> list[State]:
    """States of texts, a letter a line. ``(1, "AB")``: a rollback to the state at a position. ``-``: there is no file."""
    made: list[State] = []
    for position, text in enumerate(texts):
        if isinstance(text, tuple):
            made.append(made[text[0]]._replace(undoes=True))
            assert "".join(made[-1].lines or ()) == text[1]
        else:
            made.append(State(position, None if text == "-" else list(text)))
    return made


def told(*texts: str | tuple[int, str]) -> str:
    """The lines of the last state, each with its origin, and after ``/`` since when it is there again."""
    lines = blame(states(*texts))
    return " ".join(
        f"{line.text}{line.origin}" + (f"/{line.since}" if line.since != line.origin else "") for line in lines
    )


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("AB",), "A0 B0"),
        (("AB", "AXB"), "A0 X1 B0"),
        (("AB", "XAB", "XAYB"), "X1 A0 Y2 B0"),
        (("AB", "A", "AB"), "A0 B2"),
        (("", "A"), "A1"),
        (("-", "A"), "A1"),
        (("A", "-", "A"), "A2"),
        (("A", "-"), ""),
        (("A", ""), ""),
        ((), ""),
        (("A", "AA"), "A0 A1"),
        (("AA", "A", "AA"), "A0 A2"),
    ],
)
def test_a_line_is_of_the_state_that_brought_it(texts: tuple[str, ...], expected: str) -> None:
    assert told(*texts) == expected


def test_a_line_that_moves_within_the_text_keeps_its_origin() -> None:
    assert told("ABCD", "BCDA") == "B0 C0 D0 A0"
    assert told("ABC", "XCBA") == "X1 C0 B0 A0"
    assert told("AB", "BAA") == "B0 A0 A1"


def test_a_rollback_brings_lines_back_with_the_origins_they_had() -> None:
    assert told("AB", "AC", (0, "AB")) == "A0 B0/2"
    assert told("A", "AB", "C", (1, "AB")) == "A0/3 B1/3"
    assert told("A", "AB", "ABC", (1, "AB")) == "A0 B1"


def test_what_a_rollback_took_away_keeps_its_first_origin_when_it_comes_again() -> None:
    assert told("A", "AX", (0, "A"), "AYX") == "A0 Y3 X1/3"
    assert told("A", "AX", (0, "A"), "AX", "A", "AX") == "A0 X5", "an edit took it away since"
    assert told("A", "AX", (0, "A"), "AXX") == "A0 X1/3 X3", "it came once"


def test_a_release_that_is_served_again_without_a_rollback_brings_its_lines_too() -> None:
    first, second = State(1, ["A", "B"]), State(2, ["A", "C"])
    lines = blame([first, second, first])
    assert [(line.origin, line.since) for line in lines] == [(0, 0), (0, 2)]


def test_origins_that_were_given_back_are_not_given_twice() -> None:
    line = states("A", "AX", (0, "A"))
    again = [*line, line[1], State(9, ["A"]), State(10, ["A", "X"])]
    assert [(one.text, one.origin) for one in blame(again)] == [("A", 0), ("X", 5)]


TEXTS = st.lists(st.text("ABCDE", max_size=8), min_size=1, max_size=8)


def steps(texts: Sequence[str], undone: Sequence[int]) -> list[State]:
    """Edits, and between them rollbacks to a state before."""
    made: list[State] = []
    for number, text in enumerate(texts):
        made.append(State(number, list(text)))
        if number < len(undone) and undone[number] < len(made):
            made.append(made[undone[number]]._replace(undoes=True))
    return made


def times(state: State, line: str) -> int:
    return list(state.lines or ()).count(line)


@given(TEXTS, st.lists(st.integers(0, 20), max_size=8), st.sampled_from([0, 10, 10**9]))
def test_the_origin_holds_the_line_more_often_than_the_state_before(
    texts: list[str], undone: list[int], cells: int
) -> None:
    line = steps(texts, undone)
    found = blame(line, Budget(cells=cells))
    assert [one.text for one in found] == list(line[-1].lines or ())
    for one in found:
        before = line[one.origin - 1] if one.origin else State(None, None)
        assert times(line[one.origin], one.text) > times(before, one.text)
        assert one.origin <= one.since
        assert all(one.text in (state.lines or ()) for state in line[one.since :]), "it was there without a break"


@given(TEXTS)
def test_edits_alone_never_give_a_line_back(texts: list[str]) -> None:
    assert all(one.origin == one.since for one in blame(steps(texts, [])))


def test_what_does_not_fit_is_matched_by_what_it_says_and_said_to_be() -> None:
    budget = Budget(cells=5)
    lines = blame(states("xABCy", "xBADy"), budget)
    assert budget.coarse
    assert [(one.text, one.origin) for one in lines] == [("x", 0), ("B", 0), ("A", 0), ("D", 1), ("y", 0)]
    fine = Budget(cells=9)
    blame(states("xABCy", "xBADy"), fine)
    assert (fine.coarse, fine.cells) == (False, 0)


def test_loading_ends_where_the_room_does() -> None:
    budget = Budget(lines=3, characters=10)
    assert budget.load(["a", "b"])
    assert not budget.load(["c", "d"])
    assert not Budget(lines=3, characters=1).load(["ab"])


def test_a_state_whose_text_is_the_same_costs_nothing() -> None:
    lines = ["A", "B"]
    budget = Budget(cells=0)
    found = blame([State(number, lines) for number in range(5)], budget)
    assert not budget.coarse
    assert [line.origin for line in found] == [0, 0]


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\n\n", ["a", ""]), ("\n", [""]), ("a\r\nb", ["a\r", "b"]), ("a\u2028b", ["a\u2028b"])],
)  # fmt: skip
def test_lines_end_with_line_feeds_alone(text: str, lines: list[str]) -> None:
    assert lines_of(text) == lines
