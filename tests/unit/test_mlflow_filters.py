"""Filters of MLflow's searches: what they mean, and what LIKE is like."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.exchange.mlflow_filters import Condition, is_like, parse
from pinset.errors import InvalidInput


@settings(max_examples=60)
@given(st.text("ab.\n", max_size=12), st.text("ab.%_\n", max_size=8))
def test_like_is_what_sql_means(text: str, pattern: str) -> None:
    plain = "".join(".*" if one == "%" else "." if one == "_" else re.escape(one) for one in pattern)
    assert is_like(text, pattern) is (re.fullmatch(plain, text, re.DOTALL) is not None)


def test_conditions_are_read_however_they_are_spaced() -> None:
    found = parse(
        "tags.`a b`='x'  AND name   like \"%'%\" and version_number>=3 AND tag.\"q\" != '' AND tags.k-1 ILIKE 'X%'"
    )
    assert found == (
        Condition("tags.a b", "=", "x"),
        Condition("name", "LIKE", "%'%"),
        Condition("version_number", ">=", "3"),
        Condition("tags.q", "!=", ""),
        Condition("tags.k-1", "ILIKE", "X%"),
    )
    assert parse(None) == parse("  ") == ()
    assert [one.holds(value) for one, value in zip(found, ("x", "it's", "3", None, "xyz"), strict=True)] == [True] * 5
    assert [one.holds(value) for one, value in zip(found, (None, "its", "2", "", "y"), strict=True)] == [False] * 5


@pytest.mark.parametrize(
    "text", ["AND", "name = 'a' AND AND name = 'b'", f"name LIKE '{'%a' * 200}'", "version_number = 'x'"]
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)
