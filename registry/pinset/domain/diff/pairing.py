"""Which old line became which new one, inside a block of replaced lines; and items of other lists likewise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rapidfuzz import process
from rapidfuzz.distance import Indel

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE: Final = 0.5
"""Share of common words from which two lines are one edited line; below it the marks confuse more than they tell."""
_BLANK: Final = 0.05
"""What pairing two lines without words is worth."""


class _Letters(dict[str, str]):
    """One character for each word, none for blanks: strings are what rapidfuzz compares fastest."""

    def __missing__(self, token: str) -> str:
        letter = self[token] = "" if token.isspace() else chr(len(self))
        return letter


Gains = dict[int, float]
"""What pairing one old item with new ones is worth, by their positions; what is absent never pairs."""


def pair_lines(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Pairs (old, new) in rising order of the lines most alike, given as tokens. Unbounded."""
    letter = _Letters().__getitem__
    rows, columns = ["".join(map(letter, line)) for line in old], ["".join(map(letter, line)) for line in new]
    blanks = dict.fromkeys((j for j, column in enumerate(columns) if not column), _BLANK)
    found = {row: _alike(row, columns) for row in set(rows) if row}
    return best_pairs([found.get(row, blanks) for row in rows])


def best_pairs(gains: Sequence[Gains]) -> list[tuple[int, int]]:
    """The rising pairs with the greatest sum. Gains: one for each old item, above 0."""
    width = max((j for row in gains for j in row), default=-1) + 1
    best = [[0.0] * (width + 1)]  # for each row the greatest sum from each column on; it never rises to the right
    for row in reversed(gains):
        below = best[-1]
        better = [(total, j) for j, gain in row.items() if (total := gain + below[j + 1]) > below[j]]
        here = below.copy() if better else below
        for total, j in better:
            at = j
            while at >= 0 and here[at] < total:
                here[at] = total
                at -= 1
        best.append(here)
    best.reverse()
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(gains) and j < width:
        gain = gains[i].get(j, 0.0)
        if gain and best[i][j] == gain + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _alike(row: str, columns: Sequence[str]) -> Gains:
    """Likeness, weighed by length: one long line that stayed is worth more than a lone bracket."""
    found = process.extract(
        row, columns, scorer=Indel.normalized_similarity, processor=None, score_cutoff=ALIKE, limit=None
    )
    most = min(len(row), 12)
    return {j: alike * (1.0 + min(most, len(column)) / 4.0) for column, alike, j in found}
