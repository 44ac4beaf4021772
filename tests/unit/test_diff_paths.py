"""JSON values: every difference has one path, in a fixed order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain.diff.paths import path_diff, same

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "name"]), inner, max_size=3),
    max_leaves=12,
)


def found(old: Any, new: Any) -> list[tuple[str, str, Any, Any]]:
    return [(c.path, c.kind, c.old, c.new) for c in path_diff(old, new)]


@given(value=JSON, other=JSON)
def test_only_equal_values_have_no_difference(value: Any, other: Any) -> None:
    assert (path_diff(value, other) == []) == same(value, other)
    assert path_diff(value, value) == []


def test_members_are_found_by_path_in_alphabetical_order() -> None:
    old = {"params": {"temperature": 0.2, "top_p": 1}, "a": 1}
    new = {"params": {"temperature": 0.4, "seed": 7}, "a": 1.0}
    assert found(old, new) == [
        ("params.seed", "added", None, 7),
        ("params.temperature", "changed", 0.2, 0.4),
        ("params.top_p", "removed", 1, None),
    ]


def test_true_is_not_one() -> None:
    assert found({"a": 1}, {"a": True}) == [("a", "changed", 1, True)]


def test_scalars_in_lists_are_compared_as_a_sequence() -> None:
    assert found(["a", "b", "c"], ["a", "x", "b", "c"]) == [("[1]", "added", None, "x")]
    assert found({"stop": ["a", "b"]}, {"stop": ["a", "c"]}) == [("stop[1]", "changed", "b", "c")]


def test_objects_in_lists_are_found_by_name_when_all_have_one() -> None:
    old = [{"name": "x", "k": 1}, {"name": "y", "k": 2}]
    new = [{"name": "y", "k": 3}, {"name": "z", "k": 1}]
    assert [c[:2] for c in found(old, new)] == [("[x]", "removed"), ("[y].k", "changed"), ("[z]", "added")]


def test_named_objects_in_another_order_are_one_change() -> None:
    old = [{"name": "x"}, {"name": "y"}]
    assert [c[:2] for c in found({"s": old}, {"s": old[::-1]})] == [("s", "changed")]


@pytest.mark.parametrize("key", ["a.b", "a b", "", "é", 'q"'])
def test_keys_that_are_no_plain_word_are_quoted(key: str) -> None:
    (change,) = path_diff({"p": {key: 1}}, {"p": {key: 2}})
    assert change.path.startswith('p["')


def test_values_deeper_than_the_limit_are_compared_whole() -> None:
    old: Any = 1
    new: Any = 2
    for _ in range(100):
        old, new = {"k": old}, {"k": new}
    (change,) = path_diff(old, new)
    assert change.path.count("k") == 64
