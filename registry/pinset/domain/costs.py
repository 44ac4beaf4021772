"""What a release costs to call, and what a change does to that: the pure model, its arithmetic, its JSON.

What is counted is the part of a call that a release fixes: its texts, its tools, its schemas. What an application adds
(variables, history, passages) is on top, and no price of it is made up. Counts are tokens; money is US dollars for
1,000 calls, as exact decimals. ``None`` where money should stand means: not known, and the row says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLION: Final = 1_000_000
CALLS: Final = 1_000
"""The calls that a price is for."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a text is. exact: as the provider counts it, else an approximation by ``encoding``.

    encoding: the name of the encoding that counted, ``o200k_base``; ``characters/4`` where none could be had.
    """

    tokens: int
    exact: bool
    encoding: str

    @property
    def text(self) -> str:
        """For people: ``1,234``, or ``≈ 1,234``."""
        return f"{'' if self.exact else '≈ '}{self.tokens:,}"


@dataclass(frozen=True, slots=True)
class PartCost:
    """One part of a prompt's calls: ``messages``, ``examples``, ``tool search``, ``output schema``, ``overhead``.

    None on a side that does not have the part.
    """

    part: str
    before: TokenCount | None
    after: TokenCount | None

    @property
    def delta(self) -> int:
        """Tokens more (or fewer, below zero)."""
        return _tokens(self.after) - _tokens(self.before)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a prompt with the model it uses.

    model: as people know it, ``openai gpt-4o-2024-08-06``; '' for a prompt without one. per_1000: what the fixed part
    costs as input. max_tokens: the most that is answered, where it is declared, and output_per_1000 what that would
    cost. unpriced: why there is no price, '' where there is one. priced_as: the price list's name for the model, ''
    without a price.
    """

    model: str
    tokens: TokenCount
    per_1000: Decimal | None = None
    max_tokens: int | None = None
    output_per_1000: Decimal | None = None
    unpriced: str = ""
    priced_as: str = ""


@dataclass(frozen=True, slots=True)
class PromptCost:
    """A prompt whose cost changes. parts: those that differ. None on a side that does not have the prompt."""

    prompt: str
    before: Call | None
    after: Call | None
    parts: tuple[PartCost, ...] = ()


@dataclass(frozen=True, slots=True)
class Total:
    """One call of each prompt, those that do not change among them. None for money where one of them has no price."""

    tokens: int
    exact: bool
    per_1000: Decimal | None
    output_per_1000: Decimal | None = None

    @property
    def text(self) -> str:
        """The tokens for people: ``1,234``, or ``≈ 1,234``."""
        return f"{'' if self.exact else '≈ '}{self.tokens:,}"


@dataclass(frozen=True, slots=True)
class CostChange:
    """What a change does to the cost of a release; there is none where nothing of it changes.

    before, after: one call of each prompt. prompts: those whose tokens, model or price change, by name; more: how many
    further ones are not listed. basis: one sentence, what was counted with and of which day the prices are. notes:
    sentences, what is not counted and what is an approximation.
    """

    before: Total
    after: Total
    prompts: tuple[PromptCost, ...]
    basis: str
    notes: tuple[str, ...] = ()
    more: int = 0

    @property
    def per_1000_before(self) -> Decimal | None:
        """Dollars for 1,000 calls before, as input."""
        return self.before.per_1000

    @property
    def per_1000_after(self) -> Decimal | None:
        """Dollars for 1,000 calls after, as input."""
        return self.after.per_1000

    @property
    def percent(self) -> Decimal | None:
        """By how much the input's price rises, one decimal; None where that cannot be said."""
        return percent(self.before.per_1000, self.after.per_1000)

    @property
    def percent_tokens(self) -> Decimal | None:
        """By how much the tokens rise, one decimal; None from nothing."""
        return percent(Decimal(self.before.tokens), Decimal(self.after.tokens))


