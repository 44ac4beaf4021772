"""Lines of a text by offset."""

from __future__ import annotations

import re
from bisect import bisect_left


class Lines:
    """The line of an offset, from 1, without counting from the start each time."""

    def __init__(self, text: str) -> None:
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def __call__(self, offset: int) -> int:
        """The line, found by halving."""
        return bisect_left(self._ends, offset) + 1
