"""What a reviewer sees: complete, within the width, and with nothing hidden or acting."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from decimal import Decimal
from functools import partial
from html.parser import HTMLParser
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.costs import Call, CostChange, PartCost, PromptCost, TokenCount, Total
from pinset.domain.diff import Comparison, Impact, Shared, as_html, as_json, as_markdown, as_text, compare, from_json
from pinset.domain.diff.sentences import verdict
from pinset.domain.diff.show import value, visible, width
from pinset.domain.diff.wrap import Piece, wrap

BEFORE = "Answer in two sentences.\nBe kind.\n"
AFTER = (
    "Answer in three short sentences.\nBe kind.\nNever promise a refund before the ticket says that one was granted.\n"
)


def content(template: str = BEFORE, **more: Any) -> dict[str, Any]:
    model = {"name": "m", "params": {"temperature": 0.2, "max_tokens": 800}}
    return {"prompts": {"default": {"format": "text", "template": template}}, "models": {"default": model}, **more}


def shown(old: dict[str, Any], new: dict[str, Any], **options: Any) -> str:
    return as_text(compare(old, new), old="bot@v6", new="bot@v7", **options)


NEW = {
    **content(AFTER),
    "models": {"default": {"name": "m", "params": {"temperature": 0.4, "max_tokens": 800, "seed": 7}}},
    "tools": {"find": {"name": "find", "description": "Find it.\nOr not."}},
    "metadata": {"ticket": "ML-2"},
}

GOLDEN = """\
bot@v6 → bot@v7
verdict: breaking — 1 breaking change, 4 of behaviour, 1
    cosmetic
  ! tool seek removed: calls to it have no answer

prompt default  template  +14 -1 words  (behaviour)
  ~ Answer in [-two-]{+three short+} sentences.
    Be kind.
  + Never promise a refund before the ticket says that one
      was granted.

model default  params.seed         added 7  (behaviour)
model default  params.temperature  0.2 → 0.4  (behaviour)

tool find  added  (behaviour)
  + description: |
  +   Find it.
  +   Or not.
  + name: find

tool seek  removed {"name": "seek"}  (breaking)
    calls to it have no answer

metadata  ticket  added ML-2  (cosmetic)
"""


EXACT = partial(TokenCount, exact=True, encoding="o200k_base")
COSTS = CostChange(
    Total(900, True, Decimal("2.25")),
    Total(1010, True, Decimal("2.525")),
    (
        PromptCost(
            "default",
            Call("openai gpt-4o", EXACT(900), Decimal("2.25")),
            Call("openai gpt-4o", EXACT(1010), Decimal("2.525")),
            (PartCost("messages", EXACT(700), EXACT(800)), PartCost("tool find", None, EXACT(10))),
        ),
        PromptCost("critic", None, Call("x y", TokenCount(3, False, "characters/4"), unpriced="no price of x y")),
    ),
    "counted with o200k_base",
    ("variables are not counted",),
)
SHARED = (
    Shared("guardrails/pii-redact", "v2", "v3", ("billing-bot", "triage"), 3),
    Shared("prompts/tone", None, "v1", ("billing-bot",)),
    Shared("prompts/own", "v1", "v2"),
)
BELOW = """\

shared components
  guardrails/pii-redact  v2 → v3
    also used by billing-bot, triage and 3 more
  prompts/tone           added v1
    also used by billing-bot

cost: 900 → 1,010 tokens (+12.2 %), $2.25 → $2.52 per 1,000 calls (+12.2 %)
  prompt default, openai gpt-4o  900 → 1,010  +110  $2.25 → $2.52
    messages                     700 → 800    +100
    tool find                    none → 10     +10
  prompt critic, x y             none → ≈ 3     +3  none → not known
  no price of x y
  counted with o200k_base
  variables are not counted