@dataclass(frozen=True, slots=True)
class Rate:
    """Dollars for a million tokens. tiers: (from more than so many input tokens on, dollars), rising.

    A tier that is reached holds for all tokens of the call, as providers have it.
    """

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_tokens: int) -> Decimal:
        """Dollars for a million tokens in a call with so many input tokens."""
        reached = [dollars for start, dollars in self.tiers if input_tokens > start]
        return reached[-1] if reached else self.base


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs. called: as the price list calls it, ``openai gpt-4o``. output None: the list does not say.

    notes: sentences without which the price would mislead. asides: others.
    """

    called: str
    input: Rate
    output: Rate | None = None
    notes: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()


def per_1000(tokens: int, rate: Rate, input_tokens: int) -> Decimal:
    """Dollars for 1,000 calls of so many tokens, exactly. input_tokens: of one call, which choose the tier."""
    return tokens * rate.at(input_tokens) * CALLS / MILLION


def percent(before: Decimal | None, after: Decimal | None) -> Decimal | None:
    """The change in percent, to one decimal; None from nothing, or where either is not known."""
    if before is None or after is None or not before:
        return None
    return ((after - before) * 100 / before).quantize(Decimal("0.1"))


def dollars(amount: Decimal | None) -> str:
    """Money for people: ``$1,234.50``, ``$0.1225`` below a dollar, ``$0.00042``; ``price not known`` for None."""
    if amount is None:
        return "price not known"
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    places = min(max(4, 1 - amount.adjusted()), 9)
    whole, _, cents = f"{amount:.{places}f}".partition(".")
    return f"${whole}.{cents.rstrip('0'):0<2}"


def rate_text(amount: Decimal) -> str:
    """The price of a million tokens for people, exactly: ``$2.50``, ``$0.125``."""
    whole, _, cents = (decimal_text(amount) or "0").partition(".")
    return f"${whole}.{cents:0<2}"


def as_answer(change: CostChange) -> dict[str, Any]:
    """The change as JSON values; money is decimal text, so that no digit is lost."""
    return {
        "currency": "USD",
        "calls": CALLS,
        "before": total_answer(change.before),
        "after": total_answer(change.after),
        "prompts": [_prompt(row) for row in change.prompts],
        "more": change.more,
        "basis": change.basis,
        "notes": list(change.notes),
    }


def from_answer(answer: Mapping[str, Any]) -> CostChange:
    """The change of `as_answer`'s values. Members it does not know are left out."""
    return CostChange(
        before=_total_of(answer["before"]),
        after=_total_of(answer["after"]),
        prompts=tuple(_prompt_of(row) for row in answer["prompts"]),
        basis=answer["basis"],
        notes=tuple(answer["notes"]),
        more=answer["more"],
    )


def _tokens(count: TokenCount | None) -> int:
    return count.tokens if count is not None else 0


def decimal_text(amount: Decimal | None) -> str | None:
    """A decimal as text without an exponent and without idle zeros."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None


def total_answer(total: Total) -> dict[str, Any]:
    """A total as JSON values."""
    return {
        "tokens": total.tokens,
        "exact": total.exact,
        "per_1000": decimal_text(total.per_1000),
        "output_per_1000": decimal_text(total.output_per_1000),
    }


def _total_of(answer: Mapping[str, Any]) -> Total:
    return Total(
        answer["tokens"], answer["exact"], _decimal(answer["per_1000"]), _decimal(answer.get("output_per_1000"))
    )


def _count(count: TokenCount | None) -> dict[str, Any] | None:
    return None if count is None else count_answer(count)


def count_answer(count: TokenCount) -> dict[str, Any]:
    """A count as JSON values."""
    return {"tokens": count.tokens, "exact": count.exact, "encoding": count.encoding}


def _count_of(answer: Mapping[str, Any] | None) -> TokenCount | None:
    if answer is None:
        return None
    return TokenCount(answer["tokens"], answer["exact"], answer["encoding"])


def call_answer(call: Call) -> dict[str, Any]:
    """One call as JSON values."""
    return {
        "model": call.model,
        **count_answer(call.tokens),
        "per_1000": decimal_text(call.per_1000),
        "max_tokens": call.max_tokens,
        "output_per_1000": decimal_text(call.output_per_1000),
        "unpriced": call.unpriced,
        "priced_as": call.priced_as,
    }


def call_of(answer: Mapping[str, Any]) -> Call:
    """One call of its JSON values."""
    return Call(
        model=answer["model"],
        tokens=TokenCount(answer["tokens"], answer["exact"], answer["encoding"]),
        per_1000=_decimal(answer["per_1000"]),
        max_tokens=answer["max_tokens"],
        output_per_1000=_decimal(answer["output_per_1000"]),
        unpriced=answer["unpriced"],
        priced_as=answer["priced_as"],
    )


def _prompt(row: PromptCost) -> dict[str, Any]:
    return {
        "prompt": row.prompt,
        "before": call_answer(row.before) if row.before else None,
        "after": call_answer(row.after) if row.after else None,
        "parts": [{"part": p.part, "before": _count(p.before), "after": _count(p.after)} for p in row.parts],
    }


def _prompt_of(answer: Mapping[str, Any]) -> PromptCost:
    return PromptCost(
        prompt=answer["prompt"],
        before=call_of(answer["before"]) if answer["before"] else None,
        after=call_of(answer["after"]) if answer["after"] else None,
        parts=tuple(PartCost(p["part"], _count_of(p["before"]), _count_of(p["after"])) for p in answer["parts"]),
    )
