"""Prices by `genai_prices`, which carries its list. It could fetch a newer one in a thread; nothing here asks it to.

The package finds a model by loose patterns (a name that contains another), for it is made for what an API answered. A
price that is shown for a review must be the right one, so what it finds is taken only where the name is the list's own,
or the list's own with nothing added but a date, a snapshot's number or the place where it runs.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.costs import Price, Rate, rate_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from pinset.domain.encodings import ModelName

PACKAGE: Final = "genai_prices"
_ALIASES: Final = {
    "azure-openai": "azure", "azure-ai": "azure", "azure-foundry": "azure",
    "bedrock": "aws", "aws-bedrock": "aws", "amazon-bedrock": "aws", "amazon": "aws",
    "vertex": "google", "vertexai": "google", "vertex-ai": "google", "google-vertex": "google", "google-genai": "google",
    "google-gla": "google", "google-ai": "google", "gemini": "google",
    "xai": "x-ai", "mistralai": "mistral", "moonshot": "moonshotai", "fireworks-ai": "fireworks",
    "together-ai": "together", "togetherai": "together", "voyage": "voyageai",
}  # fmt: skip
"""How manifests call providers, beside the list's own ids."""
_MAKERS: Final = ("openai", "anthropic", "google", "mistral", "deepseek", "x-ai", "cohere")
"""Whose list price a model has that names no provider: each has names that no other gives to a model."""
_ROUTERS: Final = ("litellm",)
"""Providers that say with each model whose it is: ``bedrock/anthropic.claude-…``."""
_BEFORE: Final = re.compile(
    r"(?:(?:us|eu|apac|jp|au|ca|sa|me|af|global|regional|us-gov)\.)?"
    r"(?:(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|moonshotai|nvidia|openai|qwen|writer)\.)?"
    r"|(?:publishers/[a-z0-9-]+/)?models/"
)
_AFTER: Final = re.compile(
    r"(?:[-@:.](?:latest|preview|\d{4}-?\d{2}-?\d{2}|\d{2}-\d{2}|\d{2}-\d{4}|\d{3,4}|v\d+(?::\d+)?|\d))*"
)
_KNOWN: Final = 1_000


def installed() -> bool:
    """Whether the package is there; it is not loaded by asking."""
    return find_spec(PACKAGE) is not None


class Prices:
    """The carried list. Any thread may ask; it is loaded once, in 0.13 s and 30 MB."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._list: dict[str, Any] | None = None
        self.price = lru_cache(maxsize=_KNOWN)(self._price)
        self.newest = lru_cache(maxsize=8)(self._newest)

    def _price(self, model: ModelName, day: date) -> Price | str:
        """What a model costs on a day, or why that is not known."""
        listed = self._listed()
        sides = list(_sides(model, listed))
        for provider, name in sides:
            found = _find(listed, provider, name)
            if found is not None:
                return _priced(f"{provider} {found.id}", found, day)
        if model.provider and not sides:
            return f"the price list has no provider {_shown(model.provider)}"
        return f"the price list has no model {_shown(model.names[0]) or 'without a name'}"

    def _newest(self, day: date) -> date | None:
        """The day on which the newest price began that holds on a day; None where the list dates none."""
        found = [day_of for price in self._conditional() if (day_of := _start(price)) is not None and day_of <= day]
        return max(found, default=None)

    def _conditional(self) -> Iterator[Any]:
        for provider in self._listed().values():
            for model in provider.models:
                if isinstance(model.prices, list):
                    yield from model.prices

    def _listed(self) -> dict[str, Any]:
        """The providers of the list by id."""
        with self._lock:
            if self._list is None:
                from genai_prices.data import providers  # noqa: PLC0415 - an extra, and slow to load

                self._list = {provider.id: provider for provider in providers}
        return self._list


def version() -> str:
    """The version of the list's package."""
    from importlib import metadata  # noqa: PLC0415 - only asked where something is priced

    return metadata.version("genai-prices")


