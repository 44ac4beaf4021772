"""JSON Schemas: what the checks of a release rely on beyond single schemas."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from pinset.domain.text import json_schemas


def test_the_validator_is_not_loaded_before_it_is_asked() -> None:
    code = "import sys, pinset.domain.text.json_schemas; sys.exit('jsonschema' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert done.returncode == 0


@pytest.mark.parametrize("schema", [None, 1, 1.5, "object", [], [{}]])
def test_what_is_no_mapping_and_no_boolean_is_one_problem(schema: Any) -> None:
    assert [path for path, _ in json_schemas.problems(schema)] == [()]


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize(
    "target", ["http://a.test/x", "https://a.test/x#/y", "file:///x", "other.json", "/x", "", " #"]
)
def test_a_reference_that_leaves_the_schema_is_a_problem(keyword: str, target: str) -> None:
    schema = {"properties": {"a": {"items": {keyword: target}}}}
    assert ("properties", "a", "items", keyword) in {path for path, _ in json_schemas.problems(schema)}


@pytest.mark.parametrize(
    "under",
    ["not", "if", "then", "else", "items", "contains", "propertyNames", "additionalProperties", "unevaluatedItems"],
)
def test_a_reference_is_found_under_every_keyword_that_holds_a_schema(under: str) -> None:
    assert [path for path, _ in json_schemas.problems({under: {"$ref": "x.json"}})] == [(under, "$ref")]


@pytest.mark.parametrize("under", ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"])
def test_a_reference_is_found_under_every_name(under: str) -> None:
    found = json_schemas.problems({under: {"const": {"$ref": "x.json"}}})
    assert [path for path, _ in found] == [(under, "const", "$ref")]


@pytest.mark.parametrize("under", ["const", "default", "examples", "enum"])
def test_data_that_looks_like_a_reference_is_data(under: str) -> None:
    data: Any = {"$ref": "x.json"}
    assert json_schemas.problems({under: [data]}) == []


def test_a_dynamic_reference_to_its_anchor_is_taken() -> None:
    assert json_schemas.problems({"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}}) == []


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert json_schemas.problems({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}) == []


def test_the_cap_keeps_the_first_problems_by_path() -> None:
    bad = {f"p{at:02}": {"type": "strng"} for at in range(40)}
    found = json_schemas.problems({"properties": dict(reversed(bad.items()))})
    assert [path[1] for path, _ in found] == sorted(bad)[:20]


def test_a_schema_is_not_changed_by_its_check() -> None:
    schema = {"properties": {"a": {"$ref": "x"}}}
    json_schemas.problems(schema)
    json_schemas.declared_variables(schema)[0].add("b")
    assert schema == {"properties": {"a": {"$ref": "x"}}}


@pytest.mark.parametrize("extra", [False, None, "yes", 1])
def test_other_variables_are_taken_only_where_true_or_a_schema_says_so(extra: Any) -> None:
    assert json_schemas.declared_variables({"properties": {"a": {}}, "additionalProperties": extra})[2] is False


def test_required_names_need_not_be_declared() -> None:
    assert json_schemas.declared_variables({"required": ["a", 1, "a"]}) == (set(), {"a"}, False)
