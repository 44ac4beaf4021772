"""Tool shapes: every shape becomes one, nothing is lost, and each way back is a round trip."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pinset.domain.text import tool_shapes

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
NORMAL = {"name": "lookup", "description": "Looks up.", "parameters": SCHEMA}
OPENAI = {"type": "function", "function": {**NORMAL, "strict": True}}
RESPONSES = {"type": "function", **NORMAL, "strict": True}
ANTHROPIC = {
    "name": "lookup",
    "description": "Looks up.",
    "input_schema": SCHEMA,
    "cache_control": {"type": "ephemeral"},
}
MCP = {
    "name": "lookup",
    "title": "Look up",
    "description": "Looks up.",
    "inputSchema": SCHEMA,
    "outputSchema": {"type": "object"},
    "annotations": {"readOnlyHint": True},
    "_meta": {"x": 1},
}


@pytest.mark.parametrize(
    ("tool", "extras"),
    [
        (NORMAL, {}),
        (OPENAI, {"strict": True}),
        (RESPONSES, {"strict": True}),
        ({**OPENAI, "cache_control": 1}, {"strict": True, "cache_control": 1}),
        (ANTHROPIC, {"cache_control": {"type": "ephemeral"}}),
        ({**ANTHROPIC, "type": "custom"}, {"cache_control": {"type": "ephemeral"}}),
        (
            MCP,
            {
                "title": "Look up",
                "output": {"type": "object"},
                "annotations": {"readOnlyHint": True},
                "_meta": {"x": 1},
            },
        ),
        ({**NORMAL, "x-anything": [1]}, {"x-anything": [1]}),
    ],
)
def test_every_shape_becomes_one_and_keeps_its_extras(tool: dict[str, Any], extras: dict[str, Any]) -> None:
    before = copy.deepcopy(tool)
    normal = tool_shapes.normalise(tool)
    assert normal == {**NORMAL, **extras}
    assert list(normal)[:3] == ["name", "description", "parameters"]
    assert tool_shapes.normalise(normal) == normal
    assert tool == before


@pytest.mark.parametrize("tool", [{"name": "x"}, {"name": "x", "inputSchema": None}, {"function": {"name": "x"}}])
def test_a_tool_without_parameters_takes_none(tool: dict[str, Any]) -> None:
    empty = {"type": "object", "properties": {}}
    assert tool_shapes.normalise(tool) == {"name": "x", "description": "", "parameters": empty}


def test_each_way_back_is_a_round_trip() -> None:
    assert tool_shapes.to_openai(tool_shapes.normalise(OPENAI)) == OPENAI
    assert tool_shapes.to_anthropic(tool_shapes.normalise(ANTHROPIC)) == ANTHROPIC
    assert tool_shapes.to_mcp(tool_shapes.normalise(MCP)) == MCP
    bare = {"name": "x", "inputSchema": {"type": "object"}}
    assert tool_shapes.to_mcp(tool_shapes.normalise(bare)) == bare


@pytest.mark.parametrize("tool", [OPENAI, RESPONSES, ANTHROPIC, MCP])
@pytest.mark.parametrize("out", [tool_shapes.to_openai, tool_shapes.to_anthropic, tool_shapes.to_mcp])
def test_what_models_see_survives_every_shape(tool: dict[str, Any], out: Any) -> None:
    back = tool_shapes.normalise(out(tool_shapes.normalise(tool)))
    assert {key: back[key] for key in NORMAL} == NORMAL


def test_an_api_is_not_sent_what_only_another_knows() -> None:
    assert set(tool_shapes.to_openai(tool_shapes.normalise(MCP))["function"]) == set(NORMAL)
    assert set(tool_shapes.to_anthropic(tool_shapes.normalise(MCP))) == {"name", "description", "input_schema"}
    assert set(tool_shapes.to_mcp(tool_shapes.normalise(OPENAI))) == {"name", "description", "inputSchema"}


def test_a_tool_that_a_provider_runs_keeps_its_type_and_gets_no_schema() -> None:
    tool = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}
    assert tool_shapes.to_anthropic(tool_shapes.normalise(tool)) == tool


@pytest.mark.parametrize("name", ["a", "A.b-c_1", "x" * 64])
def test_a_name_that_models_take_is_taken(name: str) -> None:
    assert tool_shapes.normalise({"name": name})["name"] == name


@pytest.mark.parametrize(
    "tool",
    [
        None,
        [],
        "lookup",
        {},
        {"name": ""},
        {"name": 1},
        {"name": "a b"},
        {"name": "x" * 65},
        {"name": "naïve"},
        {"name": "x\n"},
        {"name": "x", "description": 1},
        {"name": "x", "parameters": []},
        {"name": "x", "parameters": True},
        {"name": "x", "parameters": {"type": "string"}},
        {"name": "x", "parameters": {}, "input_schema": {}},
        {"name": "x", "output": {}, "outputSchema": {}},
        {"type": "function", "function": "x"},
        {"name": "x", "function": {"name": "x"}},
        {"type": "web_search"},
    ],
)
def test_what_is_no_tool_is_refused_with_a_way_out(tool: Any) -> None:
    with pytest.raises(tool_shapes.ToolShapeError) as caught:
        tool_shapes.normalise(tool)
    assert caught.value.message == str(caught.value)
    assert caught.value.hint
