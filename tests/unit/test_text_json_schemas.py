"""JSON Schemas: checked by their metaschema, closed unless they say otherwise, and never fetched."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.text import json_schemas


@pytest.mark.parametrize(
    "schema",
    [
        True,
        False,
        {},
        {"type": "object", "properties": {"a": {"type": ["string", "null"]}}, "required": ["a"]},
        {"$defs": {"x": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/x"}}},
        {"$defs": {"a/b~c d": {}}, "$ref": "#/$defs/a~1b~0c%20d"},
        {"$defs": {"x": {"$anchor": "here"}}, "$ref": "#here"},
        {"prefixItems": [{}], "items": {"$ref": "#/prefixItems/0"}},
        {"properties": {"next": {"$ref": "#"}}},
        {"properties": {"$ref": {"type": "string"}}, "const": {"$ref": "http://x.test"}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "x-extra": 1},
    ],
)
def test_a_schema_has_no_problems(schema: Any) -> None:
    assert json_schemas.problems(schema) == []


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        (5, ()),
        ("string", ()),
        ({"type": "strng"}, ("type",)),
        ({"properties": {"a": 5}}, ("properties", "a")),
        ({"properties": {"a": {"required": "b"}}}, ("properties", "a", "required")),
        ({"minLength": -1}, ("minLength",)),
        ({"items": [{}]}, ("items",)),
        ({"$ref": "http://example.test/x"}, ("$ref",)),
        ({"anyOf": [{}, {"$ref": "other.json#/a"}]}, ("anyOf", 1, "$ref")),
        ({"properties": {"$ref": {"$ref": "file:///etc/passwd"}}}, ("properties", "$ref", "$ref")),
        ({"$ref": "#/$defs/gone"}, ("$ref",)),
        ({"$ref": "#gone"}, ("$ref",)),
    ],
)
def test_a_problem_says_its_path(schema: Any, path: tuple[str | int, ...]) -> None:
    found = json_schemas.problems(schema)
    assert [where for where, _ in found] == [path]
    assert all(0 < len(message) < 250 for _, message in found)


def test_problems_come_all_at_once_in_a_fixed_order_and_capped() -> None:
    many = {"properties": {f"p{at:02}": {"type": "strng", "minLength": -1} for at in range(30)}}
    found = json_schemas.problems(many)
    assert len(found) == 20
    assert found == json_schemas.problems(dict(reversed(many.items())))
    assert found[:2] == sorted(found[:2])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"a": {}, "b": {}}, "required": ["a"]}, ({"a", "b"}, {"a"}, False)),
        ({"properties": {}, "additionalProperties": False}, (set(), set(), False)),
        ({"additionalProperties": True}, (set(), set(), True)),
        ({"additionalProperties": {"type": "string"}}, (set(), set(), True)),
        ({"patternProperties": {"^x": {}}}, (set(), set(), True)),
        ({}, (set(), set(), False)),
        (True, (set(), set(), True)),
        (False, (set(), set(), False)),
        ({"properties": 5, "required": "a"}, (set(), set(), False)),
    ],
)
def test_a_schema_is_open_only_where_it_says_so(schema: Any, expected: tuple[set[str], set[str], bool]) -> None:
    assert json_schemas.declared_variables(schema) == expected
