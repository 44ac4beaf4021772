"""The document: what a sealed form means, derived by one pure function.

The server, the command line and the SDK all call `content_of`, so what an application gets is what was checked
and reviewed. It needs nothing but the standard library, and nothing but the sealed form.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import sealed as sealed_form
from pinset.domain.references import parse_component
from pinset.domain.text import templates, tool_shapes
from pinset.errors import Integrity, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_LIMIT: Final = 10 * 1024 * 1024
"""Characters of all texts in a document: a file counts as often as it is named or included. Files have 8 MiB at most;
a client takes 64 MiB of JSON, which this stays below even where every character is escaped."""
SCHEMA = 1
"""The version of the release document's shape."""


def content_of(sealed: sealed_form.Sealed) -> dict[str, Any]:
    """The ``content`` of a release: prompts, models, retrieval, tools, guardrails, configs, metadata.

    Raises Integrity where the sealed form contradicts itself or, with ``limit`` in the details, includes too much; both
    were checked when it was published.
    """
    try:
        return _Derivation(sealed).content()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError, InvalidInput) as error:
        raise Integrity(f"a sealed manifest contradicts itself: {error!r}", hint="run `pinset verify`") from error


def component_content(component: sealed_form.Sealed, included: Mapping[str, sealed_form.Sealed]) -> dict[str, Any]:
    """What a version of a shared component means: the ``content`` of a release that has it as its only part.

    included: the components that it includes, by ``kind/name``. An index is what a retrieval of its name looks in.
    Raises Integrity.
    """
    said = sealed_form.parse(component.manifest)
    files = dict(component.files)
    for key, one in included.items():
        folder = sealed_form.component_folder(key)
        files |= {f"{folder}/{path}": text for path, text in {sealed_form.COMPONENT: one.manifest, **one.files}.items()}
    named = {said["name"]: said["part"]}
    parts = (
        {"retrieval": {said["name"]: {"index": said["part"]}}} if said["kind"] == "indexes" else {said["kind"]: named}
    )
    manifest = {"format": said["format"], "parts": parts, "components": said.get("components", {}), "files": {}}
    return content_of(sealed_form.Sealed(json.dumps(manifest), files))


def file_digests(sealed: sealed_form.Sealed) -> dict[str, str]:
    """SHA-256 of every file by path, as the manifest lists them."""
    return {path: entry["sha256"] for path, entry in sealed_form.parse(sealed.manifest)["files"].items()}


