"""Tokens and prices: what counts a text as a model does, and what knows what the model costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pinset.domain.costs import Price
    from pinset.domain.encodings import Encoding, ModelName


class Costs(Protocol):
    """Counts and prices without network: what it knows came with it. Any thread may ask.

    Nothing here is slow or fails for what a text says: what cannot be counted is approximated, what cannot be priced
    has a reason. Whoever asks bounds how much text it gives.
    """

    def encoding(self, model: ModelName) -> Encoding:
        """The encoding to count with for a model: its own where that is known and here, else a stated approximation."""

    def count(self, texts: Sequence[str], encoding: str) -> list[int]:
        """Tokens of each text. encoding: the name of one that `encoding` gave. What looks like a special token is text."""

    def price(self, model: ModelName, day: date) -> Price | str:
        """What a model costs on a day (UTC), or in one sentence without a full stop why that is not known."""

    def basis(self, day: date) -> str:
        """Which price list this is and of when, for people; '' without one."""

    @property
    def lacks(self) -> str:
        """What is not installed, and how to get it: one sentence, '' where all is there."""
