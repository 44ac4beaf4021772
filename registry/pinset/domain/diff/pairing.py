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
    """The rising pairs with the greatest sum. Gains: one for each old item, above 0.

    Of equal sums a pair straight ahead comes first, then the furthest down the old and there the furthest up the new.
    """
    chains, ends = _chains(gains)
    pairs: list[tuple[int, int]] = []
    i = j = 0
    best = max(ends, default=0.0)
    while best:
        found = [(x, y) for x, y in ends[best] if x >= i and y >= j]
        ahead = [pair for pair in found if pair[1] == j]
        x, y = min(ahead) if ahead else max(found, key=lambda pair: (pair[0], -pair[1]))
        pairs.append((x, y))
        i, j, best = x + 1, y + 1, chains[x, y]
    return pairs


def _chains(gains: Sequence[Gains]) -> tuple[dict[tuple[int, int], float], dict[float, list[tuple[int, int]]]]:
    """For each pair the greatest sum of those that may follow it; and the pairs by the sum that they begin."""
    width = max((j for row in gains for j in row), default=-1) + 1
    best = [0.0] * (width + 1)  # the greatest sum of the rows below, from each column on; it never rises
    after: dict[tuple[int, int], float] = {}
    begun: dict[float, list[tuple[int, int]]] = {}
    for i in range(len(gains) - 1, -1, -1):
        sums: list[tuple[int, float]] = []
        for j, gain in gains[i].items():
            after[i, j] = best[j + 1]
            total = gain + best[j + 1]
            begun.setdefault(total, []).append((i, j))
            sums.append((j, total))
        for j, total in sorted(sums, reverse=True):
            while j >= 0 and best[j] < total:
                best[j] = total
                j -= 1  # noqa: PLW2901 - it walks to the left from there
    return after, begun


def _alike(row: str, columns: Sequence[str]) -> Gains:
    """Likeness, weighed by length: one long line that stayed is worth more than a lone bracket."""
    found = process.extract(
        row, columns, scorer=Indel.normalized_similarity, processor=None, score_cutoff=ALIKE, limit=None
    )
    most = min(len(row), 12)
    return {j: alike * (1.0 + min(most, len(column)) / 4.0) for column, alike, j in found}
