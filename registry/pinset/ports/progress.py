"""Progress: how long work tells whoever waits for it how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """A receiver of progress. Calls are cheap and may come from the working thread only."""

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` things called ``what`` are finished; None where the total is not known."""