def _sides(model: ModelName, listed: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The provider and name, by the list's words, under which a model may stand: the surest first."""
    given = _provider(model.provider, listed)
    for name in model.names:
        prefix, _, rest = name.partition("/")
        inner = _provider(prefix, listed) if rest else None
        if given is not None:
            yield given, name
            if inner == given:
                yield given, rest
        if inner is not None and (not model.provider or model.provider in _ROUTERS):
            yield inner, rest
        if not model.provider:
            yield from ((maker, name) for maker in _MAKERS if maker in listed)


def _provider(said: str, listed: dict[str, Any]) -> str | None:
    plain = re.sub(r"[\s_]+", "-", said)
    found = _ALIASES.get(plain, plain)
    return found if found in listed else None


def _find(listed: dict[str, Any], provider: str, name: str) -> Any | None:
    """The model of a provider whose own name this is."""
    if not name:
        return None
    found = listed[provider].find_model(name, all_providers=list(listed.values()))
    if found is None:
        return None
    if name.startswith("ft:"):  # ft:BASE:ORGANISATION:NAME:ID, and the price is that of the base
        name = ":".join(name.split(":", 2)[:2])
    return found if any(_same(literal, name) for literal in (found.id, *_literals(found.match))) else None


def _literals(clause: Any) -> Iterator[str]:
    """The names that a pattern of the list is made of. A regular expression is none."""
    for member in ("equals", "starts_with", "contains"):
        text = getattr(clause, member, None)
        if isinstance(text, str):
            yield text
    for member in ("or_", "and_"):
        for inner in getattr(clause, member, ()):
            yield from _literals(inner)


def _same(literal: str, name: str) -> bool:
    """Whether a name is the list's, with nothing around it that makes another model."""
    literal = literal.lower()
    at = name.find(literal)
    while at >= 0:
        if _BEFORE.fullmatch(name, 0, at) and _AFTER.fullmatch(name, at + len(literal)):
            return True
        at = name.find(literal, at + 1)
    return False


def _priced(called: str, model: Any, day: date) -> Price | str:
    """A model's price on a day. Where it has hours, the dearest."""
    standing, hours = _standing(model.prices, day)
    chosen = max([standing, *hours], key=lambda price: _rate(getattr(price, "input_mtok", None), 0))
    given = chosen.input_mtok
    if given is None:
        return f"the price list prices {called} by something else than tokens"
    rate, output = _as_rate(given), chosen.output_mtok
    return Price(
        called,
        rate,
        _as_rate(output) if output is not None else None,
        tuple(_notes(called, rate, chosen, hours=bool(hours))),
        tuple(_asides(called, rate, chosen)),
    )


def _standing(prices: Any, day: date) -> tuple[Any, list[Any]]:
    """The price that holds on a day, and those that take its place at hours of it."""
    if not isinstance(prices, list):
        return prices, []
    standing = prices[0].prices
    hours: list[Any] = []
    for each in prices:
        start = _start(each)
        if each.constraint is None or (start is not None and start <= day):
            standing, hours = each.prices, []
        elif start is None:
            hours.append(each.prices)
    return standing, hours


def _start(price: Any) -> date | None:
    start: date | None = getattr(price.constraint, "start_date", None)
    return start


def _rate(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else getattr(value, "base", value)


def _as_rate(value: Any) -> Rate:
    tiers: Iterable[Any] = getattr(value, "tiers", ())
    return Rate(_rate(value, None), tuple((tier.start, tier.price) for tier in tiers))


def _notes(called: str, rate: Rate, price: Any, *, hours: bool) -> Iterator[str]:
    """What a reviewer must know of a price, in sentences."""
    if rate.tiers:
        start, above = rate.tiers[0]
        yield f"{called}: above {start:,} input tokens a million costs {rate_text(above)} instead of {rate_text(rate.base)}."
    if hours:
        yield f"{called}: its price changes with the hour; the dearest is taken."
    if price.requests_kcount is not None:
        yield f"{called}: a fee for each request comes on top."


def _asides(called: str, rate: Rate, price: Any) -> Iterator[str]:
    cached = _rate(price.cache_read_mtok, None)
    if cached is not None:
        told = f"{rate_text(cached)} a million instead of {rate_text(rate.base)}"
        yield f"{called}: input that the provider has cached costs {told}."


def _shown(name: str) -> str:
    """A name from a manifest in a sentence: short, and visible whatever it holds."""
    return ascii(name[:80])[1:-1] + ("…" if len(name) > 80 else "")
