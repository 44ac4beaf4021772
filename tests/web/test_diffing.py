"""How a comparison is told on a page: verdict, summary, runs and folds, ids, bounds. Pure: no server, no browser."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from pinset.domain.costs import Call, CostChange, PartCost, PromptCost, TokenCount, Total
from pinset.domain.diff import as_json, compare, from_json
from pinset.domain.diff.lines import Hunk, Line, Segment, TextDiff
from pinset.web.comparison import ComparisonView, Row, comparison_view
from pinset.web.drawing import draw
from pinset.web.lines import FOLDED, LONG, MOST, Fold, Left, Room, Run, clipped, text_view

LINES = [f"Line {n} says what it says.\n" for n in range(1, 41)]


def prompts(**texts: str) -> dict[str, Any]:
    return {"prompts": {name: {"format": "text", "template": text} for name, text in texts.items()}}


def edited(*numbers: int, lines: list[str] = LINES) -> str:
    return "".join(line.replace("says", "tells", 1) if n in numbers else line for n, line in enumerate(lines, 1))


def view(old: dict[str, Any], new: dict[str, Any], **more: Any) -> ComparisonView:
    return comparison_view(from_json(as_json(compare(old, new), old="a@v1", new="a@v2")), **more)


def text_of(found: ComparisonView) -> Row:
    return found.sections[0].texts[0]


def drawn(found: ComparisonView, *, split: bool = True) -> str:
    text = text_of(found).text
    assert text is not None
    return str(draw(text, split=split, whole="/diff?context=all"))


def test_the_verdict_comes_first_with_what_breaks() -> None:
    tool = {"name": "find", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}
    more = {"name": "find", "parameters": {**tool["parameters"], "required": ["q"]}}  # type: ignore[dict-item]
    found = view({**prompts(default="a b c"), "tools": {"find": tool}}, {"tools": {"find": more}})
    assert (found.verdict, found.counts["breaking"]) == ("breaking", 2)
    assert found.breaking[0].title == "prompt default"
    assert found.breaking[1].title.startswith("tool find parameters.q")
    assert found.breaking[1].anchor in {row.anchor for section in found.sections for row in section.rows}


def test_the_summary_has_a_line_for_each_part_with_its_worst_impact() -> None:
    old = {
        **prompts(default="".join(LINES)),
        "models": {"default": {"name": "m", "params": {"temperature": 0.2, "top_p": 1}}},
    }
    new = {
        **prompts(default=edited(20)),
        "models": {"default": {"name": "m", "params": {"temperature": 0.4, "top_p": 0.9}}},
    }
    told = [(one.label, one.impact, [line.words for line in one.lines]) for one in view(old, new).summary]
    assert told == [
        ("Prompts", "behaviour", ["1 text edited, +1 −1 words"]),  # noqa: RUF001 - a minus
        ("Model", "behaviour", ["params.temperature 0.2 → 0.4, params.top_p 1 → 0.9"]),
    ]


def test_unchanged_stretches_are_folded_and_their_lines_are_at_hand() -> None:
    text = text_of(view(prompts(default="".join(LINES)), prompts(default=edited(20)))).text
    assert text is not None
    folds = [block for block in text.blocks if isinstance(block, Fold)]
    assert [(fold.new_no, fold.count) for fold in folds] == [(1, 16), (24, 17)]
    assert [line.pieces[0].text + "\n" for line in folds[1].lines] == LINES[23:]
    assert not text.folded


def test_every_line_of_the_new_text_is_somewhere_once_and_in_order() -> None:
    old, new = "".join(LINES), edited(3, 4, 20) + "And more.\n"
    text = text_of(view(prompts(default=old), prompts(default=new))).text
    assert text is not None
    lines = [line for block in text.blocks if not isinstance(block, Left) for line in block.lines]
    for kind, number, whole in (("old", "new_no", new), ("new", "old_no", old)):
        other = {"new_no": "new_no", "old_no": "old_no"}[number]
        kept = [line for line in lines if line.kind != kind]
        assert "".join("".join(p.text for p in line.pieces) + "\n" for line in kept) == whole
        assert [getattr(line, other) for line in kept] == list(range(1, len(kept) + 1))


def test_all_lines_are_shown_without_folds_where_that_is_asked() -> None:
    found = view(prompts(default="".join(LINES)), prompts(default=edited(20)), everything=True)
    text = text_of(found).text
    assert text is not None
    assert all(isinstance(block, Run) for block in text.blocks)


def test_folded_lines_past_the_budget_are_a_link_away() -> None:
    lines = [f"{n} {'word ' * 100}\n" for n in range(FOLDED // 250)]
    found = view(prompts(default="".join(lines)), prompts(default="".join([*lines, "One more.\n"])))
    assert found.folded
    assert 'href="/diff?context=all#p-default"' in drawn(found)
    assert len(drawn(found)) < 10_000


def test_ids_of_lines_stay_whatever_the_view_and_none_is_there_twice() -> None:
    old, new = prompts(default="".join(LINES), critic="One.\n"), prompts(default=edited(20), critic="Two.\n")
    found = view(old, new)
    ids = {}
    for split in (True, False):
        text = "".join(
            str(draw(row.text, split=split, whole="/")) for s in found.sections for row in s.texts if row.text
        )
        all_ids = re.findall(r'id="([^"]+)"', text)
        assert len(all_ids) == len(set(all_ids))
        ids[split] = set(all_ids)
    assert ids[True] == ids[False]
    assert {"p-default-L20", "p-default-R20", "p-critic-R1"} <= ids[True]


def test_changed_words_are_marked_and_both_sides_of_a_pair_are_in_one_run() -> None:
    shown = drawn(view(prompts(default="".join(LINES)), prompts(default=edited(20))))
    assert "Line 20 <del>says</del> what it says." in shown
    assert "Line 20 <ins>tells</ins> what it says." in shown
    run = next(part for part in shown.split('<div class="g') if "<del>says" in part)
    assert "<ins>tells" in run


def test_a_moved_block_links_both_of_its_places() -> None:
    lines = (
        Line("-", (Segment("Be kind."),), 1, None, move=1),
        Line("-", (Segment("Be brief."),), 2, None, move=1),
        Line(" ", (Segment("Stay."),), 3, 1),
        Line("+", (Segment("Be kind."),), None, 2, move=1),
        Line("+", (Segment("Be brief."),), None, 3, move=1),
    )
    change = compare(prompts(default="a"), prompts(default="b")).changes[0]
    moved = TextDiff((Hunk(1, 1, lines),), nature="order")
    found = text_view(_with(change, moved), "p-default", Room())
    assert found is not None
    shown = str(draw(found, split=True, whole="/"))
    assert '<a class="v" href="#p-default-R2">moved to new line 2</a>' in shown
    assert '<a class="v" href="#p-default-L1">moved from old line 1</a>' in shown
    assert shown.count('class="v"') == 2, "told once for each place"
    assert "<del>" not in shown


def _with(change: Any, text: TextDiff) -> Any:
    return replace(change, old=None, new=None, text=text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("one two three\n", "one  two three\n", "white space"),
        ("one two three\n", "one two\nthree\n", "the words are the same"),
    ],
)
def test_white_space_and_reflow_are_told_apart_from_wording(old: str, new: str, said: str) -> None:
    from pinset.web.comparison import NATURES

    row = text_of(view(prompts(default=old), prompts(default=new)))
    assert row.text is not None
    assert said in NATURES[row.text.nature].lower()
    assert row.impact == "cosmetic"


def test_changed_blanks_can_be_seen() -> None:
    assert "<ins>··</ins>" in drawn(view(prompts(default="one two\n"), prompts(default="one  two\n")))


def test_a_megabyte_on_one_line_is_shown_around_what_changed() -> None:
    long = "word " * 200_000
    new = long[:500_000] + "CHANGED " + long[500_000:]
    for shown in (
        drawn(view(prompts(default=long), prompts(default=new))),
        drawn(view(prompts(), prompts(default=new))),
    ):
        assert len(shown) < 20_000
        assert "characters …" in shown
    assert "<ins>CHANGED </ins>" in drawn(view(prompts(default=long), prompts(default=new)))


def test_a_long_line_keeps_what_is_around_each_change() -> None:
    same, gone = "a" * 2 * LONG, "b" * 2 * LONG
    pieces = clipped((Segment(same), Segment("was", changed=True), Segment(same), Segment(gone, changed=True)))
    texts = [piece.text for piece in pieces if piece.changed]
    assert texts[0] == "was"
    assert sum(piece.skipped + len(piece.text) for piece in pieces) == 3 * 4000 + 3
    assert sum(len(piece.text) for piece in pieces) < MOST


def test_a_line_with_very_many_changes_ends_somewhere() -> None:
    segments = tuple(Segment("word ", changed=n % 2 == 0) for n in range(100_000))
    pieces = clipped(segments)
    assert sum(len(piece.text) for piece in pieces) <= MOST + 10
    assert pieces[-1].skipped > 400_000


def test_a_page_has_room_for_so_many_lines_and_counts_the_others() -> None:
    new = "".join(f"{n} {'x' * 1900}\n" for n in range(400))
    shown = drawn(view(prompts(default="Old.\n"), prompts(default=new)))
    assert len(shown) < 600_000
    assert re.search(r"became \d+ lines, too many to be shown here", shown)


def test_hostile_text_is_inert_and_what_is_hidden_is_shown() -> None:
    hostile = "</code><script>alert(1)</script><img src=x onerror=alert(2)>\u202egnp.exe\u200b \"'`\n"
    found = view(prompts(default="Be kind.\n"), prompts(default=hostile))
    shown = drawn(found)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert "\\u{202E}" in shown


def test_names_and_paths_make_ids_that_are_safe() -> None:
    found = view({"configs": {'a"b c': {"x": 1}}}, {"configs": {'a"b c': {"x": 2}}})
    ids = [section.anchor for section in found.sections] + [row.anchor for s in found.sections for row in s.rows]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", one) for one in ids)
    assert len(set(ids)) == len(ids)


def test_long_values_are_folded_with_their_first_line_and_bounded() -> None:
    value = {"rules": [f"rule {n}" * 5 for n in range(5000)]}
    row = view({"configs": {"graph": {"a": 1}}}, {"configs": {"graph": {"a": 1}, "other": value}}).sections[0].rows[0]
    assert row.after is not None
    assert row.after.head
    assert len(row.after.text) <= 20_000
    assert row.after.skipped > 0


def test_equal_sides_say_so() -> None:
    found = view(prompts(default="a"), prompts(default="a"))
    assert (found.verdict, found.sections, found.summary) == ("none", (), ())


def test_costs_are_told_in_all_and_by_prompt_and_why_a_price_is_not_known_once() -> None:
    count = TokenCount(1200, exact=False, encoding="o200k_base")
    less = TokenCount(900, exact=False, encoding="o200k_base")
    before, after = (
        Call("vendor-x m", count, unpriced="no price is known"),
        Call("vendor-x m", less, unpriced="no price is known"),
    )
    rows = tuple(PromptCost(name, before, after, (PartCost("messages", count, less),)) for name in ("a", "b"))
    change = CostChange(
        Total(2400, exact=False, per_1000=None), Total(1800, exact=False, per_1000=None), rows, "Counted so."
    )
    costs = comparison_view(replace(compare(prompts(a="x"), prompts(a="y")), costs=change)).costs
    assert costs is not None
    assert [(row.label, row.before, row.after, row.change) for row in costs.totals] == [
        ("Tokens of a call", "≈ 2,400", "≈ 1,800", "−25 %"),  # noqa: RUF001 - a minus
        ("1,000 calls", "price not known", "price not known", ""),
    ]
    assert [row.change for row in costs.rows if row.detail] == ["−300", "−300"]  # noqa: RUF001 - a minus
    assert costs.notes == ("no price is known.",)
