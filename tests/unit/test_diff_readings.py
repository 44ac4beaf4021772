"""What an edited text does to its model: white space that carries structure, other orders, characters that deceive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.domain.diff import as_text, compare
from pinset.domain.diff.budget import Budget
from pinset.domain.diff.natures import nature, structure
from pinset.domain.diff.readings import text_impact
from pinset.domain.diff.words import text_diff

if TYPE_CHECKING:
    from pinset.domain.diff import Comparison

PROSE = "Be brief and kind to everybody who asks, and cite the document."


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("a b", "a c", "wording"),
        ("a b", "ab", "wording"),
        ("a b", "a\u00a0b", "wording"),
        ("a b", "a  b", "whitespace"),
        ("a b", "a b\n", "whitespace"),
        ("a\nb", "a\r\nb", "whitespace"),
        ("a\nb", "a\n\n\nb", "whitespace"),
        ("  a\nb", "a\nb", "whitespace"),
        ("a b", "a\nb", "reflow"),
        ("a b\nc", "a\nb c", "reflow"),
        ("a\nb\n", "b\na\n", "order"),
        ("a\nb\nc", "c\na\nb", "order"),
        ("a\na\nb", "b\nb\na", "wording"),
    ],
)
def test_the_nature_of_a_difference(old: str, new: str, found: str) -> None:
    assert nature(old, new) == nature(new, old) == found
    assert text_diff(old, new).nature == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("be brief and kind", "be brief\nand kind"),  # running text, broken elsewhere
        ("- be brief and kind\n- cite", "- be brief\n  and kind\n- cite"),  # in line with the item's text
        ("be  brief", "be brief"),
        ("be brief \nand kind", "be brief\nand kind"),  # blanks that end a line
        ("one\ntwo", "one\r\ntwo"),
        ("one\n\ntwo", "one\n\n\n\ntwo"),
        ("one", "one\n"),
        ("one\n\n", "one\n"),
        ("```\na\n```\nbe brief", "```\na\n```\nbe\nbrief"),  # after the code
        ("```\na  \nb\n```", "```\na\nb\n```"),
    ],
)
def test_white_space_without_structure_is_cosmetic(old: str, new: str) -> None:
    assert structure(old, new) == structure(new, old) == ""
    assert text_impact(old, new, nature(old, new), Budget())[0] == "cosmetic"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("- a\n- b", "- a\n  - b", "the indentation"),  # another level of a list
        ("a:\n  b: 1", "a:\nb: 1", "the indentation"),  # YAML: b is a's no longer
        ("for x in y:\n    go()\nstop()", "for x in y:\n    go()\n    stop()", "the indentation"),
        ("\tgo", "    go", "the indentation"),
        ("be brief - and kind", "be brief\n- and kind", "begins"),  # a list where there was a dash
        ("1. one\n2. two", "1. one 2. two", "begins"),
        ("# Rules be brief", "# Rules\nbe brief", ""),  # running text may begin anywhere: not told
        ("be brief\n# Rules", "be brief # Rules", "begins"),
        ("| a | b |\n| c | d |", "| a | b | | c | d |", "begins"),
        ("name: x\nage: 3", "name: x age: 3", "begins"),
        ("<a> b\n</a>", "<a> b </a>", "begins"),
        ("be brief\n\nand kind", "be brief and kind", "begins"),  # two paragraphs are one
        ("be brief\n    and kind", "be brief and kind", "begins"),  # an indented block of its own
        ("```\na  b\n```", "```\na b\n```", "a block of code"),
        ("~~~py\na\nb\n~~~", "~~~py\na b\n~~~", "a block of code"),
        ("```\na\n\nb\n```", "```\na\nb\n```", "a block of code"),
        ("a\tb", "a b", "a tab between words"),
        ("Answer:", "Answer: ", "the very end"),  # another first token for the model to write
        ("Answer:\n", "Answer:\n  ", "the very end"),
    ],
)
def test_white_space_that_carries_structure_is_behaviour(old: str, new: str, where: str) -> None:
    assert where in structure(old, new)
    assert where in structure(new, old)
    impact, reason = text_impact(old, new, nature(old, new), Budget())
    assert impact == ("behaviour" if where else "cosmetic")
    assert where in reason


def test_a_text_too_long_to_look_into_is_never_called_cosmetic() -> None:
    assert text_impact("a b", "a\nb", "reflow", Budget(letters=3))[0] == "behaviour"


def prompt(old: str, new: str) -> Comparison:
    return compare(*({"prompts": {"p": {"format": "text", "template": text}}} for text in (old, new)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Be kind.", "Be\u200b kind.", "only characters that do not show changed: U+200B ZERO WIDTH SPACE came"),
        ("Be\u202e kind.", "Be kind.", "only characters that do not show changed: U+202E RIGHT-TO-LEFT OVERRIDE went"),
        ("Be kind.", "Be\u00a0kind.", "only characters that do not show changed: U+00A0 NO-BREAK SPACE came"),
        ("a\x07b", "ab", "only characters that do not show changed: U+0007 went"),
        ("Be kind.", "Be kind, \u2066always\u2069.", "with characters that do not show: U+2066"),
        ("Ask paypal.", "Ask p\u0430ypal.", "only letters that look alike changed, to U+0430 CYRILLIC SMALL LETTER A"),
        ("coco", "\u0441\u043e\u0441\u043e", "only letters that look alike changed, to U+043E"),
        ("Ask them.", "Ask p\u0430ypal.", "with letters that only look Latin: U+0430 CYRILLIC SMALL LETTER A"),
        ("Be kind.", "Be kind \u2764\ufe0f.", "the model reads another text"),  # an emoji needs its selector
        ("Быть добрым.", "Быть очень добрым.", "the model reads another text"),
    ],
)
def test_characters_that_deceive_are_named(old: str, new: str, reason: str) -> None:
    comparison = prompt(old, new)
    change = comparison.changes[0]
    assert change.impact == "behaviour"
    assert change.reason.endswith(reason) or reason in change.reason
    assert ("U+" in change.reason) == (reason != "the model reads another text")
    if change.reason != "the model reads another text":
        assert change.reason in " ".join(as_text(comparison, old="a", new="b").split())


def test_letters_that_look_alike_are_code_points_in_the_words_that_mix_them() -> None:
    shown = as_text(prompt("Ask paypal.", "Ask p\u0430ypal."), old="a", new="b")
    assert r"[-paypal-]{+p\u{0430}ypal+}" in shown


def test_the_same_lines_in_another_order_are_behaviour() -> None:
    change = prompt("Be kind.\nBe brief.\n", "Be brief.\nBe kind.\n").changes[0]
    assert (change.impact, change.reason) == ("behaviour", "the same lines, in another order")


def test_a_reflowed_paragraph_is_no_wall_of_edited_words() -> None:
    comparison = prompt(f"{PROSE}\n", f"{PROSE.replace('asks, ', 'asks,' + chr(10))}\n")
    text = comparison.changes[0].text
    assert comparison.verdict == "cosmetic"
    assert text is not None
    assert (text.added_words, text.removed_words) == (0, 0)
    assert not any(s.changed for line in text.lines for s in line.segments)
    assert "reflowed  (cosmetic: the same words on other lines)" in as_text(comparison, old="a", new="b")


def test_a_blank_at_the_end_of_a_line_is_seen() -> None:
    assert r"Answer:\u{0020}" in as_text(prompt("x\ny\n", "x\ny\nAnswer: \n"), old="a", new="b")
