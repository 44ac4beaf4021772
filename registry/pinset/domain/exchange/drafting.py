"""A bundle's files made of what other tools say: one manifest, and a file for each text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.incoming import Lost, Taken
from pinset.domain.exchange.yaml_text import written
from pinset.domain.text import json_schemas, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEFAULT: Final = "default"
_ENDINGS: Final = {"jinja2": ".j2", "text": ".txt"}


@dataclass(slots=True, kw_only=True)
class Prompt:
    """One prompt. template: its text, where it has no messages.

    messages: each ``{role, text}``, perhaps with ``name``; ``{placeholder}``; or ``{examples}``, a list. inputs, output:
    JSON Schemas. files: templates that are files already, by path: those stay where they are.
    """

    style: str = "mustache"
    template: str | None = None
    messages: Sequence[Mapping[str, Any]] = ()
    file: str | None = None
    inputs: Any = None
    output: Any = None
    model: str | None = None
    tools: list[str] | None = None

    def texts(self) -> list[str]:
        """Every template text, in order."""
        return ([self.template] if self.template is not None else []) + [
            m["text"] for m in self.messages if "text" in m
        ]


@dataclass(slots=True, kw_only=True)
class Drafted:
    """All that becomes a release. models: parts by name as a manifest says them; beside: more files, by path."""

    prompts: dict[str, Prompt] = field(default_factory=dict)
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    tools: list[Any] = field(default_factory=list)
    configs: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)

    def lose(self, what: str, why: str) -> None:
        """Note what has no place."""
        self.lost.append(Lost(what=what, why=why))

    def taken(self) -> Taken:
        """The author's files."""
        files = dict(self.beside)
        release: dict[str, Any] = {}
        _put(release, "model", self.models)
        said = {name: _said(name, prompt, files) for name, prompt in self.prompts.items()}
        _put(release, "prompt", said)
        for key in ("tools", "configs", "metadata"):
            if getattr(self, key):
                release[key] = getattr(self, key)
        return Taken(files={"release.yaml": written({"release": release}), **files}, lost=tuple(self.lost))


def model(drafted: Drafted, identity: str | None, *, provider: str | None = None, pin: Any = None, **more: Any) -> None:
    """Add the model of the name default; without an identity, that it is missing is noted.

    pin: its version. more: ``params`` is a mapping of what is sent along.
    """
    params = more.get("params") or {}
    if not identity:
        drafted.lose("model", "no model is named, so the release does not say what runs it")
        if params:
            drafted.lose("model", f"its parameters are left out with it: {', '.join(sorted(map(str, params)))}")
        return
    said: dict[str, Any] = {"provider": provider, "name": identity, "pinned_version": str(pin) if pin else None}
    drafted.models[DEFAULT] = {key: value for key, value in said.items() if value} | (
        {"params": params} if params else {}
    )


def schema_of_inputs(
    drafted: Drafted, prompt: Prompt, schema: Any, *, where: str, optional: Iterable[str] = ()
) -> None:
    """Set a prompt's inputs: a schema of an object, with the variables added that its templates use beside.

    schema: None where none was given. optional: variables that may be missing. where: what a note calls the schema.
    """
    if schema is not None and (
        not isinstance(schema, dict) or schema.get("type", "object") not in ("object", ["object"])
    ):
        drafted.lose(where, "inputs are named here: a schema of one unnamed value has no place")
        schema = None
    may_lack = set(optional)
    used = _variables(prompt)
    if schema is None:
        if may_lack & used:
            required = sorted(used - may_lack)
            prompt.inputs = {"type": "object", "properties": {name: {} for name in sorted(used)}, "required": required}
        return
    declared, _, is_open = json_schemas.declared_variables(schema)
    missing = sorted(used - declared)
    if missing and not is_open:
        drafted.lose(where, f"the template uses {', '.join(missing)} beside what is declared: added without a type")
        schema = {**schema, "properties": {**schema.get("properties", {}), **{name: {} for name in missing}}}
    prompt.inputs = schema


def _variables(prompt: Prompt) -> set[str]:
    found: set[str] = set()
    for text in prompt.texts():
        found.update(templates.parse(prompt.style, text).variables)
    return found


def _put(release: dict[str, Any], single: str, named: Mapping[str, Any]) -> None:
    """The entry default alone in its short form, else all by name."""
    if set(named) == {DEFAULT}:
        release[single] = named[DEFAULT]
    elif named:
        release[f"{single}s"] = dict(named)


def _said(name: str, prompt: Prompt, files: dict[str, str]) -> dict[str, Any]:
    """What the manifest says of a prompt; its texts are put among the files."""
    ending = _ENDINGS.get(prompt.style, ".md")
    part: dict[str, Any] = {}
    if prompt.file is not None:
        part["template"] = prompt.file
    elif prompt.template is not None:
        part["template"] = _filed(files, f"prompts/{name}{ending}", prompt.template)
    else:
        part["messages"] = [
            _message(item, f"prompts/{name}.{at}", ending, files) for at, item in enumerate(prompt.messages, start=1)
        ]
    guessed = {templates.guess_format(path) for path in _paths(part)} or {"mustache"}
    if guessed != {prompt.style}:
        part["format"] = prompt.style
    for key in ("inputs", "output", "model", "tools"):
        if getattr(prompt, key) is not None:
            part[key] = getattr(prompt, key)
    return part


def _message(item: Mapping[str, Any], stem: str, ending: str, files: dict[str, str]) -> dict[str, Any]:
    if "text" not in item:
        return dict(item)
    said = {key: item[key] for key in ("role", "name") if key in item}
    return {**said, "template": _filed(files, f"{stem}-{item['role']}{ending}", item["text"])}


def _filed(files: dict[str, str], path: str, text: str) -> str:
    files[path] = text
    return path


def _paths(part: Mapping[str, Any]) -> list[str]:
    items = [part, *part.get("messages", [])]
    return [item["template"] for item in items if "template" in item]
