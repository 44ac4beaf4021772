"""What a reviewer sees: complete, within the width, and with nothing hidden or acting."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff import as_html, as_json, as_markdown, as_text, compare
from pinset.domain.diff.show import value, visible, width

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
breaking: 1 breaking, 4 behaviour, 1 cosmetic changes

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


def test_the_text_for_a_terminal_reads_like_this() -> None:
    assert shown(content(tools={"seek": {"name": "seek"}}), NEW, width=60) == GOLDEN


def test_nothing_to_say_is_said() -> None:
    assert shown(content(), content()) == "bot@v6 → bot@v7\nnone: nothing changes\n"


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


def test_markdown_outside_of_fences_neither_mentions_nor_acts() -> None:
    new = content(configs={"@all <b>[x](y)</b>": 1})
    text = as_markdown(compare(content(), new), old="@team", new="<img>")
    outside = re.sub(r"(?s)```diff.*?```", "", text)
    assert not re.search(r"@|<|\[x\]", outside)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(key == "class" for key, _ in attrs)
        self.names.add(tag)


@pytest.mark.parametrize("evil", ["<script>x</script>", '"><img src=x onerror=y>', "</pre></section><a href=x>"])
def test_html_has_only_our_own_elements(evil: str) -> None:
    new = content(evil, configs={evil: {evil: evil}}, tools={evil: {"name": evil, "description": evil}})
    tags = _Tags()
    tags.feed(as_html(compare(content(), new), old=evil, new=evil))
    assert tags.names <= {"section", "h2", "h3", "p", "code", "span", "pre", "div", "del", "ins"}


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
