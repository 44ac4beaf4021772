"""What came along in another tool's free places is taken where it is a part of a release, and noted where it is none."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.exchange import carried


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("tools", {"description": "no name"}),
        ("models", {"name": "m", "params": 5}),
        ("retrieval", {"index": "x"}),
        ("guardrails", []),
        ("prompts", {"template": "no format"}),
        ("prompts", {"format": "mustache", "template": 5}),
        ("prompts", {"format": "mustache", "messages": []}),
        ("prompts", {"format": "mustache", "messages": [{"template": "no role"}]}),
        ("prompts", {"format": "mustache", "template": "x", "tools": [5]}),
        ("prompts", {"format": "jinja2", "template": "x", "partials": {"a": 1}}),
    ],
)
def test_what_is_no_part_is_left_out_and_told(kind: str, part: Any) -> None:
    lost: list[str] = []
    assert carried.parts(kind, {"a": part}, "there", lambda what, _: lost.append(what)) == {}
    assert carried.parts(kind, [part], "there", lambda what, _: lost.append(what)) == {}
    assert lost == ["there.a", "there"]


def test_inputs_that_are_no_schema_are_left_to_the_checks() -> None:
    said = {"format": "mustache", "template": "{{a}}"}
    assert carried.anew(said, {}, {"inputs": {"properties": 5}})["inputs"] == {"properties": 5}
    assert carried.beside({"model": 5, "tools": "x", "partials": [], "inputs": {}, "inputs_inferred": True}) == {}
