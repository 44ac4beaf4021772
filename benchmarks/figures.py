"""What a benchmark measures: values of both sides from the same rounds, their medians and what was wanted of them."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Figure:
    """One figure. values: of every round. beside: the other side of the same rounds. wanted: the most that it may be,
    in ``unit``, or as a ratio where there is another side; at_least turns that round.
    """

    name: str
    unit: str = "ms"
    values: list[float] = field(default_factory=list)
    beside: Figure | None = None
    wanted: float | None = None
    at_least: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def ninth(self) -> float:
        """The ninth decile."""
        return sorted(self.values)[len(self.values) * 9 // 10]

    @property
    def ratio(self) -> float | None:
        return None if self.beside is None else self.median / self.beside.median

    @property
    def kept(self) -> bool | None:
        """Whether it is as wanted; None where nothing was."""
        if self.wanted is None:
            return None
        reached = self.median if self.ratio is None else self.ratio
        return reached >= self.wanted if self.at_least else reached <= self.wanted

    def row(self) -> list[str]:
        """Name, median, ninth decile, the other side, ratio, what was wanted, and whether it is so."""
        sign = "" if self.wanted is None else f"{'>=' if self.at_least else '<='} {self.wanted:g}"
        return [
            self.name,
            f"{self.median:,.2f} {self.unit}",
            f"{self.ninth:,.2f}",
            "" if self.beside is None else f"{self.beside.name} {self.beside.median:,.2f}",
            "" if self.ratio is None else f"{self.ratio:.2f} x",
            sign if not sign or self.beside is None else f"{sign} x",
            {None: "", True: "yes", False: "no"}[self.kept],
        ]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def rounds(count: int, sides: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Milliseconds of each side in each round, one after another within a round, so that a noisy moment meets all."""
    values: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(count):
        for name, work in sides.items():
            values[name].append(timed(work))
    return values
