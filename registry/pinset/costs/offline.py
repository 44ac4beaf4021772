"""The extra's packages behind the port, each where it is installed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pinset.costs import prices, tokens
from pinset.costs.nothing import EXTRA, LACKS, NO_PRICES, Nothing
from pinset.domain.encodings import ENCODINGS, encoding_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pinset.domain.costs import Price
    from pinset.domain.encodings import Encoding, ModelName


class Offline:
    """Implements `pinset.ports.costs.Costs` without network. Making one is free: packages are loaded when asked."""

    def __init__(self) -> None:
        self._nothing = Nothing()
        self._tokens = tokens.Tokens()
        self._prices = prices.Prices()

    @cached_property
    def _counts(self) -> bool:
        return tokens.installed()

    @cached_property
    def _knows_prices(self) -> bool:
        return prices.installed()

    def encoding(self, model: ModelName) -> Encoding:
        """The model's own, or the yardstick; by length without the tokenizer."""
        return encoding_of(model) if self._counts else self._nothing.encoding(model)

    def count(self, texts: Sequence[str], encoding: str) -> list[int]:
        """Tokens of each text."""
        if not self._counts or encoding not in ENCODINGS:
            return self._nothing.count(texts, encoding)
        return [self._tokens.count(text, encoding) for text in texts]

    def price(self, model: ModelName, day: date) -> Price | str:
        """As the list has it on a day."""
        return self._prices.price(model, day) if self._knows_prices else NO_PRICES

    def basis(self, day: date) -> str:
        """The list's version, the day, and how new it is."""
        if not self._knows_prices:
            return ""
        newest = self._prices.newest(day)
        dated = f", the newest of which began on {newest.isoformat()}" if newest is not None else ""
        return f"prices of {day.isoformat()} by genai-prices {prices.version()}{dated}"

    @property
    def lacks(self) -> str:
        """Which of the two packages is not there."""
        if not self._counts and not self._knows_prices:
            return LACKS
        if not self._counts:
            return f"Tokens are approximated by length: {EXTRA}."
        return "" if self._knows_prices else f"Nothing is priced: {EXTRA}."
