r"""The difference of two texts: lines first, then the words inside the lines that were edited.

Both steps run rapidfuzz, one character for each line or word, and both are bounded by the budget of the comparison:
past it the answer is still right, only coarser (whole lines, then only their counts), and says so. Lines end at
``\n`` alone; a carriage return is part of its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pinset.domain.diff.budget import LINE, SEGMENT, Budget
from pinset.domain.diff.pairing import pair_lines
from pinset.domain.diff.sequences import LINE_CELLS, PAIR_CELLS, Op, bridge, exact_ops, line_ops, tidy_lines, trim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONTEXT: Final = 3
"""Unchanged lines shown on each side of a change."""

# A word, one ideograph or kana or Hangul syllable (those scripts set no spaces), a run of spaces, or one other sign.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+|\s+|[^\w\s]")
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_BLANKS = " \t\r\n"
_NO_BLANKS = str.maketrans("", "", _BLANKS)
_GLANCE: Final = 2_000
"""Characters at the start of two texts that mostly tell them apart."""

_CHARACTERS: Final = 2
_LINES: Final = 150
_EDITED_LINES: Final = 2_000
"""Steps for one character, one line, and one line between the first and the last that differ."""


Nature = Literal["wording", "reflow", "whitespace", "order"]


class Segment(NamedTuple):
    """A stretch of a line; ``changed`` when the other side lacks it."""

    text: str
    changed: bool = False


class Line(NamedTuple):
    """One line without its line feed.

    kind: ``' '`` in both, ``'-'`` only in the old, ``'+'`` only in the new text. Numbers count from 1 and are None on
    the side that lacks the line. paired: a ``-`` directly followed by the ``+`` it became; their unchanged segments
    are the same, in the same order. newline: False for a last line that no line feed ends. move: the number of the
    block that left one place and arrived at another, from 1; the same on each ``-`` where it left and each ``+`` where
    it arrived. The segments of a moved line are changed where it was edited on the way.
    """

    kind: str
    segments: tuple[Segment, ...]
    old_no: int | None = None
    new_no: int | None = None
    paired: bool = False
    newline: bool = True
    move: int | None = None

    @property
    def text(self) -> str:
        """The line as it is."""
        return "".join(s.text for s in self.segments)


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changes with their context. Starts count lines from 1, also where the side has no line.

    abridged: how many old lines became how many new ones, where they are too many to be shown; then there are no lines.
    """

    old_start: int
    new_start: int
    lines: tuple[Line, ...]
    abridged: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class TextDiff:
    """What changes between two texts. Equal texts have no hunks.

    coarse: some block was too large to look inside, or to be shown at all. nature: ``wording`` where words differ;
    ``order`` the same lines otherwise ordered; ``reflow`` the same words in the same order, broken into other lines;
    ``whitespace`` the same words on the same lines (ASCII blanks only: a no-break space is another character). The
    words are not counted, and None, where some lines are not shown.
    """

    hunks: tuple[Hunk, ...]
    coarse: bool = False
    added_words: int | None = 0
    removed_words: int | None = 0
    nature: Nature = "wording"

    @property
    def whitespace_only(self) -> bool:
        """Whether the words are the same, in the same order."""
        return self.nature in {"reflow", "whitespace"}


@dataclass(frozen=True, slots=True)
class PendingDiff:
    """Two texts to be compared once it is known what else is; whether only white space differs is known at once."""

    old: str
    new: str
    whitespace_only: bool


def pending(old: str, new: str) -> PendingDiff:
    """What ``text_diff`` has yet to compare."""
    return PendingDiff(old, new, whitespace_only=old != new and _same_words(old, new))


