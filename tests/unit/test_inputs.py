"""Inputs: values that a prompt's author did not declare are refused, by name, and never echoed at length."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pinset.domain.inputs import SHOWN, check_of, declares_more
from pinset.errors import InvalidInput


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


@pytest.mark.parametrize(
    ("declared", "value", "said"),
    [
        ({"type": "string"}, 17, "x is 17, and string is wanted"),
        ({"type": ["string", "null"]}, [], "x is [], and string or null is wanted"),
        ({"enum": ["de", "en"]}, "fr", 'x is "fr", and one of "de", "en" is wanted'),
        ({"minLength": 3}, "ab", 'x is "ab", and at least 3 characters are wanted'),
        ({"maximum": 5}, 9, "x is 9, and at most 5 is wanted"),
        ({"pattern": "^[A-Z]+$"}, "abc", 'x is "abc", and text like "^[A-Z]+$" is wanted'),
        ({"not": {"type": "null"}}, None, 'x is null, and what not {"type": "null"} allows is wanted'),
        ({"type": "object", "required": ["id"]}, {}, "x lacks id"),
        ({"items": {"properties": {"n": {"type": "integer"}}}}, [{"n": 1}, {"n": "1"}], 'x[1].n is "1", and integer is wanted'),
        ({"type": "string"}, object(), "x is of type object, and string is wanted"),
        (False, 1, "what is given is 1, and nothing is wanted"),
    ],
)  # fmt: skip
def test_a_value_that_was_not_declared_is_refused_by_name(declared: Any, value: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_of(schema(x=declared))({"x": value})
    assert caught.value.message == said
    assert caught.value.hint


def test_values_that_were_declared_pass_with_tuples_for_lists() -> None:
    check = check_of(schema(x={"type": "array", "items": {"type": "string"}}))
    check({"x": ["a"]})
    check({"x": ("a", "b")})
    with pytest.raises(InvalidInput, match=r"x\[1\] is 2"):
        check({"x": ("a", 2)})


def test_long_values_and_rules_are_cut() -> None:
    rule = {"enum": ["e" * 500]}
    with pytest.raises(InvalidInput) as caught:
        check_of(schema(x=rule, y={"type": "integer"}, z={"type": "integer"}))(
            {"x": "v" * 100_000, "y": "w" * 500, "z": {"deep": "u" * 500}}
        )
    assert len(caught.value.message) < 5 * (SHOWN + 40)
    assert "v" * SHOWN not in caught.value.message


def test_of_many_problems_the_first_are_told_and_the_rest_counted() -> None:
    many = {f"x{at}": {"type": "string"} for at in range(6)}
    with pytest.raises(InvalidInput, match=r"and 3 more$"):
        check_of(schema(**many))(dict.fromkeys(many, 1))


def test_missing_variables_are_named_alike_whatever_the_schema_says() -> None:
    for declared in ({}, {"type": "string"}):
        with pytest.raises(InvalidInput, match="the prompt wants x") as caught:
            check_of(schema(x=declared))({"y": "1"})
        assert caught.value.details == {"missing": ["x"]}


def test_what_newer_code_passes_besides_is_not_looked_at() -> None:
    closed = {**schema(x={"type": "string"}), "additionalProperties": False}
    check_of(closed)({"x": "a", "new": 1})


def test_variables_of_an_open_schema_are_looked_at() -> None:
    for more in ({"additionalProperties": {"type": "string"}}, {"patternProperties": {"^n": {"type": "string"}}}):
        with pytest.raises(InvalidInput, match="new is 1"):
            check_of({**schema(x={}), **more})({"x": "a", "new": 1})


def test_nothing_is_fetched_for_a_schema_that_leads_out() -> None:
    check = check_of(schema(x={"$ref": "http://127.0.0.1:9/schema"}))
    with pytest.raises(Exception, match="127"):
        check({"x": 1})


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (schema(x={}), False),
        (schema(x={"description": "What it is about.", "examples": ["a"]}), False),
        ({"type": "object", "additionalProperties": True}, False),
        (schema(x={"type": "string"}), True),
        (schema(x=True), True),
        ({"minProperties": 1}, True),
        ({"additionalProperties": {"type": "string"}}, True),
        (True, False),
        (False, True),
    ],
)
def test_only_a_schema_that_says_more_than_names_needs_a_validator(said: Any, more: bool) -> None:
    assert declares_more(said) is more


def test_names_alone_are_checked_without_loading_a_validator() -> None:
    program = (
        "import sys; from pinset.domain.inputs import check_of\n"
        "check_of({'type': 'object', 'properties': {'x': {}}, 'required': ['x']})({'x': 1})\n"
        "assert 'jsonschema' not in sys.modules and 'referencing' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"pattern": r"^\p{L}+$"}}},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"properties": {"a": {"type": 7}}},
        {"properties": 5},
        {"$ref": 5},
        {"required": 5, "minProperties": 1},
    ],
)
def test_a_schema_that_cannot_be_used_is_an_error_with_a_way_out_each_time(schema: Any) -> None:
    check = check_of(schema)
    for _ in range(2):
        with pytest.raises(InvalidInput, match="cannot be checked") as refused:
            check({"a": "x"})
        assert "inputs" in refused.value.hint


def test_values_that_are_too_deep_to_be_looked_at_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]
    items = {"type": "array", "items": {"$ref": "#/properties/a"}}
    with pytest.raises(InvalidInput, match="cannot be checked"):
        check_of({"properties": {"a": items}})({"a": deep})
