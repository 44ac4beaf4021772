"""Texts: hunks rebuild the new text, edited words are found, and hostile sizes stay bounded."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff import pairing, sequences, words
from pinset.domain.diff.budget import LINE, SEGMENT, WORK, Budget
from pinset.domain.diff.lines import Hunk, TextDiff, split_lines
from pinset.domain.diff.sequences import line_ops
from pinset.domain.diff.words import text_diff, token_ops, tokens


def rebuilt(old: str, diff: TextDiff, new: str = "") -> str:
    """The new text, from the old one and the hunks; checks the numbers on the way. What is abridged is taken from new."""
    lines, result, at = split_lines(old), list[str](), 0
    for hunk in diff.hunks:
        result += lines[at : hunk.old_start - 1]
        at = hunk.old_start - 1
        assert len(result) == hunk.new_start - 1
        if hunk.abridged:
            assert hunk.lines == ()
            at += hunk.abridged[0]
            result += split_lines(new)[len(result) : len(result) + hunk.abridged[1]]
        for line in hunk.lines:
            whole = line.text + ("\n" if line.newline else "")
            if line.kind in " -":
                assert lines[at] == whole
                assert line.old_no == at + 1
                at += 1
            if line.kind in " +":
                result.append(whole)
                assert line.new_no == len(result)
    return "".join(result + lines[at:])


def is_abridged(diff: TextDiff) -> bool:
    """Whether some lines are only counted."""
    return any(hunk.abridged for hunk in diff.hunks)


def check_pairs(hunk: Hunk) -> None:
    halves = [line for line in hunk.lines if line.paired]
    for old, new in zip(halves[::2], halves[1::2], strict=True):
        assert (old.kind, new.kind) == ("-", "+")
        kept = [[s.text for s in line.segments if not s.changed] for line in (old, new)]
        assert kept[0] == kept[1]


LINES = st.lists(
    st.sampled_from(["", " ", "a", "b c d e", "b c x e", "be kind to all", "be  kind to me", "}"]), max_size=14
)
TEXTS = st.one_of(st.text(max_size=60), LINES.map("\n".join), LINES.map(lambda x: "\n".join(x) + "\n"))


@given(old=TEXTS, new=TEXTS)
def test_hunks_applied_to_the_old_text_give_the_new_one(old: str, new: str) -> None:
    diff = text_diff(old, new)
    assert rebuilt(old, diff) == new
    assert not is_abridged(diff)
    assert bool(diff.hunks) == (old != new)
    for hunk in diff.hunks:
        check_pairs(hunk)


@given(old=TEXTS, new=TEXTS)
def test_coarse_hunks_give_the_new_text_too(old: str, new: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences, "LINE_CELLS", 6)
        patch.setattr(words, "PAIR_CELLS", 2)
        patch.setattr(Budget, "look_inside", lambda *_: False)
        assert rebuilt(old, text_diff(old, new)) == new


@given(old=TEXTS, new=TEXTS, shown=st.integers(0, 2_000), work=st.integers(0, 200_000))
def test_any_budget_gives_the_new_text_where_it_is_not_abridged(old: str, new: str, shown: int, work: int) -> None:
    budget = Budget(work=work, shown=shown)
    diff = text_diff(old, new, budget)
    assert rebuilt(old, diff, new) == new
    assert bool(diff.hunks) == (old != new)
    assert diff.coarse or not is_abridged(diff)
    assert (diff.added_words is None) == is_abridged(diff)
    assert diff.whitespace_only == text_diff(old, new).whitespace_only
    lines = [line for hunk in diff.hunks for line in hunk.lines]
    assert sum(LINE + sum(SEGMENT + len(s.text) for s in line.segments) for line in lines) <= shown
    assert min(budget.work, budget.shown) >= 0


@given(
    rows=st.lists(st.dictionaries(st.integers(0, 6), st.sampled_from([0.05, 0.5, 1.0, 2.0]), max_size=7), max_size=7)
)
def test_pairs_rise_and_have_the_greatest_sum(rows: list[dict[int, float]]) -> None:
    def greatest(i: int, j: int) -> float:
        best = 0.0
        for x in range(i, len(rows)):
            for y, gain in rows[x].items():
                if y >= j:
                    best = max(best, gain + greatest(x + 1, y + 1))
        return best

    rows = [dict(list(row.items())[:3]) for row in rows[:5]]
    pairs = pairing.best_pairs(rows)
    assert all(a < c and b < d for (a, b), (c, d) in itertools.pairwise(pairs))
    assert sum(rows[i][j] for i, j in pairs) == pytest.approx(greatest(0, 0))


@given(old=TEXTS, new=TEXTS)
def test_word_operations_cover_both_texts(old: str, new: str) -> None:
    before, after = tokens(old), tokens(new)
    assert ("".join(before), "".join(after)) == (old, new)
    i = j = 0
    for op in token_ops(before, after):
        assert (op.a0, op.b0) == (i, j)
        assert op.tag != "equal" or before[op.a0 : op.a1] == after[op.b0 : op.b1]
        i, j = op.a1, op.b1
    assert (i, j) == (len(before), len(after))


def marked(diff: TextDiff) -> list[tuple[str, list[str]]]:
    return [(x.kind, [s.text for s in x.segments if s.changed]) for h in diff.hunks for x in h.lines if x.kind != " "]


def test_the_changed_words_are_marked_inside_the_line() -> None:
    diff = text_diff("Answer in two sentences.\n", "Answer in three sentences.\n")
    assert marked(diff) == [("-", ["two"]), ("+", ["three"])]
    assert (diff.added_words, diff.removed_words, diff.coarse) == (1, 1, False)


def test_a_rewritten_phrase_is_one_change_and_not_a_comb() -> None:
    diff = text_diff("You should always be brief and kind.", "You must never be brief and kind.")
    assert marked(diff) == [("-", ["should always"]), ("+", ["must never"])]


def test_scripts_without_spaces_are_compared_by_character() -> None:
    assert marked(text_diff("必ず短く答えてください。", "必ず長く答えてください。")) == [("-", ["短"]), ("+", ["長"])]


def test_edited_lines_are_paired_across_inserted_ones() -> None:
    diff = text_diff(
        "Be brief and polite.\nNever guess a price.\n", "Be brief and warm.\nCite it.\nNever guess a date.\n"
    )
    assert marked(diff) == [("-", ["polite"]), ("+", ["warm"]), ("+", ["Cite it."]), ("-", ["price"]), ("+", ["date"])]


def test_an_inserted_paragraph_begins_at_its_first_line() -> None:
    old, new = "one\n\ntwo\n", "one\n\nnew\n\ntwo\n"
    assert marked(text_diff(old, new)) == [("+", ["new"]), ("+", [])]


@pytest.mark.parametrize(
    ("old", "new", "only"),
    [
        ("a  b\nc", "a b c\n", True),
        ("ab", "a b", False),
        ("a b", "a\u00a0b", False),
        ("a\r\nb", "a\nb", True),
        ("a", "a", False),
    ],
)
def test_white_space_only_means_the_same_words_in_order(old: str, new: str, only: bool) -> None:
    assert text_diff(old, new).whitespace_only is only


def test_far_changes_are_hunks_of_their_own_with_three_lines_of_context() -> None:
    old = [f"line {n}" for n in range(40)]
    new = [*old]
    new[5], new[30] = "other", "another"
    hunks = text_diff("\n".join(old), "\n".join(new)).hunks
    assert [(h.old_start, h.new_start, len(h.lines)) for h in hunks] == [(3, 3, 8), (28, 28, 8)]


def test_20000_equal_lines_against_others_fall_back_to_whole_lines() -> None:
    old, new = "a\n" * 20_000, "b\n" * 20_000
    ops, coarse = line_ops(split_lines(old), split_lines(new))
    assert (len(ops), coarse) == (1, True)
    diff = text_diff(old, new)
    assert diff.coarse
    assert [hunk.abridged for hunk in diff.hunks] == [(20_000, 20_000)]
    assert rebuilt(old, diff, new) == new


def test_two_unrelated_large_texts_spend_no_more_than_the_budget() -> None:
    old = "\n".join(f"old {n} {n * 7919 % 1000}" for n in range(12_000))
    new = "\n".join(f"new {n} {n * 104729 % 1000} x" for n in range(11_000))
    budget = Budget()
    diff = text_diff(old, new, budget)
    assert diff.coarse
    assert rebuilt(old, diff, new) == new
    assert 0 <= budget.work < WORK


def test_one_huge_line_is_not_compared_by_words() -> None:
    diff = text_diff("old word " * 30_000, "new thing " * 30_000)
    assert diff.coarse
    assert [x.paired for h in diff.hunks for x in h.lines] == [False, False]


def test_the_budget_is_taken_down_and_refuses_what_is_over_it() -> None:
    budget = Budget(work=10_000)
    assert budget.look_inside([["a"]], [["b"]])
    assert budget.work < 10_000
    assert not budget.look_inside([["a"] * 1000], [["b"] * 1000])


def prose(count: int, salt: int) -> str:
    """Lines of some twelve words."""
    picked = random.Random(salt)
    return "\n".join(" ".join(f"w{picked.randrange(900)}" for _ in range(12)) for _ in range(count))


def test_one_word_changed_in_each_of_300_lines_is_marked() -> None:
    old = prose(300, 1)
    diff = text_diff(old, "\n".join(f"other {line.partition(' ')[2]}" for line in old.split("\n")))
    assert not diff.coarse
    assert (diff.added_words, diff.removed_words) == (300, 300)


def test_200_kb_of_unrelated_lines_are_shown_whole_and_1_mb_only_counted() -> None:
    old, new = prose(4_000, 1), prose(4_000, 2)
    diff = text_diff(old, new)
    assert (diff.coarse, is_abridged(diff)) == (True, False)
    assert rebuilt(old, diff) == new
    diff = text_diff(old * 5, new * 5)
    assert (diff.coarse, is_abridged(diff)) == (True, True)
    assert len(diff.hunks) == 1


def test_500000_lines_are_never_split() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "split_lines", None)
        diff = text_diff("a\n" * 500_000, "same\n" + "b\n" * 400_000)
    assert diff.hunks == (Hunk(1, 1, (), (500_000, 400_001)),)


def test_a_few_edits_in_a_long_text_are_shown_though_another_block_is_too_long() -> None:
    old = prose(60, 1)
    new = old.replace("w", "v", 1) + "\n" + "x\n" * 100
    diff = text_diff(old, new, Budget(shown=3_000))
    assert [hunk.abridged is None for hunk in diff.hunks] == [True, False]
    assert rebuilt(old, diff, new) == new
