"""What the judgement of schemas says holds for values, as jsonschema checks them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import schema_samples as samples
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pinset.domain.diff.model import Impact
from pinset.domain.diff.schemas import schema_diff

_SEEDS = st.integers(0, 2**32)
_VALUES = 30


def _breaks(old: Any, new: Any, place: Any) -> bool:
    return any(change.impact is Impact.BREAKING for change in schema_diff(old, new, place, "s"))


def _values(picked: random.Random, schema: Any) -> list[Any]:
    """Values that somebody may well write who keeps to what a schema describes, and that are right."""
    right = Draft202012Validator(schema)
    made = [samples.fitting(picked, schema, [schema]) if n % 3 else samples.value(picked) for n in range(_VALUES)]
    return [value for value in (samples.described(one, schema, [schema]) for one in made) if right.is_valid(value)]


def _pair(seed: int) -> tuple[random.Random, Any, Any]:
    picked = random.Random(seed)
    old = samples.schema(picked)
    return picked, old, samples.edited(picked, old)


@settings(max_examples=120, deadline=None)
@given(_SEEDS)
def test_values_that_become_wrong_break_those_who_write_them(seed: int) -> None:
    picked, old, new = _pair(seed)
    lost = [value for value in _values(picked, old) if not Draft202012Validator(new).is_valid(value)]
    if lost:
        assert _breaks(old, new, "inputs"), (old, new, lost[0])
        assert _breaks(old, new, "parameters"), (old, new, lost[0])


@settings(max_examples=120, deadline=None)
@given(_SEEDS)
def test_values_that_are_new_break_those_who_read_them(seed: int) -> None:
    picked, old, new = _pair(seed)
    known = [Draft202012Validator(schema) for schema in (old, samples.opened(old))]
    gained = [value for value in _values(picked, new) if not any(right.is_valid(value) for right in known)]
    if gained:
        assert _breaks(old, new, "output"), (old, new, gained[0])
        assert _breaks(old, new, "parameters"), (old, new, gained[0])


@settings(max_examples=60, deadline=None)
@given(_SEEDS)
def test_a_change_and_the_way_back_concern_the_same_people(seed: int) -> None:
    _, old, new = _pair(seed)
    both = [schema_diff(*pair, "parameters", "s") for pair in ((old, new), (new, old))]
    assert bool(both[0]) == bool(both[1])
    assert schema_diff(old, old, "parameters", "s") == []


@pytest.mark.parametrize("place", ["inputs", "output"])
def test_the_samples_hold_both_kinds(place: Any) -> None:
    found = {_breaks(old, new, place) for _, old, new in map(_pair, range(40))}
    assert found == {True, False}
