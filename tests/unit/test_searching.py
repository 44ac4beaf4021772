"""Words, queries, and where a text holds them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.searching import INDEXED, LONGEST, SHOWN, find, indexed, parse
from pinset.errors import InvalidInput

TEXTS = st.text(st.sampled_from("aBé ß_\n\t-日本かİ1x"), max_size=40)


def marked(text: str, query: str) -> tuple[int, str] | None:
    found = find(text, parse(query))
    return found and (found.line, "".join(f"[{p.text}]" if p.hit else p.text for p in found.pieces))


@pytest.mark.parametrize(
    ("text", "query", "line", "shown"),
    [
        ("Be kind.\nBe brief.", "brief", 2, "Be [brief]."),
        ("Be kind.\nBe brief.", "bri", 2, "Be [brief]."),
        ("Be kind and brief.", "BRIEF kind", 1, "Be [kind] and [brief]."),
        ("a refund of\nthe refund policy", '"refund policy"', 2, "the [refund policy]"),
        ("ask ticket_id", "ticket_id", 1, "ask [ticket_id]"),
        ("Das Café", "cafe", 1, "Das [Café]"),
        ("Straße", "strasse", 1, "[Straße]"),
        ("請求書を送る", "求書", 1, "請[求書]を送る"),
        ("one\ntwo three\none two", "one two", 3, "[one] [two]"),
    ],
)
def test_the_line_that_holds_most_is_shown(text: str, query: str, line: int, shown: str) -> None:
    assert marked(text, query) == (line, shown)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("kindness", '"kind"'),
        ("the policy of refund", '"refund policy"'),
        ("Be kind", "kind brief"),
        ("unkind", "kind"),
    ],
)
def test_what_does_not_hold_all_is_not_found(text: str, query: str) -> None:
    assert find(text, parse(query)) is None


def test_words_in_a_row_may_go_over_the_end_of_a_line() -> None:
    assert marked("never a refund\npolicy of ours never", '"refund policy" never') == (1, "[never] a refund")


@pytest.mark.parametrize("text", ["", " ", "!?", '""', "_"])
def test_a_search_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no word"):
        parse(text)


def test_a_search_is_bounded() -> None:
    for text in ("a" * (LONGEST + 1), " ".join("abcdefghijklmnopq")):
        with pytest.raises(InvalidInput):
            parse(text)


def test_one_long_line_is_cut_around_what_was_found() -> None:
    found = find("x " * 1000 + "needle " + "y " * 500_000, parse("needle"))
    assert found is not None
    assert "".join(p.text for p in found.pieces).startswith("…x ")
    assert sum(len(p.text) for p in found.pieces) <= SHOWN + 2
    assert [p.text for p in found.pieces if p.hit] == ["needle"]


def test_what_engines_are_given_is_bounded_and_nothing_but_words() -> None:
    assert indexed("It's “fine”: ticket_id=7\n'; DROP") == "it s fine ticket id 7 drop"
    assert len(indexed("né " * INDEXED).encode()) <= INDEXED


@given(text=TEXTS, words=TEXTS)
def test_a_text_is_found_by_any_of_its_words_and_nothing_is_found_that_it_lacks(text: str, words: str) -> None:
    for word in set(indexed(text).split()):
        found = find(text, parse(f'"{word}"'))
        assert found is not None
        hit = next(p.text for p in found.pieces if p.hit)
        assert hit in text.split("\n")[found.line - 1]
    try:
        query = parse(words)
    except InvalidInput:
        return
    if find(text, query) is not None:
        held = indexed(text)
        assert all(" ".join(phrase) in held for phrase in query.phrases)
