"""Judging schemas is bounded by steps and depth, whatever they hold; what is past that is taken as breaking, aloud."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.diff.budget import PROOFS, Budget
from pinset.domain.diff.model import Impact
from pinset.domain.diff.schemas import schema_diff

TEXT = {"type": "string"}


def wide(count: int, kind: str) -> dict[str, Any]:
    return {"type": "object", "properties": {**{f"p{n}": TEXT for n in range(count)}, "last": {"type": kind}}}


def deep(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"type": "object", "properties": {"a": leaf}}
    return leaf


def branches(count: int, shift: int) -> dict[str, Any]:
    def one(n: int) -> dict[str, Any]:
        members = {"k": {"const": n}, f"b{n + shift}": {"type": "integer"}}
        return {"type": "object", "properties": members, "required": ["k"]}

    return {"type": "object", "properties": {"x": {"anyOf": [one(n) for n in range(count)]}}}


def doubling(key: str, longest: int) -> dict[str, Any]:
    """Definitions that each name the next one twice: 2^30 ways down."""
    chain = {
        f"d{n}": {key: [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}", "title": "x"}]} for n in range(30)
    }
    return {"$ref": "#/$defs/d0", "$defs": {**chain, "d30": {**TEXT, "maxLength": longest}}}


def chain(longest: int) -> dict[str, Any]:
    """References that lead to references, three thousand times."""
    links = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3000)}
    found = {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}}
    return {**found, "$defs": {**links, "d3000": {**TEXT, "maxLength": longest}}}


def circle(name: str) -> dict[str, Any]:
    """A definition that is itself, for the same value."""
    return {
        "type": "object",
        "properties": {"a": {"$ref": f"#/$defs/{name}"}},
        "$defs": {name: {"allOf": [{"$ref": f"#/$defs/{name}"}]}},
    }


HOSTILE = {
    "wide": (wide(20_000, "string"), wide(20_000, "integer")),
    "deep": (deep(150, TEXT), deep(150, {"type": "integer"})),
    "branches": (branches(300, 0), branches(300, 1)),
    "doubling-any": (doubling("anyOf", 5), doubling("anyOf", 6)),
    "doubling-all": (doubling("allOf", 5), doubling("allOf", 6)),
    "chain": (chain(5), chain(6)),
    "circle": (circle("a"), circle("b")),
    "patterns": tuple(
        {
            "type": "object",
            "patternProperties": {f"^(a+)+{n}{end}": TEXT for n in range(200)},
            "properties": {"a" * 40: TEXT},
        }
        for end in ("$", "!$")
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schemas_are_judged_within_the_budget(name: str) -> None:
    old, new = HOSTILE[name]
    budget = Budget()
    found = schema_diff(old, new, "parameters", "p", budget)
    assert found
    assert 0 <= budget.proofs <= PROOFS
    if name != "branches":  # members that nobody described: compared one by one, and found to be optional
        assert any(change.impact is Impact.BREAKING for change in found)


def test_what_the_budget_does_not_hold_is_breaking_and_says_that_it_is_not_known() -> None:
    old, new = deep(8, TEXT), deep(8, {**TEXT, "maxLength": 3})
    assert "cannot be decided" not in schema_diff(old, new, "inputs", "p")[0].reason
    (change,) = schema_diff(old, new, "inputs", "p", Budget(proofs=5))
    assert (change.impact, "cannot be decided" in change.reason) == (Impact.BREAKING, True)


def test_all_schemas_of_a_comparison_spend_one_budget() -> None:
    budget = Budget()
    schema_diff(wide(50, "string"), wide(50, "integer"), "inputs", "p", budget)
    once = PROOFS - budget.proofs
    schema_diff(wide(50, "string"), wide(50, "integer"), "inputs", "p", budget)
    assert PROOFS - budget.proofs == 2 * once > 0
