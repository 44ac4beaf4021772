"""The parts of a manifest, each read from what the author wrote into its sealed shape.

A part may be inline, a file, or a shared component. In the sealed shape a file is ``{"file": path}``, inline text
``{"text": …}``, and a component ``{"component": "kind/name"}``; its version stands in the manifest's ``components``.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.manifest import loading
from pinset.domain.manifest.reader import SUGGESTED, is_component
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.manifest.reader import Path, Reader

GUARDS: Final = ("input", "output", "both")
MODEL: Final = ("provider", "name", "pinned_version", "id", "params")
PARAMETERS: Final = (
    "temperature", "top_p", "top_k", "max_tokens", "seed", "stop", "frequency_penalty", "presence_penalty",
)  # fmt: skip
_NEAR: Final = 0.85
"""How alike a key must be to a known one to be taken for a slip: any other is a parameter of the provider's."""
_RETRIEVAL: Final = (
    "index", "embedding_model", "top_k", "variable", "score_threshold", "reranker", "filters", "params",
)  # fmt: skip
_INDEX: Final = (
    "uri", "digest", "embedding_model", "dimensions", "distance", "counts", "documents", "chunks", "built_at", "source",
    "description", "params",
)  # fmt: skip
_GUARDRAIL: Final = ("kind", "guards", "config", "description")


def model(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{id, provider, name, pinned_version, params}``, or a component. Keys that are not ours are parameters."""
    if isinstance(value, str):
        key = reader.component(value, "models", path)
        return {"component": key} if key else {}
    found = reader.mapping(value, path, MODEL, open_ended=True)
    if not isinstance(value, dict):
        return {}
    params = {key: given for key, given in found.items() if key not in MODEL}
    for key in list(params)[:SUGGESTED]:
        near = difflib.get_close_matches(key, (*MODEL, *PARAMETERS), n=1, cutoff=_NEAR)
        if near and near[0] != key:
            hint = f"did you mean {near[0]}? If not, write it under params:"
            reader.note("unknown-key", (*path, key), f"the key {names.show(key)} is not known here", hint)
    if "params" in found:
        params |= reader.mapping(found["params"], (*path, "params"), (), open_ended=True)
    name = reader.text(found, "name", path, required="id" not in found)
    part: dict[str, Any] = {
        "id": reader.text(found, "id", path) or name,
        "provider": reader.text(found, "provider", path),
        "name": name or found.get("id"),
        # What is no text has its own finding, and is a pin all the same.
        "pinned_version": reader.text(found, "pinned_version", path) or str(found.get("pinned_version") or "") or None,
        "params": params,
    }
    return part


def retrieval(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{index, embedding_model, top_k, variable, …}``."""
    found = reader.mapping(value, path, _RETRIEVAL)
    part = {key: given for key, given in found.items() if key != "index"}
    for key in ("embedding_model", "variable"):
        if key in found:
            part[key] = reader.text(found, key, path)
    reader.number(found, "top_k", path, least=1)
    reader.number(found, "score_threshold", path)
    _data(reader, found, path, reranker=(str, dict), filters=(dict, list), params=(dict,))
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
    for key in ("built_at", "source", "description"):
        reader.text(found, key, path)
    for key, least in (("dimensions", 1), ("documents", 0), ("chunks", 0)):
        reader.number(found, key, path, least=least)
    _data(reader, found, path, counts=(dict,), params=(dict,))
    for key in found["counts"] if isinstance(found.get("counts"), dict) else ():
        reader.number(found["counts"], key, (*path, "counts"), least=0)
    return dict(found)


def guardrail(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{kind, guards, config}``, or a component."""
    if isinstance(value, str):
        key = reader.component(value, "guardrails", path)
        return {"component": key} if key else {}
    found = reader.mapping(value, path, _GUARDRAIL)
    kind = reader.text(found, "kind", path, required=True)
    guards = reader.choice(found, "guards", GUARDS, path) or "both"
    reader.text(found, "description", path)
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
    if isinstance(content, list) and not reader.few(content, path):
        return []
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


def _data(reader: Reader, found: Mapping[str, Any], path: Path, **kinds: tuple[type, ...]) -> None:
    """Note the values that are given and of none of their kinds."""
    called: dict[type, str] = {str: "text", dict: "a mapping", list: "a list"}
    for key, allowed in kinds.items():
        if key in found and not isinstance(found[key], allowed):
            reader.wrong_type(found[key], (*path, key), " or ".join(called[kind] for kind in allowed))
