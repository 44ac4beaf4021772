"""A release as its page shows it: its parts in the order in which people ask for them, ready for the template."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain import sealed as sealed_form
from pinset.domain.diff import show
from pinset.domain.document import content_of
from pinset.web.marking import Text, includes, marked, plain
from pinset.web.schema_rows import Row, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_PROMPT: Final = frozenset(
    {"template", "messages", "format", "inputs", "inputs_inferred", "output", "partials", "component", "model", "tools", "guardrails"}
)  # fmt: skip
_OF_MODEL: Final = ("provider", "name", "id", "pinned_version", "component", "params")
_ADDRESS: Final = re.compile(r"/components(?:/[A-Za-z0-9._+:-]+){2,3}", re.ASCII)
_VALUE: Final = 8_000
"""Characters of a value that are shown."""


class Link(NamedTuple):
    """Something that has a page: its words, and where."""

    words: str
    address: str


class Fact(NamedTuple):
    """A name and what it is, visible. code: whether that is written as code. link: where more is, '' for nowhere."""

    name: str
    value: str
    code: bool = False
    link: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt. kind: its role, or ``placeholder`` or ``examples``. file: where it is written, '' for the manifest."""

    kind: str
    note: str
    text: Text | None
    file: str
    includes: tuple[Link, ...]
    examples: tuple[tuple[str, Text], ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema: what its object holds."""

    rows: list[Row]
    cut: bool
    raw: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt. facts: which model, tools and guardrails it uses, and its other keys."""

    name: str
    format: str
    messages: list[Message]
    facts: list[Fact]
    inputs: Schema | None
    inferred: bool
    output: Schema | None
    component: Link | None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with its parameters."""

    name: str
    description: str
    parameters: Schema | None
    facts: list[Fact]


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is all data: a model, retrieval, a guardrail, a config. text: of one that is a text or a larger value."""

    name: str
    facts: list[Fact]
    text: Text | None = None
    component: Link | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a release. size: bytes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything in a release."""

    prompts: list[Prompt]
    models: list[Part]
    retrieval: list[Part]
    tools: list[Tool]
    guardrails: list[Part]
    configs: list[Part]
    metadata: list[Fact]
    components: list[Link]
    files: list[File]
    manifest: str
    """The author's file, '' where there is none."""


def parts_of(manifest: str, files: Mapping[str, str]) -> Parts:
    """The parts of a sealed form. Raises Integrity where it contradicts itself."""
    form = sealed_form.Sealed(manifest, files)
    content, said = content_of(form), sealed_form.parse(manifest)
    sources = said["parts"].get("prompts", {})
    listed = said["files"]
    return Parts(
        prompts=[prompt_of(name, one, sources.get(name, {}), files) for name, one in content["prompts"].items()],
        models=[_model(name, one) for name, one in content["models"].items()],
        retrieval=[_retrieval(name, one) for name, one in content["retrieval"].items()],
        tools=[tool_of(name, one) for name, one in content["tools"].items()],
        guardrails=[_guardrail(name, one) for name, one in content["guardrails"].items()],
        configs=[config_of(name, one) for name, one in content["configs"].items()],
        metadata=list(facts_of(content["metadata"])),
        components=[_shared(key, one["version"]) for key, one in content["components"].items()],
        files=[File(path, entry["size"], entry["sha256"]) for path, entry in listed.items()],
        manifest=next((path for path in ("release.yaml", "release.yml", "release.json") if path in listed), ""),
    )


def prompt_of(name: str, prompt: Mapping[str, Any], source: Mapping[str, Any], files: Mapping[str, str]) -> Prompt:
    """A prompt. prompt: as the document has it; source: its part in the manifest, which says where each text is written."""
    style = prompt["format"]
    items = prompt.get("messages") or [{"role": "", "template": prompt.get("template", "")}]
    sources = source.get("messages") or ([source] if "template" in source else [])
    messages = [_message(item, sources[at] if at < len(sources) else {}, style, files) for at, item in enumerate(items)]
    facts = [Fact("model", _seen(prompt["model"]), link=f"#model-{prompt['model']}")] if "model" in prompt else []
    facts += [
        Fact(key, ", ".join(map(_seen, prompt[key])) or "none") for key in ("tools", "guardrails") if key in prompt
    ]
    facts += facts_of({key: value for key, value in prompt.items() if key not in _OF_PROMPT})
    return Prompt(
        name=name,
        format=style,
        messages=messages,
        facts=facts,
        inputs=schema_of(prompt.get("inputs")),
        inferred=bool(prompt.get("inputs_inferred")),
        output=schema_of(prompt.get("output")),
        component=_component(prompt, "prompts"),
    )


def _message(item: Mapping[str, Any], source: Mapping[str, Any], style: str, files: Mapping[str, str]) -> Message:
    pointer = source.get("template")
    file = pointer.get("file", "") if isinstance(pointer, dict) else ""
    raw = files.get(file, "") if file else (pointer.get("text", "") if isinstance(pointer, dict) else "")
    shared = tuple(Link(one, component_address(one)) for one in includes(raw)) if style in ("mustache", "text") else ()
    if "placeholder" in item:
        return Message("placeholder", str(item["placeholder"]), None, "", ())
    if "examples" in item:
        examples = item["examples"] if isinstance(item["examples"], list) else []
        origin = source.get("examples")
        where = origin.get("file", "") if isinstance(origin, dict) else ""
        shown = tuple(_example(one) for one in examples[:20])
        return Message("examples", f"{len(examples)}", None, where, (), shown, max(0, len(examples) - 20))
    return Message(str(item.get("role", "")), "", marked(str(item.get("template", "")), style), file, shared)


def _example(one: Any) -> tuple[str, Text]:
    if isinstance(one, dict) and set(one) == {"role", "content"} and isinstance(one["content"], str):
        return str(one["role"]), plain(one["content"])
    return "", plain(json.dumps(one, ensure_ascii=False, indent=2))


def schema_of(schema: Any) -> Schema | None:
    """A schema's rows; None where there is none."""
    if schema is None:
        return None
    found, cut = rows(schema)
    return Schema(found, cut, json.dumps(schema, ensure_ascii=False, indent=2)[:_VALUE])


def _model(name: str, model: Mapping[str, Any]) -> Part:
    facts = [Fact("provider", _seen(model.get("provider", ""))), Fact("name", _seen(model.get("name", "")))]
    if model.get("pinned_version"):
        facts.append(Fact("pinned version", _seen(model["pinned_version"])))
    if model.get("id") not in (None, model.get("name")):
        facts.append(Fact("id", _seen(model["id"]), code=True))
    facts += facts_of(model.get("params", {}))
    facts += facts_of({key: value for key, value in model.items() if key not in _OF_MODEL})
    return Part(name, [one for one in facts if one.value], component=_component(model, "models"))


def _retrieval(name: str, retrieval: Mapping[str, Any]) -> Part:
    index = retrieval.get("index", {})
    facts = list(facts_of({key: value for key, value in retrieval.items() if key != "index"}))
    known = {key: value for key, value in index.items() if key not in ("component", "name", "version")}
    facts += [Fact(f"index {fact.name}", fact.value, fact.code) for fact in facts_of(known)]
    return Part(name, facts, component=_component(index, "indexes"))


def tool_of(name: str, tool: Mapping[str, Any]) -> Tool:
    """A tool, in the shape that all are brought to."""
    known = ("name", "description", "parameters")
    return Tool(
        name=name,
        description=str(tool.get("description", "")),
        parameters=schema_of(tool.get("parameters")),
        facts=list(facts_of({key: value for key, value in tool.items() if key not in known})),
    )


def _guardrail(name: str, guardrail: Mapping[str, Any]) -> Part:
    own = {key: value for key, value in guardrail.items() if key not in ("config", "name", "version", "digest")}
    facts = [*facts_of(own), *facts_of(guardrail.get("config", {}))]
    shared = "version" in guardrail and "digest" in guardrail
    link = _shared(f"guardrails/{guardrail['name']}", guardrail["version"]) if shared else None
    return Part(name, facts, component=link)


def config_of(name: str, config: Any) -> Part:
    """A config: its text, or its value as JSON."""
    if isinstance(config, str):
        return Part(name, [], plain(config))
    return Part(name, [], plain(json.dumps(config, ensure_ascii=False, indent=2)))


def _component(part: Mapping[str, Any], kind: str) -> Link | None:
    known = part.get("component")
    return _shared(f"{kind}/{known['name']}", known["version"]) if isinstance(known, dict) else None


def _shared(key: str, version: int) -> Link:
    return Link(f"{key}@v{version}", f"/components/{key}/v{version}")


def component_address(reference: str) -> str:
    """Where the page of a component is that a text names: ``prompts/tone@v3``."""
    key, _, selector = reference.partition("@")
    address = f"/components/{key}/{selector}" if selector else f"/components/{key}"
    return address if _ADDRESS.fullmatch(address) else "/components"


def _seen(value: object) -> str:
    return show.cut(show.visible(str(value)), _VALUE)


def facts_of(values: Any) -> Iterator[Fact]:
    """Values by name, those that are small on one line."""
    for key, value in values.items() if isinstance(values, dict) else ():
        shown = show.value(value)
        yield Fact(str(key), show.cut(shown, _VALUE), code=not isinstance(value, str | int | float | bool))
