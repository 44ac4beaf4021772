"""Laws of differences: equal is none, from the other side it is the mirror image, and applied it gives the other text."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff import Change, Comparison, apply, as_html, as_json, as_markdown, as_text, compare, from_json
from pinset.domain.diff.budget import Budget
from pinset.domain.diff.lines import Line, TextDiff, mirrored, moves
from pinset.domain.diff.words import text_diff
from pinset.errors import InvalidInput

LINES = [
    *(
        "",
        " ",
        "}",
        "a",
        "Be brief.",
        "be  brief.",
        "- Cite the source you took it from.",
        "- Cite the one source you took it from.",
    ),
    *(
        "Never guess a price at all.",
        "  Never guess a price at all.",
        "```",
        "x: 1",
        "a\tb",
        "a\r",
        "必ず短く",
        "\u200b",
    ),
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(LINES), max_size=12).map("\n".join),
    st.lists(st.sampled_from(LINES), max_size=12).map(lambda lines: "".join(f"{line}\n" for line in lines)),
)
MESSAGES = st.lists(
    st.one_of(
        st.builds(lambda role, text: {"role": role, "template": text}, st.sampled_from(["system", "user"]), TEXTS),
        st.sampled_from([{"placeholder": "history"}, {"examples": [{"input": "a", "output": "b"}]}]),
    ),
    max_size=4,
)
VALUES = st.recursive(
    st.sampled_from([0, 1, 1.0, True, None, "a", "b"]),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=8,
)
CONTENTS = st.fixed_dictionaries(
    {
        "prompts": st.dictionaries(
            st.sampled_from(["default", "other"]),
            st.one_of(
                st.builds(lambda text: {"format": "text", "template": text}, TEXTS),
                st.builds(lambda found: {"format": "mustache", "messages": found}, MESSAGES),
            ),
            max_size=2,
        ),
        "models": st.dictionaries(st.just("default"), st.fixed_dictionaries({"params": VALUES}), max_size=1),
        "configs": st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2),
    }
)
SWAPPED = {"added": "removed", "removed": "added", "changed": "changed"}


@given(text=TEXTS)
def test_equal_texts_have_no_difference(text: str) -> None:
    assert text_diff(text, text) == TextDiff(())


@given(content=CONTENTS)
def test_equal_contents_have_no_difference(content: dict[str, Any]) -> None:
    copy = json.loads(json.dumps(content))
    assert (compare(content, copy).verdict, compare(content, copy).changes) == ("none", ())


@given(old=TEXTS, new=TEXTS)
def test_a_difference_applied_to_the_old_text_gives_the_new_one(old: str, new: str) -> None:
    assert apply(text_diff(old, new), old) == new


@given(old=TEXTS, new=TEXTS)
def test_from_the_other_side_a_text_difference_is_its_mirror_image(old: str, new: str) -> None:
    there, back = text_diff(old, new), text_diff(new, old)
    assert (there.nature, there.coarse) == (back.nature, back.coarse)
    assert (there.added_words, there.removed_words) == (back.removed_words, back.added_words)
    assert halves(there, "-") == halves(back, "+")
    assert halves(there, "+") == halves(back, "-")
    assert [(h.old_start, h.new_start) for h in there.hunks] == [(h.new_start, h.old_start) for h in back.hunks]
    assert {n: (m[:2], m[2:4]) for n, m in moves(there).items()} == {n: (m[2:4], m[:2]) for n, m in moves(back).items()}
    assert mirrored(mirrored(there)) == there


def halves(diff: TextDiff, kind: str) -> list[tuple[Any, ...]]:
    """The lines of one side, as both directions must show them."""
    return [
        (line.old_no or line.new_no, line.segments, line.paired, line.newline, line.move)
        for line in diff.lines
        if line.kind == kind
    ]


def place(change: Change) -> str:
    """A path without positions; a bare template and a message's are one place, named as the new side has it."""
    return re.sub(r"\[\d+\]", "[]", change.path).replace("messages[].template", "template")


def image(comparison: Comparison, *, swap: bool) -> Counter[str]:
    """The changes, their positions in lists left out; swap: as the other direction should have them."""

    def told(change: Change) -> str:
        path = place(change)
        kind, old, new = change.kind, change.old, change.new
        if swap:
            kind, old, new = SWAPPED[kind], new, old
        return json.dumps([change.component, change.name, path, kind, old, new], sort_keys=True)

    return Counter(map(told, comparison.changes))


@given(old=CONTENTS, new=CONTENTS)
def test_from_the_other_side_a_comparison_names_the_same_places(old: dict[str, Any], new: dict[str, Any]) -> None:
    there, back = compare(old, new), compare(new, old)
    assert image(there, swap=False) == image(back, swap=True)
    texts = {(c.component, c.name, place(c), str(c.old), str(c.new)): c.text for c in there.changes}
    for change in back.changes:
        if change.text is not None:
            where = (
                change.component,
                change.name,
                place(change),
                str(change.new),
                str(change.old),
            )
            assert texts[where] == mirrored(change.text)


