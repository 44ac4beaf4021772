"""Blocks that left one place and arrived at another are told as moved, and only those."""

from __future__ import annotations

import pytest

from pinset.domain.diff import apply, as_html, as_markdown, as_text, compare
from pinset.domain.diff.budget import Budget
from pinset.domain.diff.lines import Move, TextDiff, moves
from pinset.domain.diff.words import text_diff

RULES = "Rules for tools:\n- Use the search first, always.\n- Never guess a price at all.\n\n"
STYLE = "Style of answers:\nBe brief and kind to everybody who asks.\nDo not apologise more than once.\n\n"
SOURCES = "Sources:\nCite the document that you took it from.\n\n"
LONG = "Answer in the language of the customer, be brief, and name the product that fails."


def told(old: str, new: str, **options: int) -> list[Move]:
    """The moves of a difference that is right in any case."""
    diff = text_diff(old, new, Budget(**options))
    assert apply(diff, old) == new
    return list(moves(diff).values())


def unmoved(diff: TextDiff) -> list[str]:
    """What is shown as added or removed."""
    return [line.text for line in diff.lines if line.kind != " " and line.move is None]


def test_a_paragraph_in_another_place_is_moved_and_nothing_else_changed() -> None:
    diff = text_diff(RULES + STYLE + SOURCES, STYLE + SOURCES + RULES)
    assert list(moves(diff).values()) == [Move(1, 4, 8, 11, edited=False)]
    assert unmoved(diff) == []
    assert (diff.added_words, diff.removed_words, diff.nature) == (0, 0, "order")


def test_two_blocks_that_changed_places_with_a_third_are_two_moves() -> None:
    blocks = [f"Part {n} begins here.\nIt says thing {n} and more.\nAnd it ends with {n}.\n" for n in range(3)]
    assert len(told("".join(blocks), "".join(reversed(blocks)))) == 2


def test_a_moved_block_that_was_edited_on_the_way_shows_the_words() -> None:
    diff = text_diff(RULES + STYLE + SOURCES, STYLE + SOURCES + RULES.replace("always", "mostly"))
    assert list(moves(diff).values()) == [Move(1, 4, 8, 11, edited=True)]
    changed = [s.text for line in diff.lines for s in line.segments if s.changed]
    assert changed == ["always", "mostly"]
    assert (diff.added_words, diff.removed_words) == (1, 1)


def test_one_long_line_that_moved_and_was_edited_is_moved() -> None:
    assert told(f"{LONG}\none\ntwo\nthree\n", f"one\ntwo\nthree\n{LONG.replace('brief', 'short')}\n") == [
        Move(1, 1, 4, 4, edited=True)
    ]


@pytest.mark.parametrize(
    "line", ["", "   ", "}", "else:", "</section>", "return None", "- x"], ids=lambda line: line.strip() or "blank"
)
def test_lines_that_match_anywhere_are_not_moved(line: str) -> None:
    assert told(f"{line}\none here\ntwo here\n", f"one here\ntwo here\n{line}\n") == []


def test_a_line_that_is_there_twice_is_not_known_again() -> None:
    rule = "Never guess a price.\n"
    assert told(f"{rule}{rule}one\ntwo\n", f"one\ntwo\n{rule}") == []


def test_another_line_of_some_of_the_same_words_is_new() -> None:
    other = "Answer in the tone of the house, be thorough, and name the order that is late."
    assert told(f"{LONG}\none\ntwo\nthree\n", f"one\ntwo\nthree\n{other}\n") == []


def test_a_line_edited_in_its_place_gives_way_to_the_same_line_elsewhere() -> None:
    old = "Never guess a price, ask for it.\nBe kind to all.\nBe brief with all.\n"
    new = "Never guess a price, look it up.\nBe kind to all.\nBe brief with all.\nNever guess a price, ask for it.\n"
    assert told(old, new) == [Move(1, 1, 4, 4, edited=False)]


def test_the_last_line_moves_though_a_line_feed_ended_it() -> None:
    assert told("Cite the sources.\none\ntwo", "one\ntwo\nCite the sources.") == [Move(1, 1, 3, 3, edited=False)]


def test_a_block_of_which_one_end_is_not_shown_is_not_moved() -> None:
    diff = text_diff(RULES + "x\n" * 50 + "y\n" * 50, "x\n" * 50 + "z\n" * 500 + RULES, Budget(shown=3_000))
    assert diff.abridged
    assert moves(diff) == {}


def page(old: str, new: str) -> dict[str, str]:
    found = compare(*({"prompts": {"p": {"format": "text", "template": text}}} for text in (old, new)))
    forms = {"text": as_text, "markdown": as_markdown, "html": as_html}
    return {name: form(found, old="a", new="b") for name, form in forms.items()}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_every_rendering_says_from_where_and_to_where(form: str) -> None:
    shown = page(RULES + STYLE + SOURCES, STYLE + SOURCES + RULES.replace("always", "mostly"))[form]
    assert "4 lines moved to line 8, edited" in shown
    assert "4 lines moved from line 1, edited" in shown
    assert shown.count("Never guess a price") == 1


def test_the_terminal_shows_a_moved_block_once_with_its_edits() -> None:
    shown = page(RULES + STYLE + SOURCES, STYLE + SOURCES + RULES.replace("always", "mostly"))["text"]
    assert [line for line in shown.split("\n") if line.startswith(("  <", "  >"))] == [
        "  < 4 lines moved to line 8, edited",
        "  > 4 lines moved from line 1, edited",
        "  >   Rules for tools:",
        "  > ~ - Use the search first, [-always-]{+mostly+}.",
        "  >   - Never guess a price at all.",
        "  >",
    ]
