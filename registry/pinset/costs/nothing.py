"""No tokenizer and no price list: what every installation can say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain.encodings import CHARACTERS, Encoding, approximate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pinset.domain.costs import Price
    from pinset.domain.encodings import ModelName

EXTRA: Final = "pip install 'pinset[costs]'"
LACKS: Final = f"Tokens are approximated by length and nothing is priced: {EXTRA}."
NO_PRICES: Final = f"no price list is installed: {EXTRA}"


class Nothing:
    """Implements `pinset.ports.costs.Costs` with nothing: lengths for tokens, and no price."""

    lacks = LACKS

    def encoding(self, model: ModelName) -> Encoding:  # noqa: ARG002 - the same for every model
        """Four characters a token."""
        return Encoding(CHARACTERS, exact=False)

    def count(self, texts: Sequence[str], encoding: str) -> list[int]:  # noqa: ARG002 - there is one
        """Their lengths, divided."""
        return [approximate(text) for text in texts]

    def price(self, model: ModelName, day: date) -> Price | str:  # noqa: ARG002 - of none
        """How to get prices."""
        return NO_PRICES

    def basis(self, day: date) -> str:  # noqa: ARG002 - there is none
        """Nothing."""
        return ""
