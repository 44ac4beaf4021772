"""Tool shapes, made by machine: one tool written in every shape is one tool, and goes out whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinset.domain.text import tool_shapes

_NAMES = st.from_regex(r"\A[A-Za-z0-9_.-]{1,64}\Z")
_SCHEMAS = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=5), st.just({"type": "string"}))}
)
_NORMAL = st.fixed_dictionaries({"name": _NAMES, "description": st.text(max_size=20), "parameters": _SCHEMAS})


def shapes(tool: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One tool in each shape that people have it in."""
    head = {"name": tool["name"], "description": tool["description"]}
    return {
        "plain": tool,
        "chat": {"type": "function", "function": tool},
        "responses": {"type": "function", **tool},
        "anthropic": {**head, "input_schema": tool["parameters"]},
        "anthropic custom": {"type": "custom", **head, "input_schema": tool["parameters"]},
        "mcp": {**head, "inputSchema": tool["parameters"]},
    }


@given(_NORMAL)
def test_one_tool_in_every_shape_is_one_tool(tool: dict[str, Any]) -> None:
    for shape, written in shapes(tool).items():
        assert tool_shapes.normalise(written) == tool, shape


@given(_NORMAL)
def test_one_tool_goes_out_in_every_shape_and_comes_back(tool: dict[str, Any]) -> None:
    for out in (tool_shapes.to_openai, tool_shapes.to_anthropic, tool_shapes.to_mcp):
        assert tool_shapes.normalise(out(tool)) == tool


@given(_NORMAL)
def test_each_shape_has_its_own_key_for_the_schema(tool: dict[str, Any]) -> None:
    assert tool_shapes.to_openai(tool)["function"]["parameters"] == tool["parameters"]
    assert tool_shapes.to_anthropic(tool)["input_schema"] == tool["parameters"]
    assert tool_shapes.to_mcp(tool)["inputSchema"] == tool["parameters"]


def test_the_output_of_mcp_is_kept_and_given_back() -> None:
    output = {"type": "object", "properties": {"ok": {"type": "boolean"}}}
    normal = tool_shapes.normalise({"name": "x", "inputSchema": {"type": "object"}, "outputSchema": output})
    assert normal["output"] == output
    assert "outputSchema" not in normal
    assert tool_shapes.to_mcp(normal)["outputSchema"] == output


@pytest.mark.parametrize("way", ["to_openai", "to_anthropic", "to_mcp"])
def test_a_way_out_leaves_the_tool_as_it_was(way: str) -> None:
    tool = tool_shapes.normalise({"name": "x", "strict": True, "title": "X"})
    before = dict(tool)
    getattr(tool_shapes, way)(tool)
    assert tool == before


@given(st.text(max_size=70))
def test_any_name_is_kept_or_refused_with_a_way_out(name: str) -> None:
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
    if 1 <= len(name) <= 64 and set(name) <= allowed:
        assert tool_shapes.normalise({"name": name})["name"] == name
        return
    with pytest.raises(tool_shapes.ToolShapeError) as caught:
        tool_shapes.normalise({"name": name})
    assert caught.value.hint
    assert caught.value.message.isascii()


_KEYS = ["type", "function", "name", "description", "parameters", "input_schema", "inputSchema", "custom", "format"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["function", "custom", "object", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "custom", "name": "x"},
        {"type": "custom", "name": "x", "format": {"type": "grammar"}},
        {"type": "custom", "name": "x", "custom": {}, "parameters": {}},
        {"function": {"name": "x", "type": "function"}},
    ],
)
def test_what_came_in_comes_back_as_it_is(tool: dict[str, Any]) -> None:
    normal = tool_shapes.normalise(tool)
    assert tool_shapes.normalise(normal) == normal
    assert ("type" in normal) is ("format" in tool or "custom" in tool)


def test_a_function_inside_a_function_is_refused() -> None:
    with pytest.raises(tool_shapes.ToolShapeError, match="twice"):
        tool_shapes.normalise({"function": {"function": {"name": "y"}, "name": "x"}})


@settings(max_examples=400)
@given(_JSON)
def test_any_value_is_a_tool_or_refused(value: Any) -> None:
    try:
        tool = tool_shapes.normalise(value)
    except tool_shapes.ToolShapeError:
        return
    assert list(tool)[:3] == ["name", "description", "parameters"]
    assert isinstance(tool["description"], str)
    assert isinstance(tool["parameters"], dict)
    assert tool_shapes.normalise(tool) == tool