@given(old=CONTENTS, new=CONTENTS)
def test_json_holds_all_that_the_other_renderings_show(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = compare(old, new)
    again = from_json(json.loads(json.dumps(as_json(found, old="a", new="b"))))
    assert again == found
    for page in (as_text, as_markdown, as_html):
        assert page(again, old="a", new="b") == page(found, old="a", new="b")


def seen(text: str) -> str:
    """What visible text stands for."""
    return re.sub(r"\\u\{([0-9A-F]+)\}", lambda found: chr(int(found[1], 16)), text)


def edited(text: str) -> str:
    """The new half of a line whose words are marked."""
    return seen(re.sub(r"(?s)\[-.*?-\]|\{\+(.*?)\+\}", lambda found: found[1] or "", text))


def read_back(page: str, old: str) -> str:
    """The new text, from the old one and what a terminal shows of the difference."""
    lines, result, at = old.split("\n"), list[str](), 0
    ends = not lines[-1]
    lines = lines[:-1] if ends else lines
    for row in page.split("\n")[4:]:
        shown = row or "    "  # an empty line that both texts have
        sign, text = shown[2:3], shown[4:]
        for note, now in (("no line feed at the end", False), ("a line feed at the end now", True)):
            if text.endswith((f"({note})", f"({note} now)")):
                ends, text = now if sign != "-" else True, text[: text.rindex(" (")]
        if sign == "@":
            start = int(text.removeprefix(" line ").partition(" (was ")[2].rstrip(")") or text.removeprefix(" line "))
            result += lines[at : start - 1]
            at = start - 1
        elif sign == "<":
            at += int(text.split()[0])
        elif sign == ">":
            result += {"  ": [seen(text[2:])], "~ ": [edited(text[2:])], "": [""]}.get(text[:2], [])
        elif sign in "-+~ " and shown[:2] == "  ":
            result += {"+": [seen(text)], "~": [edited(text)], "-": []}.get(sign, lines[at : at + 1])
            at += sign != "+"
    return "\n".join(result + lines[at:] + [""] * ends)


@given(old=TEXTS, new=TEXTS)
def test_what_a_terminal_shows_is_enough_to_make_the_new_text(old: str, new: str) -> None:
    contents = ({"prompts": {"p": {"format": "text", "template": text}}} for text in (old, new))
    page = as_text(compare(*contents), old="a", new="b", width=100_000)
    assert old == new or read_back(page.removesuffix("\n"), old) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "one"),
        ("one", ""),
        ("one", "one\n"),
        ("one\n", "one"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("\n\n\n", "\n"),
        ("a\nb", "b\na"),
        ("\ufeffone\n", "one\n"),
        ("a\x0bb\x0c\u2028c\n", "a\u2028c\n"),
    ],
)
def test_texts_at_the_edge_are_applied_exactly_both_ways(old: str, new: str) -> None:
    assert apply(text_diff(old, new), old) == new
    assert apply(text_diff(new, old), new) == old
    assert apply(mirrored(text_diff(old, new)), new) == old


def test_an_abridged_difference_says_that_it_cannot_be_applied() -> None:
    old, new = "one\n" * 30, "two\n" * 30
    diff = text_diff(old, new, Budget(shown=100))
    assert diff.abridged
    with pytest.raises(InvalidInput, match="abridged"):
        apply(diff, old)


@pytest.mark.parametrize("other", ["", "two\n", "one", "zero\none\n"])
def test_a_difference_of_another_text_is_refused(other: str) -> None:
    with pytest.raises(InvalidInput, match="another text"):
        apply(text_diff("one\n", "two\n"), other)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"changes": 1},
        {"changes": [{}]},
        {"changes": [], "left_out": {"awful": 1}},
        {"changes": [], "costs": {"before": 1}},
        {"changes": [], "shared": [{}]},
    ],
)
def test_what_is_no_comparison_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="no comparison"):
        from_json(values)


def test_a_comparison_of_an_older_registry_is_read() -> None:
    line = {"kind": "-", "old_no": 1, "new_no": None, "segments": [{"text": "a ", "changed": True}]}
    text = {"added_words": 0, "removed_words": 0, "whitespace_only": True, "coarse": False}
    change = {
        "component": "prompt",
        "name": "p",
        "path": "template",
        "kind": "changed",
        "impact": "cosmetic",
        "reason": "only white space changed",
        "old": "a ",
        "new": "",
        "text": text,
        "hunks": [{"old_start": 1, "new_start": 1, "lines": [line]}],
    }
    found = from_json({"from": "a", "to": "b", "verdict": "cosmetic", "changes": [change]}).changes[0].text
    assert found is not None
    assert found.nature == "whitespace"
    assert list(found.lines) == [Line("-", found.hunks[0].lines[0].segments, 1)]
