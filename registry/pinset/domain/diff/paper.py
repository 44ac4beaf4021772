"""Lines of a terminal: styled text wrapped to a width, and painted where there are colours."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pinset.domain.diff.wrap import Piece, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NARROWEST: Final = 40
"""Columns below which lines are not made shorter."""
MARGIN: Final = "    "
_CODES: Final = {
    "title": "1",
    "breaking": "1;31",
    "behaviour": "33",
    "cosmetic": "2",
    "none": "2",
    "-": "31",
    "+": "32",
    "-!": "7;31",
    "+!": "7;32",
    "@": "36",
    ">": "36",
    "dim": "2",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """How wide the lines are, in columns, and whether they have colours."""

    width: int
    colour: bool

    def block(self, prefix: str, pieces: Sequence[Piece]) -> Iterator[str]:
        """Wrapped and painted; the prefix is on the first line, the following ones are indented a little more."""
        first = pieces[0].style.rstrip("!") if pieces else ""
        hang = " " * len(prefix) + ("  " if prefix else MARGIN)
        for n, line in enumerate(wrap(pieces, self.width - len(hang), first=self.width - len(prefix))):
            start = prefix if n == 0 else hang
            painted = self.paint(start, first if first in {"-", "+"} else "")
            runs = groupby(line, key=lambda piece: piece.style)
            yield (painted + "".join(self.paint("".join(p.text for p in run), style) for style, run in runs)).rstrip(
                " "
            )

    def paint(self, text: str, style: str) -> str:
        """The text in its style."""
        code = _CODES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text
