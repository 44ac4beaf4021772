"""Tools in the shapes that people have them: OpenAI, Anthropic, MCP, plain; one shape in the release document.

Nothing that a tool says is lost on the way in. On the way out, each `to_…` leaves out only what its API is known
to refuse.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_SCHEMA_KEYS: Final = ("parameters", "input_schema", "inputSchema")
_FREE_FORM: Final = ("custom", "format")
"""Keys of OpenAI's tools of the type custom, which take any text. Anthropic's type custom is a tool with a schema."""
_MCP_ONLY: Final = frozenset({"title", "annotations", "output", "icons", "execution", "_meta"})
_API_ONLY: Final = frozenset({"strict", "cache_control", "defer_loading", "input_examples", "allowed_callers", "type"})
_SHAPE: Final = "write {name, description, parameters: {type: object, properties: {…}}}"


class ToolShapeError(ValueError):
    """Why a value is no tool."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def normalise(tool: Any) -> dict[str, Any]:
    """``{name, description, parameters}`` and whatever else the tool says, under its own keys.

    MCP's ``outputSchema`` becomes ``output``. A tool without parameters takes none; a tool of the normal shape comes
    back as it is. Raises ToolShapeError.
    """
    said = _flat(tool)
    name = _name(said.pop("name", None))
    description = said.pop("description", None)
    if description is not None and not isinstance(description, str):
        raise ToolShapeError(f"the description of the tool {name} is no text", "write it in quotes")
    parameters = _parameters(name, said)
    if "outputSchema" in said:
        if "output" in said:
            raise ToolShapeError(f"the tool {name} says its output twice", "keep one of output, outputSchema")
        said["output"] = said.pop("outputSchema")
    return {"name": name, "description": description or "", "parameters": parameters, **said}


def to_openai(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A normal tool as OpenAI's chat completions take it."""
    outside = {key: tool[key] for key in ("cache_control",) if key in tool}
    inside = {key: value for key, value in tool.items() if key not in _MCP_ONLY and key not in outside}
    return {"type": "function", "function": _told(inside), **outside}


def to_anthropic(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A normal tool as Anthropic's messages take it. A tool that Anthropic runs itself has a type and no schema."""
    kept = {key: value for key, value in _told(tool).items() if key not in _MCP_ONLY}
    parameters = kept.pop("parameters")
    return kept if "type" in kept else {**kept, "input_schema": parameters}


def to_mcp(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A normal tool as an MCP server lists it."""
    renamed = {"parameters": "inputSchema", "output": "outputSchema"}
    return {renamed.get(key, key): value for key, value in _told(tool).items() if key not in _API_ONLY}


def _told(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool without an empty description: none was given."""
    return {key: value for key, value in tool.items() if key != "description" or value}


def _flat(tool: Any) -> dict[str, Any]:
    """What a tool says at one level; OpenAI's chat completions nest most of it under ``function``."""
    if not isinstance(tool, dict):
        raise ToolShapeError("a tool is a mapping", _SHAPE)
    if "function" not in tool:
        said = dict(tool)
    elif isinstance(tool["function"], dict):
        outside = {key: value for key, value in tool.items() if key != "function"}
        doubled = sorted(set(tool) & set(tool["function"]))
        if doubled:
            raise ToolShapeError(f"the tool says {', '.join(doubled)} twice", "keep what stands under function")
        said = {**tool["function"], **outside}
    else:
        raise ToolShapeError("the tool's function is no mapping", "write function: {name, description, parameters}")
    kind = said.get("type")
    if kind == "function" or (kind == "custom" and not any(key in said for key in _FREE_FORM)):
        del said["type"]
    elif kind is not None and not isinstance(said.get("name"), str):
        hint = "the provider defines this tool: keep it under configs, where it is versioned as it is"
        raise ToolShapeError(f"a tool of the type {str(kind)[:60]!a} has no name", hint)
    return said


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise ToolShapeError("the tool has no name", _SHAPE)
    if not _NAME.fullmatch(name):
        hint = "1 to 64 letters, digits, _ - and . are what models take"
        raise ToolShapeError(f"{name[:80]!a} cannot name a tool", hint)
    return name


def _parameters(name: str, said: dict[str, Any]) -> dict[str, Any]:
    """The schema of the input, taken out of what the tool says."""
    given = [key for key in _SCHEMA_KEYS if key in said]
    if len(given) > 1:
        raise ToolShapeError(f"the tool {name} says its parameters twice", "keep one of " + ", ".join(given))
    parameters = said.pop(given[0]) if given else None
    if parameters is None:
        return {"type": "object", "properties": {}}
    if not isinstance(parameters, dict):
        raise ToolShapeError(f"the parameters of the tool {name} are no JSON Schema of an object", _SHAPE)
    if parameters.get("type", "object") != "object":
        raise ToolShapeError(f"the parameters of the tool {name} are not of the type object", _SHAPE)
    return parameters
