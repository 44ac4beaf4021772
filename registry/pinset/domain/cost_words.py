"""Costs in words for people, the same wherever they are shown.

Names come as manifests have them: whoever shows them makes them visible, or escapes them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pinset.domain.costs import CALLS, dollars, percent

if TYPE_CHECKING:
    from pinset.domain.costs import Call, CostChange, PartCost, PromptCost, TokenCount, Total

_PER: str = f"{CALLS:,} calls"


def headline(change: CostChange) -> str:
    """The whole change in one line: ``1,234 → 1,300 tokens (+5.3 %), $3.09 → $3.25 per 1,000 calls (+5.2 %)``.

    Where neither changes, what does: the most that answers cost.
    """
    was, now = change.before, change.after
    if (
        not was.tokens and was.per_1000 is None and now.per_1000 is not None
    ):  # there was nothing that could have a price
        return f"{now.text} tokens, {dollars(now.per_1000)} per {_PER}"
    tokens = f"{_arrow(was.text, now.text)} tokens{_share(change.percent_tokens)}"
    ceilings = _ceilings(was, now) if (was.tokens, was.per_1000) == (now.tokens, now.per_1000) else ""
    return f"{tokens}, {_money(was, now)}{_share(change.percent)}{ceilings}"


def row(prompt: PromptCost) -> str:
    """A prompt's change in one line, without its name."""
    was, now = prompt.before, prompt.after
    if was is None or now is None:
        only = was or now
        return f"{'new: ' if was is None else 'gone: '}{call(only)}" if only is not None else ""
    model = f"{_arrow(was.model, now.model)}: " if was.model != now.model else f"{now.model}: " if now.model else ""
    tokens = percent(Decimal(was.tokens.tokens), Decimal(now.tokens.tokens))
    told = f"{_arrow(was.tokens.text, now.tokens.text)} tokens{_share(tokens)}"
    return f"{model}{told}, {_money(was, now)}{_share(percent(was.per_1000, now.per_1000))}{_ceilings(was, now)}"


def call(one: Call) -> str:
    """One call in one line: model, tokens, price, and the most that its answers cost."""
    tokens = f"{one.tokens.text} tokens ({one.tokens.encoding})"
    price = f"{dollars(one.per_1000)} per {_PER}" if one.per_1000 is not None else f"price not known: {one.unpriced}"
    most = f", answers of at most {one.max_tokens:,} tokens" if one.max_tokens is not None else ""
    ceiling = f" {dollars(one.output_per_1000)}" if most and one.output_per_1000 is not None else ""
    return f"{one.model}: {tokens}, {price}{most}{ceiling}".removeprefix(": ")


def part(changed: PartCost) -> str:
    """A part's change without its name: ``12 → 20 tokens (+8)``."""
    delta = f" ({changed.delta:+,})" if changed.delta else ""
    return f"{_arrow(_count(changed.before), _count(changed.after))} tokens{delta}"


def why_unpriced(change: CostChange) -> tuple[str, ...]:
    """The reasons why prices are missing, each once."""
    calls = [one for prompt in change.prompts for one in (prompt.before, prompt.after) if one is not None]
    return tuple(dict.fromkeys(one.unpriced for one in calls if one.unpriced))


def _money(was: Total | Call, now: Total | Call) -> str:
    if was.per_1000 is None and now.per_1000 is None:
        return "price not known"
    return f"{_arrow(dollars(was.per_1000), dollars(now.per_1000))} per {_PER}"


def _ceilings(was: Total | Call, now: Total | Call) -> str:
    """The most that answers cost, where that changes."""
    if was.output_per_1000 == now.output_per_1000:
        return ""
    told = [dollars(one.output_per_1000) if one.output_per_1000 is not None else "not bounded" for one in (was, now)]
    return f"; its answers at most {told[0]} → {told[1]}"


def _count(count: TokenCount | None) -> str:
    return count.text if count is not None else "0"


def _arrow(was: str, now: str) -> str:
    return now if was == now else f"{was or 'none'} → {now or 'none'}"


def _share(change: Decimal | None) -> str:
    return f" ({change:+} %)" if change else ""