"""


def test_below_the_changes_stand_who_else_is_concerned_and_what_it_costs() -> None:
    found = compare(content(), content(AFTER), shared=SHARED, costs=COSTS)
    text = as_text(found, old="bot@v6", new="bot@v7")
    assert text.endswith(BELOW)
    for page in (as_markdown(found, old="a", new="b"), as_html(found, old="a", new="b")):
        for words in (
            "also used by billing",
            "triage and 3 more",
            "700 → 800",
            "not known",
            "variables are not counted",
        ):
            assert words in html.unescape(page)
    document = as_json(found, old="a", new="b")
    assert [c["key"] for c in document["shared"]] == ["guardrails/pii-redact", "prompts/tone", "prompts/own"]
    assert from_json(json.loads(json.dumps(document))) == found


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((1, 0, 0), "1 breaking change"),
        ((2, 1, 1), "2 breaking changes, 1 of behaviour, 1 cosmetic"),
        ((0, 1, 0), "1 change of behaviour"),
        ((0, 2, 3), "2 changes of behaviour, 3 cosmetic"),
        ((0, 0, 1), "1 cosmetic change"),
        ((0, 0, 0), "nothing changes"),
    ],
)
def test_the_verdict_is_followed_by_what_it_is_made_of(counts: tuple[int, int, int], said: str) -> None:
    assert verdict(Comparison((), dict(zip(Impact, counts, strict=True)))) == said


def test_what_breaks_is_named_ahead_of_all_else_in_every_rendering() -> None:
    found = compare(content(tools={"seek": {"name": "seek"}}), NEW)
    for page in (as_text, as_markdown, as_html):
        shown = page(found, old="a", new="b")
        assert shown.index("calls to it have no answer") < shown.index("temperature")
        assert shown.count("calls to it have no answer") == 2


def test_the_text_for_a_terminal_reads_like_this() -> None:
    assert shown(content(tools={"seek": {"name": "seek"}}), NEW, width=60) == GOLDEN


def test_nothing_to_say_is_said() -> None:
    assert shown(content(), content()) == "bot@v6 → bot@v7\nverdict: none — nothing changes\n"


def test_colour_shows_both_lines_with_the_words_in_reverse() -> None:
    text = shown(content(), content(AFTER), colour=True)
    assert "\x1b[7;31mtwo\x1b[0m" in text
    assert "\x1b[7;32m" in text
    assert "[-" not in re.sub(r"\x1b\[[0-9;]*m", "", text)


TEXTS = st.text(
    st.sampled_from(list("ab -+[]{}`<&@#*_\\u\t\r\n\x1b\x00\u202e\u200b\u00a0é漢🔐\ufe0f\U000e0041")), max_size=50
)


@given(old=TEXTS, new=TEXTS, columns=st.integers(40, 90))
def test_no_rendering_holds_a_hidden_character_or_a_line_too_wide(old: str, new: str, columns: int) -> None:
    comparison = compare(content(old, configs={"c": {old: 1}}), content(new, configs={"c": {old: new}}))
    text = as_text(comparison, old=old, new=new, width=columns)
    pages = [text, as_markdown(comparison, old=old, new=new), as_html(comparison, old=old, new=new)]
    for page in pages:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202e\u200b\u00a0\ufe0f\U000e0041]", page)
    assert max(width(line) for line in text.split("\n")) <= columns
    json.dumps(as_json(comparison, old=old, new=new))


def test_hidden_characters_are_told_from_their_spelled_form() -> None:
    assert visible("a\u202eb") == "a\\u{202E}b"
    assert visible("a\\u{202E}b") == "a\\u{005C}u{202E}b"


def test_an_author_cannot_write_our_marks() -> None:
    text = shown(content("Be kind [-never-]{+always+} now.\n"), content("Be kind [-never-]{+always+} soon.\n"))
    assert text.count("[-") == text.count("{+") == 1
    assert "[-now-]{+soon+}" in text


def test_a_text_without_quotes_can_be_nothing_else() -> None:
    assert [value(x) for x in ("plain", "7", "true", "", " a", 7, True, None)] == [
        *("plain", '"7"', '"true"', '""', '" a"', "7", "true", "null"),
    ]


def test_what_is_added_is_shown_in_full_and_what_is_removed_is_folded() -> None:
    long = "".join(f"rule {n}\n" for n in range(30))
    assert shown(content(""), content(long)).count("rule") == 30
    removed = shown(content(long), {**content(), "prompts": {}})
    assert "… 24 more lines removed" in removed


def test_a_missing_line_feed_is_said_only_when_it_changes() -> None:
    assert "line feed" in shown(content("one two"), content("one two\n"))
    assert "line feed" not in shown(content("one two"), content("one three"))


def test_markdown_fences_are_longer_than_any_run_of_backticks_inside() -> None:
    text = as_markdown(compare(content("x\n"), content("`````\n# no heading\n")), old="a", new="b")
    fences = [line.strip() for line in text.split("\n") if line.strip().startswith("```")]
    assert fences == ["``````diff", "``````"]


_CODE: Final = re.compile(r"(?s)```diff.*?```|(`+).*?\1")


def test_markdown_outside_of_fences_neither_mentions_nor_acts() -> None:
    new = content(configs={"@all <b>[x](y)</b>": 1})
    text = as_markdown(compare(content(), new), old="@team", new="<img>")
    outside = _CODE.sub("", text)
    assert not re.search(r"@|<|\[x\]", outside)


@pytest.mark.parametrize(
    "acting", ["@team", "owner/repo#7", "#7", "!7", "deadbeef", "GH-7", ":tada:", "www.x.example", "$x$"]
)
def test_what_a_forge_would_link_stands_as_code_in_markdown(acting: str) -> None:
    new = content(configs={acting: {acting: "x", "b": acting}}, metadata={"k": acting})
    text = as_markdown(compare(content(metadata={}), new), old=acting, new=acting)
    assert acting not in _CODE.sub("", html.unescape(text))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {key for key, _ in attrs} <= {"class", "scope"}
        self.names.add(tag)


@pytest.mark.parametrize("evil", ["<script>x</script>", '"><img src=x onerror=y>', "</pre></section><a href=x>"])
def test_html_has_only_our_own_elements(evil: str) -> None:
    new = content(evil, configs={evil: {evil: evil}}, tools={evil: {"name": evil, "description": evil}})
    tags = _Tags()
    shared = [Shared(f"guardrails/{evil}", evil, evil, (evil,))]
    spent = replace(COSTS, basis=evil, notes=(evil,), prompts=(replace(COSTS.prompts[0], prompt=evil),))
    tags.feed(as_html(compare(content(), new, shared=shared, costs=spent), old=evil, new=evil))
    table = {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert tags.names <= {"section", "h2", "h3", "p", "ul", "li", "strong", "code", "span", "pre", "del", "ins"} | table


def test_json_names_what_the_contract_promises() -> None:
    document = as_json(compare(content(), NEW), old="bot@v6", new="bot@v7")
    assert list(document) == ["from", "to", "verdict", "counts", "changes", "shared", "costs"]
    for change in document["changes"]:
        assert {"component", "name", "path", "kind", "impact", "reason", "old", "new"} <= change.keys()
    first = document["changes"][0]["hunks"][0]["lines"][0]
    assert first["segments"] == [
        {"text": "Answer in ", "changed": False},
        {"text": "two", "changed": True},
        {"text": " sentences.", "changed": False},
    ]


def test_signs_that_do_not_show_are_wrapped_by_the_line_and_none_is_broken() -> None:
    lines = wrap([Piece("\\u{202E}" * 1_000)], 76, first=70)
    assert sum(map(len, lines)) <= 2 * len(lines)  # a piece for each sign is a second for a mebibyte of them
    assert all(re.fullmatch(r"(\\u\{202E\})+", "".join(piece.text for piece in line)) for line in lines if line)
