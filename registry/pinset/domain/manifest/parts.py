"""The parts of a manifest, each read from what the author wrote into its sealed shape.

A part may be inline, a file, or a shared component. In the sealed shape a file is ``{"file": path}``, inline text
``{"text": …}``, and a component ``{"component": "kind/name"}``; its version stands in the manifest's ``components``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.manifest import loading
from pinset.domain.text import templates, tool_shapes

if TYPE_CHECKING:
    from pinset.domain.manifest.reader import Path, Reader

FORMATS: Final = ("mustache", "jinja2", "f-string", "text")
ROLES: Final = ("system", "developer", "user", "assistant", "tool")
GUARDS: Final = ("input", "output", "both")
_MODEL: Final = ("provider", "name", "pinned_version", "id")
_PROMPT: Final = (
    "template_ref", "template", "text", "messages", "format", "inputs", "output", "guardrails", "model", "tools",
)  # fmt: skip
_RETRIEVAL: Final = (
    "index", "embedding_model", "top_k", "variable", "score_threshold", "reranker", "filters", "params",
)  # fmt: skip
_INDEX: Final = (
    "uri", "digest", "embedding_model", "dimensions", "distance", "counts", "documents", "chunks", "built_at", "source",
    "description", "params",
)  # fmt: skip
_GUARDRAIL: Final = ("kind", "guards", "config", "description")


def is_component(text: str) -> bool:
    """Whether a text in a part's place is a reference and not a path: it has a selector."""
    return "@" in text


