"""Blame: for each line of a text, which state of it brought the line.

A text has states, one after another: what an alias served, or a bundle's releases. Lines are matched from each state to
the next. Four rules say where a line comes from:

1. A line that stays keeps its origin; so does one that only moves within the text. So the state that is a line's origin
   holds it more often than the state before.
2. A state that was there before (an alias serves a release again) brings its lines back with the origins they had.
3. What a rollback took away, and what comes back later with another release, keeps its first origin.
4. What an edit took away and a later one brings again is a new line, as it is for git.

``since`` says from which state on a line has been there without a break, where rule 2 or 3 gave it back.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.diff.sequences import line_ops

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

STATES: Final = 1_000
"""States that are looked at, the newest ones."""
LONGEST: Final = 50_000
"""Lines of the last state; one that has more is refused."""
LINES: Final = 500_000
CHARACTERS: Final = 32 * 1024 * 1024
"""Lines and characters of all states that are looked at together, each counted whose text is another than that after it."""
CELLS: Final = 1_500_000_000
"""Old lines times new lines compared in order; what is beyond is matched by what it says alone."""


class State(NamedTuple):
    """A state of a text. key: equal keys, equal states. lines: None where there is no such text.

    undoes: it came by a rollback.
    """

    key: Hashable
    lines: Sequence[str] | None
    undoes: bool = False


class Line(NamedTuple):
    """Where a line comes from. origin, since: positions of states."""

    text: str
    origin: int
    since: int


@dataclass(slots=True)
class Budget:
    """What is left of the work for one text. coarse: something did not fit, and was matched by what it says alone."""

    lines: int = LINES
    characters: int = CHARACTERS
    cells: int = CELLS
    coarse: bool = False

    def load(self, lines: Sequence[str]) -> bool:
        """Whether another text fits; it is taken off."""
        self.lines -= len(lines)
        self.characters -= sum(map(len, lines))
        return self.lines >= 0 and self.characters >= 0

    def compare(self, old: Sequence[str], new: Sequence[str]) -> bool:
        """Whether comparing these in order fits; if so it is taken off."""
        cost = len(old) * len(new)
        if cost > self.cells:
            self.coarse = True
            return False
        self.cells -= cost
        return True


def blame(states: Iterable[State], budget: Budget | None = None) -> list[Line]:
    """The lines of the last state, each with its origin; none where that state has no such text."""
    work = _Work(budget or Budget())
    for position, state in enumerate(states):
        work.take(position, state)
    return work.lines


@dataclass(slots=True)
class _Work:
    """The state before, line by line, and what is remembered."""

    budget: Budget
    lines: list[Line] = field(default_factory=list)
    _before: Sequence[str] | None = None
    _seen: dict[Hashable, list[Line]] = field(default_factory=dict)
    _undone: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Origins of the lines that rollbacks took away, by what they say."""

    def take(self, position: int, state: State) -> None:
        if position == 0 or state.lines is not self._before:
            self._replace(position, state)
        self._before = state.lines
        self._seen[state.key] = self.lines

    def _replace(self, position: int, state: State) -> None:
        new = list(state.lines or ())
        partners, gone = self._matched(new)
        known = self._seen.get(state.key)
        self.lines = [
            partner or self._back(position, text, known[at] if known else None)
            for at, (text, partner) in enumerate(zip(new, partners, strict=True))
        ]
        if state.undoes:
            for line in gone:
                self._undone[line.text].append(line.origin)

    def _back(self, position: int, text: str, known: Line | None) -> Line:
        """A line that the state before has not. known: the same line when this state was there before."""
        undone = self._undone.get(text, [])
        if known is not None:
            if known.origin in undone:
                undone.remove(known.origin)
            return Line(text, known.origin, position)
        return Line(text, undone.pop() if undone else position, position)

    def _matched(self, new: list[str]) -> tuple[list[Line | None], list[Line]]:
        """The line of the state before that each new line is, and those that are gone."""
        old = [line.text for line in self.lines]
        partners: list[Line | None] = [None] * len(new)
        head, tail = _ends(old, new)
        kept = set(range(head)) | set(range(len(old) - tail, len(old)))
        partners[:head] = self.lines[:head]
        partners[len(new) - tail :] = self.lines[len(old) - tail :]
        a, b = old[head : len(old) - tail], new[head : len(new) - tail]
        if a and b and self.budget.compare(a, b):
            ops, coarse = line_ops(a, b)
            self.budget.coarse |= coarse
            for op in ops:
                if op.tag == "equal":
                    for i, j in zip(range(op.a0, op.a1), range(op.b0, op.b1), strict=True):
                        partners[head + j] = self.lines[head + i]
                        kept.add(head + i)
        # What is left on both sides and says the same has moved: the first is the first.
        left: dict[str, list[int]] = defaultdict(list)
        for i in range(len(old) - tail - 1, head - 1, -1):
            if i not in kept:
                left[old[i]].append(i)
        for j in range(head, len(new) - tail):
            if partners[j] is None and left.get(new[j]):
                i = left[new[j]].pop()
                partners[j] = self.lines[i]
                kept.add(i)
        return partners, [line for i, line in enumerate(self.lines) if i not in kept]


def _ends(old: list[str], new: list[str]) -> tuple[int, int]:
    """How many lines both begin with, and then end with."""
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    return head, tail


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their line feeds. One that ends with a line feed has no empty line after it."""
    return text.removesuffix("\n").split("\n") if text else []
