"""A prompt of a manifest: one template or a list of messages, own or shared, with its inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.manifest import loading
from pinset.domain.manifest.reader import is_component
from pinset.domain.rendering import ROLES
from pinset.domain.text import templates

if TYPE_CHECKING:
    from pinset.domain.manifest.reader import Path, Reader

_KEYS: Final = (
    "template_ref", "template", "text", "messages", "format", "inputs", "output", "guardrails", "model", "tools",
)  # fmt: skip


def prompt(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    """``{format, template | messages, inputs, output, model, tools, guardrails}``, perhaps over a component."""
    if isinstance(value, str):
        value = {"template_ref" if is_component(value) else "template": value}
    found = reader.mapping(value, path, _KEYS)
    part = _body(reader, found, path) if isinstance(value, dict) else {}
    if not part:
        return {}
    for key in ("inputs", "output"):
        if key in found:
            part[key] = _schema(reader, found[key], (*path, key))
    if "model" in found:
        part["model"] = reader.text(found, "model", path)
    if "tools" in found:
        part["tools"] = reader.names(found["tools"], (*path, "tools"))
    if "guardrails" in found:
        part["guardrails"] = found["guardrails"]
    return part | {key: value for key, value in found.items() if key.startswith("x-")}


def guardrail_names(reader: Reader, value: Any, path: Path) -> list[str]:
    """The guardrails that a shared prompt wants, by name: the release that uses it pins them."""
    given = [value] if isinstance(value, str) else reader.names(value, path)
    for name in given:
        if is_component(name):
            message = f"a shared prompt cannot pin {names.show(name)}: the release that uses it does"
            reader.note("bad-value", path, message, "say the guardrail's name alone, without @…")
    return given


def _body(reader: Reader, found: dict[str, Any], path: Path) -> dict[str, Any]:
    """What the prompt says: a component, a template or messages. {} with a finding where that cannot be told."""
    bodies = [key for key in ("template_ref", "template", "text", "messages") if key in found]
    if len(bodies) != 1:
        what = "says its text in " + " and ".join(bodies) if bodies else "has no text"
        hint = "give exactly one of template_ref, template, text, messages"
        reader.note("bad-value", path, f"the prompt {what}", hint)
        return {}
    given = reader.choice(found, "format", templates.FORMATS, path)
    if bodies[0] == "messages":
        return _messages(reader, found["messages"], (*path, "messages"), given)
    if bodies[0] != "template_ref":
        return _single(reader, found, bodies[0], path, given)
    if given is not None:
        message = "format is given, and the shared prompt has one of its own"
        reader.note("bad-value", (*path, "format"), message, "leave format out")
    reference = reader.text(found, "template_ref", path)
    key = reader.component(reference, "prompts", (*path, "template_ref")) if reference else None
    return {"component": key} if key else {}


def _single(reader: Reader, found: dict[str, Any], body: str, path: Path, given: str | None) -> dict[str, Any]:
    if body == "text":
        text = reader.text(found, "text", path)
        return {"format": given or "mustache", "template": {"text": text}} if text is not None else {}
    named = reader.text(found, "template", path)
    file = reader.path(named, (*path, "template")) if named else None
    return {"format": given or templates.guess_format(file), "template": {"file": file}} if file else {}


def _messages(reader: Reader, value: Any, path: Path, given: str | None) -> dict[str, Any]:
    if not isinstance(value, list):
        reader.wrong_type(value, path, "a list of messages")
        return {}
    if not value:
        reader.note("bad-value", path, "the list of messages is empty", "add one: - {role: system, text: …}")
        return {}
    if not reader.few(value, path):
        return {}
    items = [_message(reader, item, (*path, at)) for at, item in enumerate(value)]
    files = [item["template"]["file"] for item in items if "file" in item.get("template", {})]
    guessed = {templates.guess_format(file) for file in files}
    if given is None and len(guessed) > 1:
        reader.note("bad-value", path, "the templates are in different formats by their endings", "say one format: …")
    return {"format": given or (min(guessed) if guessed else "mustache"), "messages": [item for item in items if item]}


def _message(reader: Reader, value: Any, path: Path) -> dict[str, Any]:
    found = reader.mapping(value, path, ("role", "template", "text", "placeholder", "examples", "name"))
    bodies = [key for key in ("template", "text", "placeholder", "examples") if key in found]
    if len(bodies) > 1:
        message = f"the message says what it is in {' and '.join(bodies)}"
        reader.note("bad-value", path, message, "give exactly one of template, text, placeholder, examples")
        return {}
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
    role = reader.choice(found, "role", ROLES, path)
    if not found.get("role"):
        reader.note("missing-key", path, "the message has no role", "add role: system, user or assistant")
    says: dict[str, Any] = {"role": role}
    if "name" in found:
        says["name"] = reader.text(found, "name", path)
    if "text" in found:
        return {**says, "template": {"text": reader.text(found, "text", path) or ""}}
    named = reader.text(found, "template", path, required=True)
    file = reader.path(named, (*path, "template")) if named else None
    return {**says, "template": {"file": file}} if file else {}


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