def model(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{id, provider, name, pinned_version, params}``, or a component."""
    if isinstance(value, str):
        key = reader.component(value, "models", path)
        return {"component": key} if key else {}
    found = reader.mapping(value, path, _MODEL, open_ended=True)
    name = reader.text(found, "name", path, required="id" not in found)
    part: dict[str, Any] = {
        "id": reader.text(found, "id", path) or name,
        "provider": reader.text(found, "provider", path),
        "name": name or found.get("id"),
        "pinned_version": reader.text(found, "pinned_version", path),
        "params": {key: given for key, given in found.items() if key not in _MODEL},
    }
    return part


def prompt(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{format, template | messages, inputs, output, model, tools, guardrails}``, perhaps over a component."""
    if isinstance(value, str):
        value = {"template_ref" if is_component(value) else "template": value}
    found = reader.mapping(value, path, _PROMPT)
    part: dict[str, Any] = {}
    bodies = [key for key in ("template_ref", "template", "text", "messages") if key in found]
    if len(bodies) != 1:
        what = "says its text in " + " and ".join(bodies) if bodies else "has no text"
        reader.note(
            "bad-value", path, f"the prompt {what}", "give exactly one of template_ref, template, text, messages"
        )
        return {}
    given_format = _choice(reader, found, "format", FORMATS, path)
    if bodies[0] == "template_ref":
        reference = reader.text(found, "template_ref", path)
        key = reader.component(reference, "prompts", (*path, "template_ref")) if reference else None
        if key is None:
            return {}
        part["component"] = key
    elif bodies[0] == "messages":
        part |= _messages(reader, found["messages"], (*path, "messages"), given_format)
    else:
        part |= _single(reader, found, bodies[0], path, given_format)
    for key in ("inputs", "output"):
        if key in found:
            part[key] = _schema(reader, found[key], (*path, key))
    if "model" in found:
        part["model"] = reader.text(found, "model", path)
    if "tools" in found:
        part["tools"] = _names(reader, found["tools"], (*path, "tools"))
    if "guardrails" in found:
        part["guardrails"] = found["guardrails"]
    return part


def _single(reader: Reader, found: dict[str, Any], body: str, path: Path, given: str | None) -> dict[str, Any]:
    if body == "text":
        text = reader.text(found, "text", path)
        return {"format": given or "mustache", "template": {"text": text}} if text is not None else {}
    named = reader.text(found, "template", path)
    file = reader.path(named, (*path, "template")) if named else None
    return {"format": given or templates.guess_format(file), "template": {"file": file}} if file else {}


def _messages(reader: Reader, value: Any, path: Path, given: str | None) -> dict[str, Any]:
    if not isinstance(value, list) or not value:
        reader.wrong_type(value, path, "a list of messages")
        return {}
    items = [_message(reader, item, (*path, at)) for at, item in enumerate(value)]
    files = [item["template"]["file"] for item in items if "file" in item.get("template", {})]
    guessed = {templates.guess_format(file) for file in files}
    if given is None and len(guessed) > 1:
        reader.note("bad-value", path, "the templates are in different formats by their endings", "say one format: …")
    return {"format": given or (min(guessed) if guessed else "mustache"), "messages": [item for item in items if item]}


def _message(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    found = reader.mapping(value, path, ("role", "template", "text", "placeholder", "examples", "name"))
    if "placeholder" in found:
        variable = reader.text(found, "placeholder", path)
        if variable is not None and not names.is_identifier(variable):
            reader.note(
                "bad-name",
                (*path, "placeholder"),
                f"{names.show(variable)} cannot name a placeholder",
                "use letters, digits and _",
            )
        return {"placeholder": variable}
    if "examples" in found:
        return _examples(reader, found["examples"], (*path, "examples"))
    role = _choice(reader, found, "role", ROLES, path)
    if role is None:
        reader.note("missing-key", path, "the message has no role", "add role: system, user or assistant")
    if "text" in found:
        return {"role": role, "template": {"text": reader.text(found, "text", path) or ""}}
    named = reader.text(found, "template", path, required=True)
    file = reader.path(named, (*path, "template")) if named else None
    return {"role": role, "template": {"file": file}} if file else {}


def _examples(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    if isinstance(value, list):
        return {"examples": value}
    if not isinstance(value, str):
        reader.wrong_type(value, path, "a .jsonl file or a list")
        return {}
    file = reader.path(value, path)
    if file is None:
        return {}
    for number, line in enumerate(reader.files[file].splitlines(), start=1):
        if line.strip():
            reader.findings.extend(loading.json_findings(file, line, first_line=number))
    return {"examples": {"file": file}}


def retrieval(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{index, embedding_model, top_k, variable, …}``."""
    found = reader.mapping(value, path, _RETRIEVAL)
    part = {key: given for key, given in found.items() if key != "index"}
    for key in ("embedding_model", "variable"):
        if key in found:
            part[key] = reader.text(found, key, path)
    top = found.get("top_k")
    if top is not None and (not isinstance(top, int) or isinstance(top, bool) or top < 1):
        reader.note("bad-value", (*path, "top_k"), "top_k must be a whole number from 1", "write top_k: 6")
    if "index" not in found:
        reader.note("missing-key", (*path, "index"), "index is not given", "name one: index: kb-embeddings@v1")
    elif isinstance(found["index"], str):
        shared = reader.component(found["index"], "indexes", (*path, "index"))
        part["index"] = {"component": shared} if shared else {}
    else:
        part["index"] = index(reader, found["index"], (*path, "index"))
    return part


def index(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """An index as it was built: uri, digest, embedding model, dimensions, distance, counts."""
    found = reader.mapping(value, path, (*_INDEX, "name"))
    for key, required in (("uri", True), ("digest", False), ("embedding_model", True), ("distance", False)):
        reader.text(found, key, path, required=required)
    dimensions = found.get("dimensions")
    if dimensions is not None and (not isinstance(dimensions, int) or isinstance(dimensions, bool) or dimensions < 1):
        reader.note("bad-value", (*path, "dimensions"), "dimensions must be a whole number", "write dimensions: 1536")
    return dict(found)


def guardrail(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{kind, guards, config}``, or a component."""
    if isinstance(value, str):
        key = reader.component(value, "guardrails", path)
        return {"component": key} if key else {}
    found = reader.mapping(value, path, _GUARDRAIL)
    kind = reader.text(found, "kind", path, required=True)
    guards = _choice(reader, found, "guards", GUARDS, path) or "both"
    return {**found, "kind": kind, "guards": guards, "config": found.get("config", {})}


def config(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """A file, a component, or any value."""
    if isinstance(value, str) and is_component(value):
        key = reader.component(value, "configs", path)
        return {"component": key} if key else {}
    if not isinstance(value, str):
        return {"value": value}
    file = reader.path(value, path)
    if file is None:
        return {}
    if file.endswith(".json"):
        reader.findings.extend(loading.json_findings(file, reader.files[file]))
    return {"file": file}


def tool(reader: Reader, value: Any, path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The tools of one entry with their names: a component, an inline tool, or a file of one or many."""
    if isinstance(value, str) and is_component(value):
        key = reader.component(value, "tools", path)
        return [(key.partition("/")[2], {"component": key})] if key else []
    if isinstance(value, str):
        file = reader.path(value, path)
        return _tool_file(reader, file, path) if file else []
    called = _tool_name(reader, value, path, reader.file)
    return [(called, {"tool": value})] if called else []


def _tool_file(reader: Reader, file: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    problems = loading.json_findings(file, reader.files[file])
    reader.findings.extend(problems)
    if problems:
        return []
    content = loading.json_value(reader.files[file])
    if isinstance(content, list):
        named = [(_tool_name(reader, one, path, file), {"file": file, "item": at}) for at, one in enumerate(content)]
    else:
        named = [(_tool_name(reader, content, path, file), {"file": file})]
    return [(name, part) for name, part in named if name]


def _tool_name(reader: Reader, value: Any, path: Path, file: str) -> str | None:
    try:
        return str(tool_shapes.normalise(value)["name"])
    except tool_shapes.ToolShapeError as error:
        reader.note("tool-invalid", path, f"{file}: {error}", error.hint)
        return None


def _choice(reader: Reader, found: dict[str, Any], key: str, choices: tuple[str, ...], path: Path) -> str | None:
    value = reader.text(found, key, path)
    if value is None or value in choices:
        return value
    reader.note("bad-value", (*path, key), f"{key} is {names.show(value)}", "one of " + ", ".join(choices))
    return None


def _schema(reader: Reader, value: Any, path: Path) -> Any:
    """A JSON Schema inline or in a file; whether it is one is checked later."""
    if not isinstance(value, str):
        return value
    file = reader.path(value, path)
    if file is None:
        return {}
    problems = loading.json_findings(file, reader.files[file])
    reader.findings.extend(problems)
    return {} if problems else loading.json_value(reader.files[file])


def _names(reader: Reader, value: Any, path: Path) -> list[str]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return list(value)
    reader.wrong_type(value, path, "a list of names")
    return []
