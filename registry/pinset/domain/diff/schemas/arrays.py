"""Arrays: whether the items that one schema allows fit another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.diff.schemas.nodes import listed, number
from pinset.domain.diff.schemas.plain import most_items

if TYPE_CHECKING:
    from pinset.domain.diff.schemas.nodes import Part, Parts
    from pinset.domain.diff.schemas.proving import Facts, Prover


def implied(prover: Prover, facts: Facts, key: str, part: Part) -> bool:
    """Whether what is known of an array satisfies ``items``, ``prefixItems`` or ``contains``."""
    if key == "contains":
        return _contains(prover, facts, part)
    wanted = listed(part, "prefixItems")
    if key == "prefixItems":
        return all(_item(prover, facts, n, one) for n, one in enumerate(wanted))
    there = max([len(listed(one, "prefixItems")) for one in facts.parts], default=0)
    return all(_item(prover, facts, n, part[key]) for n in range(len(wanted), max(there, len(wanted)) + 1))


def _item(prover: Prover, facts: Facts, n: int, wanted: Any) -> bool:
    """Whether what can stand at one place fits. The place after all that are named stands for all that follow."""
    known = _at(prover, facts, n)
    return known is None or n >= most_items(facts.parts) or prover.fits(prover.facts(known), wanted, inside=True)


def _at(prover: Prover, facts: Facts, n: int) -> Parts | None:
    found: list[Any] = []
    for part in facts.parts:
        if isinstance(part, dict):
            first = listed(part, "prefixItems")
            found += [first[n]] if n < len(first) else [part["items"]] if "items" in part else []
    return None if False in found else prover.a.all_parts(found)


def _contains(prover: Prover, facts: Facts, part: Part) -> bool:
    least, most = _count(part, "minContains", 1), number(part, "maxContains")
    if not least and most is None:
        return True
    for one in facts.parts:
        if isinstance(one, dict) and "contains" in one:
            has_least, has_most = _count(one, "minContains", 1), number(one, "maxContains")
            there = has_least >= least and prover.fits(
                prover.facts(prover.a.parts(one["contains"])), part["contains"], inside=True
            )
            few = most is None or (
                has_most is not None and has_most <= most and prover.same_schema(one["contains"], part["contains"])
            )
            if there and few:
                return True
    return False


def _count(part: Part, key: str, default: float) -> float:
    found = number(part, key)
    return default if found is None else found
