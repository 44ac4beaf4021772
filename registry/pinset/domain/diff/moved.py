"""Which lines left one place of a text and arrived at another, rather than going for good."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz.distance import Indel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Pair = tuple[int, int]
"""Positions of one line, in the old and in the new text."""

_WORD: Final = re.compile(r"\w+")
_ANCHOR_WORDS: Final = 2
"""Words of a line that can be known again. Blank lines and single words match anywhere."""
_BLOCK_WORDS: Final = 3
"""Words of a whole block from which its move is worth telling."""
_EDITED_WORDS: Final = 6
"""Words of a line that is known again although it was edited."""
_ALIKE: Final = 0.75
"""Share of common words from which a line is one that moved and was edited; below it, it is a new one."""
_EDITED_PAIRS: Final = 2_500
"""Old lines times new ones that are compared to find those that moved and were edited."""


class Loose(NamedTuple):
    """Lines of two texts that have no counterpart at their place: their positions, rising."""

    old: Sequence[int]
    new: Sequence[int]


def find_moves(
    old: Sequence[str],
    new: Sequence[str],
    loose: Loose,
    unpaired: Loose,
    look: Callable[[list[list[str]], list[list[str]]], bool],
) -> list[list[Pair]]:
    """The blocks that moved, each as the pairs of its lines, by their place in the old text.

    loose: lines that may have moved; unpaired: those of them that became no other line in their place either. look:
    whether lines, given as words, may still be compared with each other, and takes that off the budget.
    """
    return _Search(old, new, loose, look).run(unpaired)


class _Search:
    def __init__(
        self,
        old: Sequence[str],
        new: Sequence[str],
        loose: Loose,
        look: Callable[[list[list[str]], list[list[str]]], bool],
    ) -> None:
        self.old, self.new, self.look = old, new, look
        self.gone, self.came = set(loose.old), set(loose.new)
        self.loose = loose

    def run(self, unpaired: Loose) -> list[list[Pair]]:
        blocks = self._grown(self._anchors(self.loose))
        blocks += self._grown(self._edited(unpaired))
        return sorted(block for block in blocks if sum(_words(self.old[i]) for i, _ in block) >= _BLOCK_WORDS)

    def _anchors(self, loose: Loose) -> Iterator[Pair]:
        """Lines that are there once on each side."""
        left, right = _once(self.old, loose.old), _once(self.new, loose.new)
        for line, i in left.items():
            if line in right and _words(line) >= _ANCHOR_WORDS:
                yield i, right[line]

    def _edited(self, unpaired: Loose) -> Iterator[Pair]:
        """Long lines of which each is the other's likest, and like enough."""
        rows = [i for i in unpaired.old if i in self.gone and _words(self.old[i]) >= _EDITED_WORDS]
        columns = [j for j in unpaired.new if j in self.came and _words(self.new[j]) >= _EDITED_WORDS]
        if not rows or not columns or len(rows) * len(columns) > _EDITED_PAIRS:
            return
        before, after = [_WORD.findall(self.old[i]) for i in rows], [_WORD.findall(self.new[j]) for j in columns]
        if not self.look(before, after):
            return
        alike = [[_likeness(x, y) for y in after] for x in before]
        for r, row in enumerate(alike):
            c = max(range(len(columns)), key=row.__getitem__)
            if row[c] >= _ALIKE and row[c] == max(other[c] for other in alike) and row.count(row[c]) == 1:
                yield rows[r], columns[c]

    def _grown(self, anchors: Iterable[Pair]) -> list[list[Pair]]:
        """Blocks around the anchors, as far as lines on both sides are the same or like each other."""
        blocks: list[list[Pair]] = []
        for i, j in anchors:
            if i in self.gone and j in self.came:
                self._take(i, j)
                above, below = list(self._reach(i, j, -1)), list(self._reach(i, j, 1))
                blocks.append([*reversed(above), (i, j), *below])
        return blocks

    def _reach(self, i: int, j: int, step: int) -> Iterator[Pair]:
        while self._fits(i + step, j + step):
            i, j = i + step, j + step
            self._take(i, j)
            yield i, j

    def _fits(self, i: int, j: int) -> bool:
        if i not in self.gone or j not in self.came:
            return False
        a, b = _bare(self.old[i]), _bare(self.new[j])
        if a == b:
            return True
        before, after = _WORD.findall(a), _WORD.findall(b)
        return bool(before and after) and self.look([before], [after]) and _likeness(before, after) >= _ALIKE

    def _take(self, i: int, j: int) -> None:
        self.gone.discard(i)
        self.came.discard(j)


def _once(lines: Sequence[str], positions: Iterable[int]) -> dict[str, int]:
    """The lines that are there once among the positions, and where."""
    found: dict[str, int] = {}
    for n in positions:
        line = _bare(lines[n])
        found[line] = -1 if line in found else n
    return {line: n for line, n in found.items() if n >= 0}


def _words(line: str) -> int:
    return len(_WORD.findall(line))


def _bare(line: str) -> str:
    return line.removesuffix("\n")


def _likeness(a: list[str], b: list[str]) -> float:
    return float(Indel.normalized_similarity(a, b))