def split_lines(text: str) -> list[str]:
    """The lines with their line feeds; joined they are the text again. Empty text has none."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


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


def text_diff(old: str, new: str, budget: Budget | None = None) -> TextDiff:
    """What changes from one text to the other, for what the budget holds; a text alone has one of its own."""
    if old == new:
        return TextDiff(())
    budget = budget or Budget()
    middle = _Middle.of(old, new)
    kind: Nature = "whitespace" if _same_words(old, new) else "wording"
    if not middle.worth(old, new, budget):
        return TextDiff((middle.hunk(),), coarse=True, added_words=None, removed_words=None, nature=kind)
    a, b = split_lines(old), split_lines(new)
    ops, coarse = line_ops(a, b)
    blocks = _Blocks(a, b, budget)
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
        start = old.rfind("\n", 0, _alike(old, new, 0)) + 1
        room = min(len(old), len(new)) - start
        end = min(_alike(old, new, room), room)
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
    """Turns line operations into hunks, looking inside replaced blocks while the budget lasts."""

    def __init__(self, a: list[str], b: list[str], budget: Budget) -> None:
        self.a, self.b = a, b
        self.budget = budget
        self.coarse = False

    def hunks(self, ops: Sequence[Op]) -> list[Hunk]:
        """Groups of changes whose context touches; neighbours that are both too long for the answer are one."""
        found: list[Hunk] = []
        for group in _groups(ops):
            hunk = self._hunk(group)
            last = found[-1] if found else None
            if last and last.abridged and hunk.abridged:
                rows = hunk.old_start + hunk.abridged[0] - last.old_start
                columns = hunk.new_start + hunk.abridged[1] - last.new_start
                found[-1] = Hunk(last.old_start, last.new_start, (), (rows, columns))
            else:
                found.append(hunk)
        return found

    def _hunk(self, ops: list[Op]) -> Hunk:
        a0, b0, a1, b1 = ops[0].a0, ops[0].b0, ops[-1].a1, ops[-1].b1
        if self.budget.show_lines(sum(map(self._size, ops))):
            lines: list[Line] = []
            for op in ops:
                lines += self._same(op.a0, op.b0, op.a1 - op.a0) if op.tag == "equal" else self._change(op)
            return Hunk(a0 + 1, b0 + 1, tuple(lines))
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

    def _same(self, i: int, j: int, length: int) -> list[Line]:
        return [self._line(" ", i + k, j + k, changed=False) for k in range(length)]

    def _change(self, op: Op) -> list[Line]:
        rows, columns = op.a1 - op.a0, op.b1 - op.b0
        pairs: list[tuple[int, int]] | None = []
        old: list[list[str]] = []
        new: list[list[str]] = []
        if rows and columns and rows * columns <= PAIR_CELLS:
            old = [tokens(_bare(line)) for line in self.a[op.a0 : op.a1]]
            new = [tokens(_bare(line)) for line in self.b[op.b0 : op.b1]]
        if rows and columns:
            pairs = self._pairs(old, new) if old else None
        if pairs is None:
            self.coarse, pairs = True, []
        lines: list[Line] = []
        i, j = op.a0, op.b0
        for row, column in [*pairs, (rows, columns)]:
            lines += [self._line("-", k, None) for k in range(i, op.a0 + row)]
            lines += [self._line("+", None, k) for k in range(j, op.b0 + column)]
            i, j = op.a0 + row, op.b0 + column
            if row < rows:
                lines += self._pair(i, j, old[row], new[column])
                i, j = i + 1, j + 1
        return lines

    def _pairs(self, old: list[list[str]], new: list[list[str]]) -> list[tuple[int, int]] | None:
        fits = max(map(len, old)) * max(map(len, new)) <= LINE_CELLS
        return pair_lines(old, new) if fits and self.budget.look_inside(old, new) else None

    def _pair(self, i: int, j: int, before: list[str], after: list[str]) -> list[Line]:
        a, b = self.a[i], self.b[j]
        if a == b:
            return self._same(i, j, 1)
        ops = token_ops(before, after)
        if len(ops) > 1 and not self.budget.show_lines(2 * SEGMENT * len(ops)):
            self.coarse = True
            return [self._line("-", i, None), self._line("+", None, j)]
        return [
            Line(
                "-",
                tuple(_segments((o.tag, before[o.a0 : o.a1]) for o in ops)),
                i + 1,
                None,
                paired=True,
                newline=a.endswith("\n"),
            ),
            Line(
                "+",
                tuple(_segments((o.tag, after[o.b0 : o.b1]) for o in ops)),
                None,
                j + 1,
                paired=True,
                newline=b.endswith("\n"),
            ),
        ]

    def _line(self, kind: str, i: int | None, j: int | None, *, changed: bool = True) -> Line:
        whole = self.a[i] if i is not None else self.b[j or 0]
        bare = _bare(whole)
        return Line(
            kind,
            (Segment(bare, changed),) if bare else (),
            None if i is None else i + 1,
            None if j is None else j + 1,
            newline=whole.endswith("\n"),
        )


def _segments(parts: Iterable[tuple[str, list[str]]]) -> list[Segment]:
    return [Segment("".join(words), tag != "equal") for tag, words in parts if words]


def _bare(line: str) -> str:
    return line.removesuffix("\n")


def _same_words(old: str, new: str) -> bool:
    """Whether only ASCII blanks differ, and no word falls apart or grows together."""
    left, right = (text[:_GLANCE].translate(_NO_BLANKS) for text in (old, new))
    if _alike(left, right, 0) < min(len(left), len(right)):
        return False
    bare = [text.replace("\t", " ").replace("\r", " ").replace("\n", " ") for text in (old, new)]
    if bare[0].replace(" ", "") != bare[1].replace(" ", ""):
        return False
    return list(filter(None, bare[0].split(" "))) == list(filter(None, bare[1].split(" ")))


def _alike(a: str, b: str, tail: int) -> int:
    """How many characters two texts begin with alike; with ``tail``, how many of their last ones are alike."""
    if tail:
        a, b = a[len(a) - tail :][::-1], b[len(b) - tail :][::-1]
    size = min(len(a), len(b))
    low, step = 0, 64
    while low < size and a[low : low + step] == b[low : low + step]:
        low, step = min(low + step, size), 2 * step
    while low < size and step:
        step //= 2
        if low + step <= size and a[low : low + step] == b[low : low + step]:
            low += step
    return low


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
