"""The extra's packages behind the port, each where it is installed.

Every process that opens a registry makes one of these and few ask it anything: nothing is imported before.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pinset.costs.nothing import Nothing
    from pinset.costs.prices import Prices
    from pinset.costs.tokens import Tokens
    from pinset.domain.costs import Price
    from pinset.domain.encodings import Encoding, ModelName


class Offline:
    """Implements `pinset.ports.costs.Costs` without network. Making one is free: packages are loaded when asked."""

    @cached_property
    def _nothing(self) -> Nothing:
        from pinset.costs.nothing import Nothing

        return Nothing()

    @cached_property
    def _tokens(self) -> Tokens | None:
        from pinset.costs import tokens

        return tokens.Tokens() if tokens.installed() else None

    @cached_property
    def _prices(self) -> Prices | None:
        from pinset.costs import prices

        return prices.Prices() if prices.installed() else None

    def encoding(self, model: ModelName) -> Encoding:
        """The model's own, or the yardstick; by length without the tokenizer."""
        from pinset.domain.encodings import encoding_of

        return encoding_of(model) if self._tokens is not None else self._nothing.encoding(model)

    def count(self, texts: Sequence[str], encoding: str) -> list[int]:
        """Tokens of each text."""
        from pinset.domain.encodings import ENCODINGS

        counter = self._tokens
        if counter is None or encoding not in ENCODINGS:
            return self._nothing.count(texts, encoding)
        return [counter.count(text, encoding) for text in texts]

    def price(self, model: ModelName, day: date) -> Price | str:
        """As the list has it on a day."""
        return (self._nothing if self._prices is None else self._prices).price(model, day)

    def basis(self, day: date) -> str:
        """The list's version, the day, and how new it is."""
        return (self._nothing if self._prices is None else self._prices).basis(day)

    @property
    def lacks(self) -> str:
        """Which of the two packages is not there."""
        from pinset.costs.nothing import EXTRA

        if self._tokens is None and self._prices is None:
            return self._nothing.lacks
        if self._tokens is None:
            return f"Tokens are approximated by length: {EXTRA}."
        return f"Nothing is priced: {EXTRA}." if self._prices is None else ""
