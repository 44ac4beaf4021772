"""Which old line became which new one, inside a block of replaced lines; and items of other lists likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rapidfuzz.distance import Indel

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE: Final = 0.5
"""Share of common words from which two lines are one edited line; below it the marks confuse more than they tell."""
WORK: Final = 200_000_000
"""Comparison steps allowed for one pair of texts, about half a second at worst."""
_CALL: Final = 2_000
"""Steps that one comparison costs however short the lines are."""
_TOKEN: Final = 64
"""Steps for handing over one token, against one for a cell of the bit-parallel matrix."""


@dataclass(slots=True)
class Budget:
    """What is left of the work allowed for one pair of texts."""

    left: int = WORK

    def spend(self, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> bool:
        """Whether comparing every row with every column fits; if so it is taken off."""
        high, wide = sum(map(len, rows)), sum(map(len, columns))
        handed = _TOKEN * (high * len(columns) + wide * len(rows))
        cost = high * wide + handed + _CALL * len(rows) * len(columns)
        if cost > self.left:
            return False
        self.left -= cost
        return True


def pair_lines(old: list[list[str]], new: list[list[str]], budget: Budget) -> list[tuple[int, int]] | None:
    """Pairs (old, new) in rising order of the lines most alike, given as tokens; None when over the budget."""
    if not budget.spend(old, new):
        return None
    numbers: dict[str, int] = {}
    rows = [_words(line, numbers) for line in old]
    columns = [_words(line, numbers) for line in new]
    return best_pairs([[_gain(a, b) for b in columns] for a in rows])


def best_pairs(gains: list[list[float]]) -> list[tuple[int, int]]:
    """The rising pairs with the greatest sum; a gain of 0 never pairs. Gains: one row for each old item."""
    width = len(gains[0]) if gains else 0
    best = [[0.0] * (width + 1) for _ in range(len(gains) + 1)]
    for i in range(len(gains) - 1, -1, -1):
        row, below = best[i], best[i + 1]
        for j in range(width - 1, -1, -1):
            gain = gains[i][j]
            paired = gain + below[j + 1] if gain else 0.0
            row[j] = max(paired, below[j], row[j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(gains) and j < width:
        gain = gains[i][j]
        if gain and best[i][j] == gain + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _words(line: list[str], numbers: dict[str, int]) -> list[int]:
    return [numbers.setdefault(t, len(numbers)) for t in line if not t.isspace()]


def _gain(a: list[int], b: list[int]) -> float:
    """Likeness, weighed by length: one long line that stayed is worth more than a lone bracket."""
    if not a or not b:
        return 0.05 if not a and not b else 0.0
    alike = Indel.normalized_similarity(a, b, score_cutoff=ALIKE)
    return alike * (1.0 + min(len(a), len(b), 12) / 4.0)
