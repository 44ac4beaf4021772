"""Tools in the shapes that people have them: OpenAI, Anthropic, MCP, plain; one shape in the document."""

from __future__ import annotations

import re
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_SCHEMA_KEYS: Final = ("parameters", "input_schema", "inputSchema")


class ToolShapeError(ValueError):
    """Why a value is no tool."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def normalise(tool: Any) -> dict[str, Any]:
    """``{name, description, parameters}`` and whatever else the tool says, under its own keys. Raises ToolShapeError."""
    if not isinstance(tool, dict):
        raise ToolShapeError("a tool is a mapping", "write {name, description, parameters}")
    inner = tool
    if tool.get("type") == "function":
        outer = {key: value for key, value in tool.items() if key not in ("type", "function")}
        function = tool.get("function", {})
        if not isinstance(function, dict):
            raise ToolShapeError("the tool's function is no mapping", "write function: {name, description, parameters}")
        inner = {**outer, **function}
    name = inner.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ToolShapeError("the tool has no name that models take", "letters, digits and _ - . (at most 64)")
    description = inner.get("description", "")
    if not isinstance(description, str):
        raise ToolShapeError(f"the description of {name} is no text", "write it in quotes")
    given = [key for key in _SCHEMA_KEYS if key in inner]
    if len(given) > 1:
        raise ToolShapeError(f"the tool {name} says its parameters twice", "keep one of " + ", ".join(given))
    parameters = inner[given[0]] if given else None
    if parameters is None:
        parameters = {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise ToolShapeError(f"the parameters of {name} are no JSON Schema", "write {type: object, properties: {…}}")
    known = ("name", "description", "outputSchema", *_SCHEMA_KEYS)
    rest = {key: value for key, value in inner.items() if key not in known}
    output = {"output": inner["outputSchema"]} if "outputSchema" in inner else {}
    return {"name": name, "description": description, "parameters": parameters, **output, **rest}


def to_openai(tool: dict[str, Any]) -> dict[str, Any]:
    """A normalised tool as OpenAI's chat completions take it."""
    kept = {key: tool[key] for key in ("name", "description", "parameters", "strict") if key in tool}
    return {"type": "function", "function": kept}


def to_anthropic(tool: dict[str, Any]) -> dict[str, Any]:
    """A normalised tool as Anthropic's messages take it."""
    kept = {key: tool[key] for key in ("cache_control",) if key in tool}
    return {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"], **kept}


def to_mcp(tool: dict[str, Any]) -> dict[str, Any]:
    """A normalised tool as an MCP server lists it."""
    kept: dict[str, Any] = {key: tool[key] for key in ("title", "annotations") if key in tool}
    output = {"outputSchema": tool["output"]} if "output" in tool else {}
    head = {"name": tool["name"], "description": tool["description"], "inputSchema": tool["parameters"]}
    return {**head, **output, **kept}
