"""One comparison has one budget: many large texts together cost no more than one, and what is left out is said."""

from __future__ import annotations

import json
import random
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.diff import as_html, as_json, as_markdown, as_text, budget, compare, words
from pinset.domain.diff.budget import CHANGES, SHOWN, VALUES, WORK, Budget
from pinset.domain.diff.model import Comparison, Impact
from pinset.domain.diff.paths import path_diff
from pinset.domain.diff.schemas import schema_diff

if TYPE_CHECKING:
    from pinset.domain.diff.lines import Nature, TextDiff

PAGES = {
    "json": lambda c: json.dumps(as_json(c, old="a", new="b")),
    "text": lambda c: as_text(c, old="a", new="b", width=200),
    "markdown": lambda c: as_markdown(c, old="a", new="b"),
    "html": lambda c: as_html(c, old="a", new="b"),
}


def prompts(**texts: str) -> dict[str, Any]:
    return {"prompts": {name: {"format": "text", "template": text} for name, text in texts.items()}}


def unrelated(size: int, salt: int) -> str:
    picked = random.Random(salt)
    lines = [" ".join(f"w{picked.randrange(5000)}" for _ in range(14)) for _ in range(size // 76 + 1)]
    return "\n".join(lines)[:size]


def largest(salt: int) -> dict[str, Any]:
    """Ten texts of 1 MiB: as much as a release may hold."""
    text = unrelated(1024 * 1024, salt)
    return prompts(**{f"p{n}": f"{n} {text}" for n in range(10)}, small=f"Be brief.\nAnswer {salt}.\n")


def is_abridged(diff: TextDiff) -> bool:
    """Whether some lines are only counted."""
    return any(hunk.abridged for hunk in diff.hunks)


@pytest.fixture(scope="module")
def flood() -> Comparison:
    return compare(largest(1), largest(2))


def test_the_smallest_text_is_compared_first_and_keeps_its_marks(flood: Comparison) -> None:
    small = next(c.text for c in flood.changes if c.name == "small")
    assert small is not None
    assert not small.coarse
    assert (small.added_words, small.removed_words) == (1, 1)


def test_the_answer_to_the_largest_releases_is_bounded(flood: Comparison) -> None:
    assert len(PAGES["json"](flood)) <= VALUES + SHOWN + 1000 * len(flood.changes)
    assert {c.abridged for c in flood.changes} == {True, False}


def test_all_texts_of_a_comparison_spend_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Budget] = []
    real = words.text_diff

    def watched(old: str, new: str, left: Budget, kind: Nature) -> TextDiff:
        seen.append(left)
        return real(old, new, left, kind)

    monkeypatch.setattr(sys.modules["pinset.domain.diff.compare"], "text_diff", watched)
    old = prompts(**{f"p{n}": unrelated(150_000, n) for n in range(30)})
    new = prompts(**{f"p{n}": unrelated(150_000, n + 100) for n in range(30)})
    texts = [c.text for c in compare(old, new).changes if c.text]
    assert len({id(left) for left in seen}) == 1
    assert 0 <= seen[0].work < WORK
    assert 0 <= seen[0].shown < SHOWN
    assert [is_abridged(text) for text in texts] == sorted(is_abridged(text) for text in texts)
    assert {is_abridged(text) for text in texts} == {True, False}


@pytest.mark.parametrize("page", PAGES)
def test_every_form_says_what_it_leaves_out(page: str, flood: Comparison) -> None:
    shown = PAGES[page](flood)
    lines = next(c.text for c in flood.changes if c.text and is_abridged(c.text)).hunks[0].abridged
    assert lines is not None
    if page == "json":
        assert f'"abridged": {{"old_lines": {lines[0]}, "new_lines": {lines[1]}}}' in shown
        assert '"coarse": true' in shown
    else:
        assert f"{lines[0]} lines became {lines[1]} lines, too many to be shown here" in shown
        assert "too large to mark single words" in shown


@pytest.mark.parametrize("page", PAGES)
def test_values_that_are_too_long_are_left_out_aloud(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget.Budget, "show_values", lambda _, cost: cost < 100)
    old = {"configs": {"c": {"k": 1, "long": ["x" * 200]}}}
    shown = PAGES[page](compare(old, {"configs": {"c": {"k": 2, "long": {}}}}))
    assert "xxx" not in shown
    assert ('"abridged": true' if page == "json" else "too long to be shown here") in shown


@pytest.mark.parametrize("page", PAGES)
def test_of_very_many_changes_the_worst_are_listed_and_the_rest_counted(page: str) -> None:
    many = {f"k{n:05}": n for n in range(CHANGES + 50)}
    old = {"configs": {"c": many}, "tools": {"find": {"name": "find"}}}
    found = compare(old, {"configs": {"c": {}}, "tools": {}})
    assert len(found.changes) == CHANGES
    assert (found.verdict, found.total, found.left_out) == ("breaking", CHANGES + 51, {Impact.BEHAVIOUR: 51})
    assert found.count(Impact.BREAKING) == 1
    assert ('"left_out": {"behaviour": 51}' if page == "json" else "51 behaviour") in PAGES[page](found)


def test_values_too_many_to_walk_are_one_change() -> None:
    old, new = {"a": {"b": list(range(100))}, "z": 1}, {"a": {"b": list(range(99))}, "z": 1}
    assert [c.path for c in path_diff(old, new)] == ["a.b[99]"]
    left = Budget(walked=150)
    assert [(c.path, c.kind, c.old) for c in path_diff(old, new, "", left)] == [("", "changed", old)]
    assert left.walked == 0
    assert path_diff(old, {**old}, "", left) == []


def test_keywords_of_a_schema_share_the_budget_of_the_comparison() -> None:
    schema = {"type": "object", "properties": {}, "x-note": {"a": list(range(100)), "z": 1}}
    other = {**schema, "x-note": {"a": list(range(99)), "z": 1}}
    assert [c.path for c in schema_diff(schema, other, "parameters", "p")] == ["p.x-note.a[99]"]
    assert [c.path for c in schema_diff(schema, other, "parameters", "p", Budget(walked=150))] == ["p.x-note"]


def test_messages_over_the_budget_are_aligned_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    def talk(*texts: str) -> dict[str, Any]:
        return {"prompts": {"p": {"messages": [{"role": "user", "template": text} for text in texts]}}}

    old, new = talk("one two three\n", "four five six\n"), talk("new\n", "one two three\n", "four five six\n")
    assert [c.kind for c in compare(old, new).changes] == ["added"]
    monkeypatch.setattr(budget.Budget, "align", lambda *_: False)
    assert [c.kind for c in compare(old, new).changes] == ["changed", "changed", "added"]


def test_aligning_counts_the_cells_of_all_messages() -> None:
    left = Budget()
    rows = ["x" * 2000] * 100
    assert not left.align(rows, rows)
    assert left.align(rows[:10], rows[:10])
    assert left.aligning < budget.ALIGNING
