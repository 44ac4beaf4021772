"""What one comparison of two releases may cost, whatever the releases hold.

Everything is counted, nothing is timed: the same two releases have the same answer on every machine. All texts of a
comparison share one budget. It is spent on the smallest texts first, texts of one size in reading order, so that a
huge text never takes the marks from a small one. A text that does not fit is shown coarser: whole lines without
marked words, then the counts of its lines alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

WORK: Final = 250_000_000
"""Steps for the texts, each about a nanosecond of a slow core."""
ALIGNING: Final = 60_000_000
"""Steps for finding which message became which."""
WALKED: Final = 1_000_000
"""JSON values looked at to find what differs inside lists and objects."""
PROOFS: Final = 100_000
"""Steps of proving that the values of one schema fit another, each some ten microseconds."""
READ: Final = 2_000_000
"""Characters of texts looked at for structure in their white space, and for letters that deceive."""
SHOWN: Final = 3_000_000
"""Characters of the answer that hold lines of texts, with what stands around them in JSON."""
VALUES: Final = 8_000_000
"""Characters of the answer that hold old and new values as they are."""
CHANGES: Final = 5_000
"""Changes listed one by one; the worst ones stay."""
LINE: Final = 80
SEGMENT: Final = 36
"""Characters of JSON around the text of one line, and of one segment in it."""

_PAIR: Final = 200
"""Steps for one old line beside one new one, however short they are."""
_TOKEN: Final = 1_500
"""Steps for one word of a block that is looked into."""
_SHORT: Final = 32
"""Cells of a bit-parallel matrix that one step does."""


@dataclass(slots=True)
class Budget:
    """What is left for one comparison."""

    work: int = WORK
    aligning: int = ALIGNING
    walked: int = WALKED
    proofs: int = PROOFS
    shown: int = SHOWN
    letters: int = READ
    values: int = VALUES

    def spend(self, cost: int) -> bool:
        """Whether the work fits; if so it is taken off."""
        return self._take("work", cost)

    def look_inside(self, rows: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> bool:
        """Whether comparing every row with every column fits; if so it is taken off."""
        return self.spend(_cells(rows, columns) + _TOKEN * (sum(map(len, rows)) + sum(map(len, columns))))

    def align(self, rows: Sequence[Sequence[Any]], columns: Sequence[Sequence[Any]]) -> bool:
        """The same for whole messages."""
        return self._take("aligning", _cells(rows, columns))

    def prove(self, cost: int = 1) -> bool:
        """Whether so many more steps of a proof fit; if so they are taken off."""
        return self._take("proofs", cost)

    def read(self, cost: int) -> bool:
        """Whether so many characters may be looked at closely; if so they are taken off."""
        return self._take("letters", cost)

    def show_lines(self, cost: int) -> bool:
        """Whether so many characters of lines fit into the answer; if so they are taken off."""
        return self._take("shown", cost)

    def show_values(self, cost: int) -> bool:
        """Whether so many characters of values fit into the answer; if so they are taken off."""
        return self._take("values", cost)

    def _take(self, account: Literal["work", "aligning", "proofs", "letters", "shown", "values"], cost: int) -> bool:
        left: int = getattr(self, account)
        fits = cost <= left
        if fits:
            setattr(self, account, left - cost)
        return fits

    def walk(self, *things: Any) -> bool:
        """Whether the values inside fit; counts no further than they do."""
        stack = list(things)
        while stack and self.walked > 0:
            thing = stack.pop()
            self.walked -= 1
            if isinstance(thing, dict | list):
                if len(thing) > self.walked:
                    self.walked = 0
                else:
                    stack += thing.values() if isinstance(thing, dict) else thing
        return not stack and self.walked > 0


def _cells(rows: Sequence[Sequence[Any]], columns: Sequence[Sequence[Any]]) -> int:
    return sum(map(len, rows)) * sum(map(len, columns)) // _SHORT + _PAIR * len(rows) * len(columns)
