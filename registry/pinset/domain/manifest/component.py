"""A shared component as its author writes it: one file, or ``component.yaml`` and the files it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.findings import Finding
from pinset.domain.manifest import loading, parts, prompts
from pinset.domain.manifest.draft import Draft
from pinset.domain.manifest.reader import Reader
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(kind: str, name: str, files: Mapping[str, str]) -> Draft:
    """What a component says: a draft whose only part has the component's kind and name."""
    at = loading.manifest_name(files, loading.COMPONENT_NAMES)
    if at is None and len(files) != 1:
        hint = "give one file, or a directory with a component.yaml that says what the component is"
        return Draft(at="", findings=[Finding("file-missing", "there is no component.yaml", hint, "component.yaml")])
    file = at or next(iter(files))
    if (
        at is None
        and kind in ("prompts", "configs", "tools")
        and not (kind == "tools" and file.endswith((".yaml", ".yml")))
    ):
        return _file(kind, name, file, files)
    located = loading.load(file, files[file])
    if isinstance(located, Finding):
        return Draft(at=file, findings=[located])
    reader = Reader(file, located.value, located.lines, files, used={file})
    return _drafted(reader, kind, name, _part(reader, kind, located.value))


def _file(kind: str, name: str, file: str, files: Mapping[str, str]) -> Draft:
    """One file that is the component itself: a template, a tool, a config."""
    reader = Reader(file, None, {(): 1}, files)
    if reader.path(file, ()) is None:
        return _drafted(reader, kind, name, {})
    if kind == "prompts":
        part: dict[str, Any] = {"format": templates.guess_format(file), "template": {"file": file}}
    elif kind == "tools":
        tools = parts.tool(reader, file, ())
        part = _only(reader, tools)
    else:
        part = parts.config(reader, file, ())
    return _drafted(reader, kind, name, part)


def _part(reader: Reader, kind: str, value: Any) -> dict[str, Any]:
    match kind:
        case "prompts":
            part = prompts.prompt(reader, value, ())
            if "guardrails" in part:
                part["guardrails"] = prompts.guardrail_names(reader, part["guardrails"], ("guardrails",))
            return part
        case "models":
            return parts.model(reader, value, ())
        case "indexes":
            return parts.index(reader, value, ())
        case "guardrails":
            return parts.guardrail(reader, value, ())
        case "tools":
            return _only(reader, parts.tool(reader, value, ()))
        case _:
            file = value.get("file") if isinstance(value, dict) and set(value) == {"file"} else None
            return parts.config(reader, file, ("file",)) if file else {"value": value}


def _only(reader: Reader, tools: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    if len(tools) > 1:
        reader.note("tool-invalid", (), "the file holds several tools", "publish each as a component of its own")
        return {}
    if not tools and not reader.findings:
        reader.note("tool-invalid", (), "the file holds no tool", "give one: name, description, parameters")
    return tools[0][1] if tools else {}


def _drafted(reader: Reader, kind: str, name: str, part: dict[str, Any]) -> Draft:
    draft = Draft(reader.file, wanted=reader.wanted, used=reader.used, findings=reader.findings)
    if part:
        draft.add(kind, name, part, 1)
    return draft
