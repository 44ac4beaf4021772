"""The difference of two texts: lines first, then the words inside the lines that were edited, then what moved.

All of it is bounded by the budget of the comparison: past it the answer is still right, only coarser (whole lines,
then only their counts), and says so.

It is always found from the text that comes first in the order of strings to the other one, and mirrored where that is
the wrong way round: what changed does not depend on who asks from which side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.diff.budget import LINE, SEGMENT, Budget
from pinset.domain.diff.lines import Hunk, Line, Segment, TextDiff, mirrored, split_lines
from pinset.domain.diff.moved import Loose, find_moves
from pinset.domain.diff.natures import alike, nature
from pinset.domain.diff.pairing import pair_lines
from pinset.domain.diff.sequences import LINE_CELLS, PAIR_CELLS, Op, bridge, exact_ops, line_ops, tidy_lines, trim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinset.domain.diff.lines import Nature

LONG_TEXT: Final = 60
"""Characters from which an edited text is shown as one, with its words marked, and not as old → new."""
CONTEXT: Final = 3
"""Unchanged lines shown on each side of a change."""

# A word, one ideograph or kana or Hangul syllable (those scripts set no spaces), a run of spaces, or one other sign.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+|\s+|[^\w\s]")
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")

_CHARACTERS: Final = 2
_LINES: Final = 150
_EDITED_LINES: Final = 2_000
"""Steps for one character, one line, and one line between the first and the last that differ."""


@dataclass(frozen=True, slots=True)
class PendingDiff:
    """Two texts to be compared once it is known what else is; of what nature the difference is, is known at once."""

    old: str
    new: str
    nature: Nature


def pending(old: str, new: str) -> PendingDiff:
    """What ``text_diff`` has yet to compare."""
    return PendingDiff(old, new, nature(old, new) if old and new else "wording")


def long_texts(old: object, new: object) -> PendingDiff | None:
    """Two values to be compared as texts, where they are ones that do not fit on a line."""
    if not isinstance(old, str) or not isinstance(new, str):
        return None
    return pending(old, new) if max(len(old), len(new)) >= LONG_TEXT or "\n" in old or "\n" in new else None


def tokens(text: str) -> list[str]:
    """Words, runs of spaces and single other characters; joined they are the text again."""
    return _TOKEN.findall(text)


def token_ops(before: list[str], after: list[str]) -> list[Op]:
    """How tokens become others. Unbounded: the caller looks at the sizes first.

    Blanks alone between two changes join them, so that a rewritten phrase is one change and not a comb.
    """
    exact = exact_ops(before, after)
    if len(exact) < 3:
        return exact
    ops = bridge(exact, lambda op: "".join(before[op.a0 : op.a1]).isspace())
    if len(ops) == len(exact):  # what was not joined has nothing to trim
        return ops
    return [part for op in ops for part in (trim(op, before, after) if op.tag == "replace" else (op,))]


def text_diff(old: str, new: str, budget: Budget | None = None, kind: Nature | None = None) -> TextDiff:
    """What changes from one text to the other, for what the budget holds; a text alone has one of its own.

    kind: the nature of the difference, where it is known.
    """
    if old == new:
        return TextDiff(())
    kind = kind or nature(old, new)
    budget = budget or Budget()
    return _forward(old, new, budget, kind) if old < new else mirrored(_forward(new, old, budget, kind))


def _forward(old: str, new: str, budget: Budget, kind: Nature) -> TextDiff:
    middle = _Middle.of(old, new)
    if not middle.worth(old, new, budget):
        return TextDiff((middle.hunk(),), coarse=True, added_words=None, removed_words=None, nature=kind)
    a, b = split_lines(old), split_lines(new)
    ops, coarse = line_ops(a, b)
    blocks = _Blocks(a, b, budget, marks=kind != "reflow")
    hunks = tuple(blocks.hunks(tidy_lines(ops, a, b)))
    changed = [line for hunk in hunks for line in hunk.lines if line.kind != " "]
    whole = not any(hunk.abridged for hunk in hunks)
    return TextDiff(
        hunks=hunks,
        coarse=coarse or blocks.coarse,
        added_words=_count_words(changed, "+") if whole else None,
        removed_words=_count_words(changed, "-") if whole else None,
        nature=kind,
    )


class _Middle(NamedTuple):
    """What lies between the lines that two texts begin with alike and those that they end with, found without splitting.

    before: lines ahead of it. Then its lines and its characters on both sides.
    """

    before: int
    old_lines: int
    new_lines: int
    old_size: int
    new_size: int

    @classmethod
    def of(cls, old: str, new: str) -> _Middle:
        """Looks at two texts that differ."""
        start = old.rfind("\n", 0, alike(old, new, 0)) + 1
        room = min(len(old), len(new)) - start
        end = min(alike(old, new, room), room)
        if not all(len(text) == end or text[len(text) - end - 1] == "\n" for text in (old, new)):
            feed = old.find("\n", len(old) - end)
            end = 0 if feed < 0 else len(old) - feed - 1
        sides = [text[start : len(text) - end] for text in (old, new)]
        lines = [side.count("\n") + (not side.endswith("\n") and bool(side)) for side in sides]
        return cls(old.count("\n", 0, start), lines[0], lines[1], len(sides[0]), len(sides[1]))

    def worth(self, old: str, new: str, budget: Budget) -> bool:
        """Whether the lines can be compared, and if they cannot be told apart, at least be shown."""
        cells = self.old_lines * self.new_lines
        size = self.old_size + self.new_size + (LINE + SEGMENT) * (self.old_lines + self.new_lines)
        if (cells > LINE_CELLS or not (self.old_lines and self.new_lines)) and size > budget.shown:
            return False
        cost = _CHARACTERS * (len(old) + len(new)) + _LINES * (old.count("\n") + new.count("\n"))
        cost += _EDITED_LINES * (self.old_lines + self.new_lines) + min(cells, LINE_CELLS) // 16
        return budget.spend(cost)

    def hunk(self) -> Hunk:
        """Only the counts."""
        return Hunk(self.before + 1, self.before + 1, (), (self.old_lines, self.new_lines))


class _Blocks:
    """Turns line operations into hunks, looking inside replaced blocks while the budget lasts.

    marks: whether words are marked, and moves looked for. Where words only went to other lines, none is missing.
    """

    def __init__(self, a: list[str], b: list[str], budget: Budget, *, marks: bool) -> None:
        self.a, self.b = a, b
        self.marks = marks
        self.budget = budget
        self.coarse = False
        self.old_words: dict[int, list[str]] = {}
        self.new_words: dict[int, list[str]] = {}
        self.pairs: dict[Op, list[tuple[int, int]]] = {}
        self.left: dict[int, tuple[int, int]] = {}
        self.arrived: dict[int, tuple[int, int]] = {}

    def hunks(self, ops: Sequence[Op]) -> list[Hunk]:
        """Groups of changes whose context touches; neighbours that are both too long for the answer are one."""
        groups = [(group, self.budget.show_lines(sum(map(self._size, group)))) for group in _groups(ops)]
        changed = [op for group, shown in groups if shown for op in group if op.tag != "equal"]
        for op in changed:
            self.pairs[op] = self._pair_up(range(op.a0, op.a1), range(op.b0, op.b1))
        if self.marks:
            self._find_moves(changed)
        found: list[Hunk] = []
        for group, shown in groups:
            hunk = self._shown(group) if shown else self._counted(group)
            last = found[-1] if found else None
            if last and last.abridged and hunk.abridged:
                rows = hunk.old_start + hunk.abridged[0] - last.old_start
                columns = hunk.new_start + hunk.abridged[1] - last.new_start
                found[-1] = Hunk(last.old_start, last.new_start, (), (rows, columns))
            else:
                found.append(hunk)
        return found

    def _shown(self, ops: list[Op]) -> Hunk:
        lines: list[Line] = []
        for op in ops:
            lines += self._same(op.a0, op.b0, op.a1 - op.a0) if op.tag == "equal" else self._change(op)
        return Hunk(ops[0].a0 + 1, ops[0].b0 + 1, tuple(lines))

    def _counted(self, ops: list[Op]) -> Hunk:
        self.coarse = True
        changed = [op for op in ops if op.tag != "equal"]
        a0, b0, a1, b1 = changed[0].a0, changed[0].b0, changed[-1].a1, changed[-1].b1
        return Hunk(a0 + 1, b0 + 1, (), (a1 - a0, b1 - b0))

    def _size(self, op: Op) -> int:
        """Characters of the answer that it takes before words are marked."""
        sides = [self.a[op.a0 : op.a1]]
        if op.tag != "equal":
            sides.append(self.b[op.b0 : op.b1])
        return sum(sum(map(len, side)) + (LINE + SEGMENT) * len(side) for side in sides)

    def _pair_up(self, rows: Sequence[int], columns: Sequence[int]) -> list[tuple[int, int]]:
        """Which of the old lines of a replaced block became which of the new ones, rising."""
        if not rows or not columns:
            return []
        if len(rows) * len(columns) <= PAIR_CELLS:
            old = [_tokens_of(self.a, i, self.old_words) for i in rows]
            new = [_tokens_of(self.b, j, self.new_words) for j in columns]
            fits = max(map(len, old)) * max(map(len, new)) <= LINE_CELLS
            if fits and self.budget.look_inside(old, new):
                pairs = [(rows[r], columns[c]) for r, c in pair_lines(old, new)]
                return pairs if self.marks else [(i, j) for i, j in pairs if self.a[i] == self.b[j]]
        self.coarse = True
        return []

    def _find_moves(self, changed: list[Op]) -> None:
        """Lines that left one place and arrived at another are no longer the edited form of a line in their place."""
        in_place = {i for op in changed for i, j in self.pairs[op] if self.a[i] == self.b[j]}
        arrived = {j for op in changed for i, j in self.pairs[op] if i in in_place}
        loose = Loose(
            [i for op in changed for i in range(op.a0, op.a1) if i not in in_place],
            [j for op in changed for j in range(op.b0, op.b1) if j not in arrived],
        )
        paired = {i for op in changed for i, _ in self.pairs[op]}, {j for op in changed for _, j in self.pairs[op]}
        unpaired = Loose([i for i in loose.old if i not in paired[0]], [j for j in loose.new if j not in paired[1]])
        blocks = find_moves(self.a, self.b, loose, unpaired, self.budget.look_inside)
        for number, block in enumerate(blocks, 1):
            self.left |= {i: (number, j) for i, j in block}
            self.arrived |= {j: (number, i) for i, j in block}
        for op in changed:
            if any(i in self.left or j in self.arrived for i, j in self.pairs[op]):
                rows = [i for i in range(op.a0, op.a1) if i not in self.left]
                columns = [j for j in range(op.b0, op.b1) if j not in self.arrived]
                self.pairs[op] = self._pair_up(rows, columns)

    def _same(self, i: int, j: int, length: int) -> list[Line]:
        return [self._line(" ", i + k, j + k, changed=False) for k in range(length)]

    def _change(self, op: Op) -> list[Line]:
        lines: list[Line] = []
        i, j = op.a0, op.b0
        for row, column in [*self.pairs[op], (op.a1, op.b1)]:
            lines += [self._gone(k) for k in range(i, row)]
            lines += [self._came(k) for k in range(j, column)]
            i, j = row, column
            if row < op.a1:
                lines += self._pair(row, column)
                i, j = row + 1, column + 1
        return lines

    def _pair(self, i: int, j: int) -> list[Line]:
        if self.a[i] == self.b[j]:
            return self._same(i, j, 1)
        marked = self._marked(i, j)
        if marked is None:
            return [self._line("-", i, None), self._line("+", None, j)]
        return [
            Line("-", marked[0], i + 1, None, paired=True, newline=self.a[i].endswith("\n")),
            Line("+", marked[1], None, j + 1, paired=True, newline=self.b[j].endswith("\n")),
        ]

    def _gone(self, i: int) -> Line:
        line = self._line("-", i, None)
        if i not in self.left:
            return line
        number, j = self.left[i]
        marked = self._marked(i, j)
        return line._replace(move=number, segments=marked[0] if marked else line.segments)

    def _came(self, j: int) -> Line:
        line = self._line("+", None, j)
        if j not in self.arrived:
            return line
        number, i = self.arrived[j]
        marked = self._marked(i, j)
        return line._replace(move=number, segments=marked[1] if marked else line.segments)

    def _marked(self, i: int, j: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]] | None:
        """Both lines with what the other one lacks marked; None where the answer does not hold that."""
        a, b = _bare(self.a[i]), _bare(self.b[j])
        if a == b:
            same = (Segment(a),) if a else ()
            return same, same
        before, after = _tokens_of(self.a, i, self.old_words), _tokens_of(self.b, j, self.new_words)
        ops = token_ops(before, after)
        if len(ops) > 1 and not self.budget.show_lines(2 * SEGMENT * len(ops)):
            self.coarse = True
            return None
        return (
            tuple(_segments((o.tag, before[o.a0 : o.a1]) for o in ops)),
            tuple(_segments((o.tag, after[o.b0 : o.b1]) for o in ops)),
        )

    def _line(self, kind: str, i: int | None, j: int | None, *, changed: bool = True) -> Line:
        whole = self.a[i] if i is not None else self.b[j or 0]
        bare = _bare(whole)
        return Line(
            kind,
            (Segment(bare, changed and self.marks),) if bare else (),
            None if i is None else i + 1,
            None if j is None else j + 1,
            newline=whole.endswith("\n"),
        )


def _segments(parts: Iterable[tuple[str, list[str]]]) -> list[Segment]:
    return [Segment("".join(words), tag != "equal") for tag, words in parts if words]


def _tokens_of(lines: Sequence[str], n: int, known: dict[int, list[str]]) -> list[str]:
    if n not in known:
        known[n] = tokens(_bare(lines[n]))
    return known[n]


def _bare(line: str) -> str:
    return line.removesuffix("\n")


def _groups(ops: Sequence[Op]) -> Iterator[list[Op]]:
    """Operations whose context touches, with the equal lines around them that are shown."""
    group: list[Op] = []
    for n, op in enumerate(ops):
        if op.tag != "equal":
            group.append(op)
            continue
        length, last = op.a1 - op.a0, n == len(ops) - 1
        if n and not last and length <= 2 * CONTEXT:
            group.append(op)
            continue
        if n:
            keep = min(CONTEXT, length)
            yield [*group, Op("equal", op.a0, op.a0 + keep, op.b0, op.b0 + keep)]
        keep = 0 if last else min(CONTEXT, length)
        group = [Op("equal", op.a1 - keep, op.a1, op.b1 - keep, op.b1)] if keep else []
    if any(op.tag != "equal" for op in group):
        yield group


def _count_words(lines: list[Line], kind: str) -> int:
    changed = (s.text for line in lines if line.kind == kind for s in line.segments if s.changed)
    return len(_WORD.findall("\n".join(changed)))
