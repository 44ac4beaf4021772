"""What releases cost, one beside another: totals, and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.costs import (
    CALLS,
    CostChange,
    PartCost,
    PromptCost,
    TokenCount,
    Total,
    call_answer,
    count_answer,
    total_answer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.costs import Call

PROMPTS: Final = 50
"""Prompts that a change lists; the totals hold all."""
PARTS: Final = 20
"""Parts that are listed of a prompt; what is more comes in one line."""
ALL_PARTS: Final = 200
"""Parts that are listed of all prompts together, those lines not among them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One counted part of one prompt of one release."""

    part: str
    count: TokenCount


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one release costs. calls: by the prompt's name, each with its parts.

    encodings: the names of those that counted, each as the model's own or as an approximation. prices: which price list,
    '' for none. notes: what is not counted, and what is an approximation. asides: what else the prices hang on, which a
    comparison leaves out.
    """

    calls: Mapping[str, tuple[Call, tuple[Part, ...]]]
    encodings: frozenset[tuple[str, bool]]
    prices: str
    notes: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()

    @property
    def basis(self) -> str:
        """One sentence: what counted, and which prices."""
        return _basis(self.encodings, self.prices)


def total_of(estimate: Estimate) -> Total:
    """One call of each prompt."""
    calls = [call for call, _ in estimate.calls.values()]
    ceilings = [call.output_per_1000 for call in calls if call.max_tokens is not None]
    return Total(
        tokens=sum(call.tokens.tokens for call in calls),
        exact=all(call.tokens.exact for call in calls),
        per_1000=_sum([call.per_1000 for call in calls]),
        output_per_1000=_sum(ceilings) if len(ceilings) == len(calls) else None,
    )


def changed(before: Estimate, after: Estimate) -> CostChange | None:
    """What differs between two releases' costs; None where nothing does."""
    rows, left = [], ALL_PARTS
    for name in sorted(before.calls.keys() | after.calls.keys()):
        (was, old), (now, new) = before.calls.get(name, (None, ())), after.calls.get(name, (None, ()))
        if was != now:
            parts = _parts(old, new, min(PARTS, left))
            left -= min(len(parts), left)
            rows.append(PromptCost(name, was, now, parts))
    if not rows:
        return None
    basis = _basis(before.encodings | after.encodings, after.prices)
    notes = tuple(dict.fromkeys((*after.notes, *before.notes)))
    return CostChange(
        total_of(before), total_of(after), tuple(rows[:PROMPTS]), basis, notes, more=max(len(rows) - PROMPTS, 0)
    )


def _basis(encodings: frozenset[tuple[str, bool]], prices: str) -> str:
    own = ", ".join(sorted(name for name, exact in encodings if exact))
    rough = ", ".join(sorted(name for name, exact in encodings if not exact))
    told = [f"by {own}, the model's own encoding"] if own else []
    told += [f"approximated (≈) by {rough}"] if rough else []
    return f"Tokens {' and '.join(told) or 'of nothing'}; {prices or 'no price list'}."


def _parts(old: tuple[Part, ...], new: tuple[Part, ...], most: int) -> tuple[PartCost, ...]:
    """The parts that differ, in the order of a call; those beyond ``most`` as one."""
    before, after = {part.part: part.count for part in old}, {part.part: part.count for part in new}
    names = [name for name in dict.fromkeys((*after, *before)) if before.get(name) != after.get(name)]
    shown = [PartCost(name, before.get(name), after.get(name)) for name in names[:most]]
    if len(names) > most:
        rest = names[most:]
        shown.append(PartCost(f"{len(rest)} more parts", _together(before, rest), _together(after, rest)))
    return tuple(shown)


def _together(counts: Mapping[str, TokenCount], names: list[str]) -> TokenCount | None:
    found = [counts[name] for name in names if name in counts]
    if not found:
        return None
    return TokenCount(sum(count.tokens for count in found), all(count.exact for count in found), found[0].encoding)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    """All of them, None where one is not known or there is none."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else None


def release_answer(estimate: Estimate) -> dict[str, Any]:
    """What one release costs, as JSON values like those of `as_answer`."""
    return {
        "currency": "USD",
        "calls": CALLS,
        "total": total_answer(total_of(estimate)),
        "prompts": [
            {"prompt": name, **call_answer(call), "parts": [{"part": p.part, **count_answer(p.count)} for p in parts]}
            for name, (call, parts) in sorted(estimate.calls.items())
        ],
        "basis": estimate.basis,
        "notes": [*estimate.notes, *estimate.asides],
    }
