"""A version of a shared component as its page shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from pinset.domain.text import tool_shapes
from pinset.web.marking import Text, plain
from pinset.web.release_view import Part, Prompt, Tool, config_of, facts_of, prompt_of, tool_of

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shown(NamedTuple):
    """One of the three is there, besides its files."""

    prompt: Prompt | None
    tool: Tool | None
    part: Part | None
    files: list[tuple[str, Text]]


def shown_of(component: Mapping[str, Any]) -> Shown:
    """What a component says. Of a purged one only that it is gone."""
    if component["purged"] is not None or "part" not in component:
        return Shown(None, None, None, [])
    part, files, name = component["part"], component["files"], component["name"]
    texts = [(path, plain(text)) for path, text in files.items()]
    match component["kind"]:
        case "prompts":
            return Shown(prompt_of(name, _filled(part, files), part, files), None, None, texts)
        case "tools":
            return Shown(None, tool_of(name, tool_shapes.normalise(_tool(part, files))), None, texts)
        case "configs":
            value = part["value"] if "value" in part else files.get(part.get("file", ""), "")
            return Shown(None, None, config_of(name, value), texts)
        case _:
            return Shown(None, None, Part(name, list(facts_of(part))), texts)


def _filled(part: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    """A prompt with its texts in the place of their files; what it includes stays a name."""
    filled: dict[str, Any] = {key: value for key, value in part.items() if not key.startswith("x-")}
    if "template" in part:
        filled["template"] = _text(part["template"], files)
    if "messages" in part:
        filled["messages"] = [
            {**item, "template": _text(item["template"], files)} if "template" in item else _examples(item, files)
            for item in part["messages"]
        ]
    return filled


def _examples(item: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    source = item.get("examples")
    if not isinstance(source, dict):
        return dict(item)
    lines = files.get(source["file"], "").splitlines()
    return {**item, "examples": [json.loads(line) for line in lines if line.strip()]}


def _text(source: Mapping[str, Any], files: Mapping[str, str]) -> str:
    return str(source["text"]) if "text" in source else files.get(source.get("file", ""), "")


def _tool(part: Mapping[str, Any], files: Mapping[str, str]) -> Any:
    tool = part["tool"] if "tool" in part else json.loads(files[part["file"]])
    if "item" in part:
        tool = (tool["tools"] if isinstance(tool, dict) else tool)[part["item"]]
    return tool