class _Derivation:
    """One pass over a sealed manifest's parts, with components read where a part names them."""

    def __init__(self, sealed: sealed_form.Sealed) -> None:
        self._files = sealed.files
        self._manifest = sealed_form.parse(sealed.manifest)
        self._components: dict[str, dict[str, Any]] = {}
        self._left = TEXT_LIMIT

    def content(self) -> dict[str, Any]:
        parts = self._manifest["parts"]
        return {
            "prompts": {name: self._prompt(part) for name, part in parts.get("prompts", {}).items()},
            "models": {name: self._value(part) for name, part in parts.get("models", {}).items()},
            "retrieval": {name: self._retrieval(part) for name, part in parts.get("retrieval", {}).items()},
            "tools": {name: self._tool(part) for name, part in parts.get("tools", {}).items()},
            "guardrails": {name: self._guardrail(part) for name, part in parts.get("guardrails", {}).items()},
            "configs": {name: self._config(part) for name, part in parts.get("configs", {}).items()},
            "metadata": self._manifest.get("metadata", {}),
            "components": self._manifest.get("components", {}),
        }

    def _value(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """A part that is all data, with what its component says beneath it."""
        if "component" not in part:
            return dict(part)
        key = part["component"]
        own = {name: value for name, value in part.items() if name != "component"}
        return {**self._component_part(key), **own, "component": self._identity(key)}

    def _retrieval(self, part: Mapping[str, Any]) -> dict[str, Any]:
        """An index goes by its component's name and version; its ``digest`` is that of the data, not of its record."""
        if "index" not in part:
            return dict(part)
        index = self._value(part["index"])
        known = index.get("component", {})
        return {**part, "index": {**index, **{key: known[key] for key in ("name", "version") if key in known}}}

    def _guardrail(self, part: Mapping[str, Any]) -> dict[str, Any]:
        guardrail = self._value(part)
        known = guardrail.pop("component", {})
        return {**guardrail, **known}

    def _tool(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if "component" in part:
            return self._tool(self._component_part(part["component"]))
        tool = part["tool"] if "tool" in part else json.loads(self._file(part["file"]))
        if "item" in part:  # an array of tools, or an MCP listing that wraps one
            tool = (tool["tools"] if isinstance(tool, dict) else tool)[part["item"]]
        return tool_shapes.normalise(tool)

    def _config(self, part: Mapping[str, Any]) -> Any:
        if "component" in part:
            return self._config(self._component_part(part["component"]))
        if "value" in part:
            return part["value"]
        text = self._file(part["file"])
        return json.loads(text) if part["file"].endswith(".json") else text

    def _prompt(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if "component" in part:
            key = part["component"]
            own = {name: value for name, value in part.items() if name != "component" and not name.startswith("x-")}
            shared = self._prompt(self._component_part(key))
            if "inputs" in own:
                shared.pop("inputs_inferred", None)
            return {**shared, **own, "component": self._identity(key)}
        answer = {key: value for key, value in part.items() if not key.startswith("x-")}
        style = part["format"]
        if "template" in part:
            answer["template"] = self._text(part["template"], style)
        if "messages" in part:
            answer["messages"] = [self._message(item, style) for item in part["messages"]]
        if "partials" in part:
            answer["partials"] = {name: self._file(entry["file"]) for name, entry in part["partials"].items()}
        return answer

    def _message(self, item: Mapping[str, Any], style: str) -> dict[str, Any]:
        if "template" in item:
            return {**item, "template": self._text(item["template"], style)}
        if isinstance(item.get("examples"), dict):
            lines = self._file(item["examples"]["file"]).splitlines()
            return {**item, "examples": [json.loads(line) for line in lines if line.strip()]}
        return dict(item)

    def _text(self, source: Mapping[str, Any], style: str) -> str:
        text = self._spent(source["text"]) if "text" in source else self._file(source["file"])
        if style in ("mustache", "text"):
            return templates.expand(text, self._included)
        return str(text)

    def _included(self, reference: str) -> str:
        part = self._component_part(parse_component(reference, kind="prompts").key)
        return self._text(part["template"], part["format"])

    def _file(self, path: str) -> str:
        return self._spent(self._files[path])

    def _spent(self, text: str) -> str:
        self._left -= len(text)
        if self._left < 0:
            raise Integrity(
                f"the release's texts come to more than {TEXT_LIMIT:,} characters, each as often as it is used",
                hint="include less, or name a large text once",
                details={"limit": TEXT_LIMIT},
            )
        return text

    def _component_part(self, key: str) -> dict[str, Any]:
        """A component's part, its paths made those of this release."""
        if key not in self._components:
            folder = sealed_form.component_folder(key)
            part: dict[str, Any] = sealed_form.parse(self._files[f"{folder}/{sealed_form.COMPONENT}"])["part"]
            self._components[key] = rebase(part, folder)
        return self._components[key]

    def _identity(self, key: str) -> dict[str, Any]:
        pinned = self._manifest["components"][key]
        return {"name": key.partition("/")[2], "version": pinned["version"], "digest": pinned["digest"]}


def rebase(part: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """A part whose pointers to files lead under a folder. Data of the author's that looks like a pointer stays."""
    moved: dict[str, Any] = _moved(part, folder)
    if "template" in part:
        moved["template"] = _moved(part["template"], folder)
    if "messages" in part:
        moved["messages"] = [
            {key: _moved(value, folder) if key in ("template", "examples") else value for key, value in item.items()}
            for item in part["messages"]
        ]
    if "partials" in part:
        moved["partials"] = {name: _moved(entry, folder) for name, entry in part["partials"].items()}
    return moved


def _moved(pointer: Any, folder: str) -> Any:
    if isinstance(pointer, dict) and isinstance(pointer.get("file"), str):
        return {**pointer, "file": f"{folder}/{pointer['file']}"}
    return dict(pointer) if isinstance(pointer, dict) else pointer
