r"""The difference of two texts: lines first, then the words inside the lines that were edited.

Both steps run rapidfuzz on interned integers and both are bounded: past the limits below the answer is still
right, only coarser (whole lines), and says so. Lines end at ``\n`` alone; a carriage return is part of its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.diff.pairing import Budget, pair_lines
from pinset.domain.diff.sequences import BLOCK_CELLS, bridge, exact_ops, line_ops, tidy_lines, trim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinset.domain.diff.sequences import Op

CONTEXT: Final = 3
"""Unchanged lines shown on each side of a change."""

# A word, one ideograph or kana or Hangul syllable (those scripts set no spaces), a run of spaces, or one other sign.
_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+|\s+|[^\w\s]")
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a line; ``changed`` when the other side lacks it."""

    text: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its line feed.

    kind: ``' '`` in both, ``'-'`` only in the old, ``'+'`` only in the new text. Numbers count from 1 and are None on
    the side that lacks the line. paired: a ``-`` directly followed by the ``+`` it became; their unchanged segments
    are the same, in the same order. newline: False for a last line that no line feed ends.
    """

    kind: str
    segments: tuple[Segment, ...]
    old_no: int | None = None
    new_no: int | None = None
    paired: bool = False
    newline: bool = True

    @property
    def text(self) -> str:
        """The line as it is."""
        return "".join(s.text for s in self.segments)


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changes with their context. Starts count lines from 1, also where the side has no line."""

    old_start: int
    new_start: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """What changes between two texts. Equal texts have no hunks.

    coarse: some block was too large to look inside. whitespace_only: the same words in the same order, spaced
    otherwise (ASCII blanks only: a no-break space is another character).
    """

    hunks: tuple[Hunk, ...]
    coarse: bool = False
    added_words: int = 0
    removed_words: int = 0
    whitespace_only: bool = False


def split_lines(text: str) -> list[str]:
    """The lines with their line feeds; joined they are the text again. Empty text has none."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def tokens(text: str) -> list[str]:
    """Words, runs of spaces and single other characters; joined they are the text again."""
    return _TOKEN.findall(text)


def word_ops(a: str, b: str) -> list[Op]:
    """How the tokens of ``a`` become those of ``b``. Unbounded: the caller looks at the sizes first.

    Blanks alone between two changes join them, so that a rewritten phrase is one change and not a comb.
    """
    before, after = tokens(a), tokens(b)
    ops = bridge(exact_ops(before, after), lambda op: all(t.isspace() for t in before[op.a0 : op.a1]))
    return [part for op in ops for part in trim(op, before, after)]


def text_diff(old: str, new: str) -> TextDiff:
    """What changes from one text to the other, at most a few hundred milliseconds for the largest texts allowed."""
    a, b = split_lines(old), split_lines(new)
    ops, coarse = line_ops(a, b)
    blocks = _Blocks(a, b)
    hunks = tuple(blocks.hunks(tidy_lines(ops, a, b)))
    changed = [line for hunk in hunks for line in hunk.lines if line.kind != " "]
    return TextDiff(
        hunks=hunks,
        coarse=coarse or blocks.coarse,
        added_words=_count_words(changed, "+"),
        removed_words=_count_words(changed, "-"),
        whitespace_only=bool(hunks) and _words_of(old) == _words_of(new),
    )


class _Blocks:
    """Turns line operations into hunks, looking inside replaced blocks while the budget lasts."""

    def __init__(self, a: list[str], b: list[str]) -> None:
        self.a, self.b = a, b
        self.budget = Budget()
        self.coarse = False

    def hunks(self, ops: Sequence[Op]) -> Iterator[Hunk]:
        """Groups changes whose context touches."""
        lines: list[Line] = []
        start = (1, 1)
        for n, op in enumerate(ops):
            if op.tag != "equal":
                lines += self._change(op)
                continue
            length, last = op.a1 - op.a0, n == len(ops) - 1
            if n and not last and length <= 2 * CONTEXT:
                lines += self._same(op.a0, op.b0, length)
                continue
            if n:
                lines += self._same(op.a0, op.b0, min(CONTEXT, length))
                yield Hunk(*start, tuple(lines))
            keep = 0 if last else min(CONTEXT, length)
            lines = self._same(op.a1 - keep, op.b1 - keep, keep)
            start = (op.a1 - keep + 1, op.b1 - keep + 1)
        if any(line.kind != " " for line in lines):
            yield Hunk(*start, tuple(lines))

    def _same(self, i: int, j: int, length: int) -> list[Line]:
        return [self._line(" ", i + k, j + k, changed=False) for k in range(length)]

    def _change(self, op: Op) -> list[Line]:
        rows, columns = op.a1 - op.a0, op.b1 - op.b0
        pairs: list[tuple[int, int]] | None = []
        if rows and columns:
            pairs = self._pairs(op) if rows * columns <= BLOCK_CELLS else None
        if pairs is None:
            self.coarse, pairs = True, []
        lines: list[Line] = []
        i, j = op.a0, op.b0
        for row, column in [*pairs, (rows, columns)]:
            lines += [self._line("-", k, None) for k in range(i, op.a0 + row)]
            lines += [self._line("+", None, k) for k in range(j, op.b0 + column)]
            i, j = op.a0 + row, op.b0 + column
            if row < rows:
                lines += self._pair(i, j)
                i, j = i + 1, j + 1
        return lines

    def _pairs(self, op: Op) -> list[tuple[int, int]] | None:
        old = [tokens(line) for line in self.a[op.a0 : op.a1]]
        new = [tokens(line) for line in self.b[op.b0 : op.b1]]
        return pair_lines(old, new, self.budget)

    def _pair(self, i: int, j: int) -> list[Line]:
        a, b = self.a[i], self.b[j]
        if a == b:
            return self._same(i, j, 1)
        old, new = _bare(a), _bare(b)
        ops = word_ops(old, new)
        before, after = tokens(old), tokens(new)
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


def _segments(parts: Iterable[tuple[str, list[str]]]) -> Iterator[Segment]:
    return (Segment("".join(words), tag != "equal") for tag, words in parts if words)


def _bare(line: str) -> str:
    return line.removesuffix("\n")


def _words_of(text: str) -> list[str]:
    return [word for word in re.split(f"[{_BLANKS}]+", text) if word]


def _count_words(lines: list[Line], kind: str) -> int:
    changed = (s.text for line in lines if line.kind == kind for s in line.segments if s.changed)
    return sum(len(_WORD.findall(text)) for text in changed)
