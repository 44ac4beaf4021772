"""Parts of a release that came along in another tool's free places: what is as a release document has it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.parts import texts_of
from pinset.domain.text import json_schemas, templates, tool_shapes
from pinset.domain.text.templates import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Lose = Callable[[str, str], None]
    """Is told what was left out, and why."""

KINDS: Final = ("models", "prompts", "tools", "retrieval", "guardrails", "configs", "metadata")
"""All kinds of parts that a release has, but for shared components, which are parts of these."""
BESIDE: Final = ("inputs", "output", "model", "tools", "guardrails", "partials")
"""What a prompt says beside its texts and their format."""
_FREE: Final = ("configs", "metadata")
"""Kinds whose parts are any values."""
_INSIDE: Final = {"models": "params", "retrieval": "index"}
"""What of a part is a mapping, where it is there."""


def content_of(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """The content of a release by kind, to be changed; without one nothing."""
    there = document["content"] if document is not None else {}
    return {kind: dict(there.get(kind) or {}) for kind in KINDS}


def parts(kind: str, said: Any, where: str, lose: Lose) -> dict[str, Any]:
    """Parts of a kind by name. where: what they stand under, for the note on what is none."""
    if said is None:
        return {}
    if not isinstance(said, dict):
        lose(where, "it holds no parts by their names: it is left out")
        return {}
    found: dict[str, Any] = {}
    for name, part in said.items():
        if kind in _FREE or is_part(kind, part):
            found[name] = part
        else:
            lose(f"{where}.{name}", "it is no part as a release has them: it is left out")
    return found


def beside(about: Mapping[str, Any]) -> dict[str, Any]:
    """What of a prompt is said beside its texts, as far as it can be meant so; without inputs that were only guessed."""
    found = {key: about[key] for key in BESIDE if key in about and _fits(key, about[key])}
    if about.get("inputs_inferred"):
        found.pop("inputs", None)
    return found


def tools_of(given: Any, where: str, lose: Lose) -> dict[str, Any]:
    """Tools as calls take them, by name; what is none is noted."""
    found: dict[str, Any] = {}
    for at, one in enumerate(given if isinstance(given, list) else [given]):
        try:
            tool = tool_shapes.normalise(one)
        except tool_shapes.ToolShapeError as error:
            lose(f"{where}[{at}]", f"{error.message}; {error.hint}")
        else:
            found[tool["name"]] = tool
    return found


def give(content: dict[str, Any], prompt: dict[str, Any], said: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Give a prompt tools; those of the release that it is not given stay. said: as `tools_of` has them.

    before: those that it was given. One that a call would take as it was is that one, with all that no call takes.
    """
    keys = {tool["name"]: key for key, tool in before.items()}  # a shared one goes by its component's name
    given: dict[str, Any] = {}
    for name, tool in said.items():
        key = keys.get(name, name)
        was = before.get(key)
        given[key] = was if was is not None and tool_shapes.normalise(tool_shapes.to_openai(was)) == tool else tool
    if given == before:
        return
    content["tools"] = {**content["tools"], **given}
    if list(given) != list(content["tools"]):
        prompt["tools"] = list(given)


def anew(prompt: Mapping[str, Any], was: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt that says other texts. prompt: its format and its texts. was: as it was, {} where there was none.

    about: what was told of it beside, as `beside` gives it, for one that there was not.
    """
    kept = beside(was) if was else dict(about)
    if prompt["format"] != "jinja2":
        kept.pop("partials", None)
    if isinstance(kept.get("inputs"), dict):
        kept["inputs"] = declared(kept["inputs"], prompt["format"], texts_of(prompt), kept.get("partials", {}))
    return {**prompt, **kept}


def declared(inputs: dict[str, Any], style: str, texts: Sequence[str], partials: Mapping[str, str]) -> dict[str, Any]:
    """The schema of the inputs with those that the texts use beside: who writes there cannot declare them."""
    names, _, is_open = json_schemas.declared_variables(inputs)
    used: set[str] = set()
    for text in texts:
        used.update(
            templates.undeclared(style, text, lambda name: (style, partials[name]) if name in partials else None)
        )
    missing = sorted(used - names)
    if is_open or not missing or not isinstance(inputs.get("properties", {}), dict):
        return inputs
    return {**inputs, "properties": {**inputs.get("properties", {}), **{name: {} for name in missing}}}


def is_part(kind: str, part: Any) -> bool:
    """Whether a value is a part as a release document has one of that kind, as far as reading it takes."""
    if not isinstance(part, dict):
        return False
    if kind in _INSIDE and not isinstance(part.get(_INSIDE[kind]) or {}, dict):
        return False
    if kind == "tools":
        return isinstance(part.get("name"), str)
    return kind != "prompts" or _is_prompt(part)


def _is_prompt(prompt: Mapping[str, Any]) -> bool:
    if prompt.get("format") not in FORMATS or any(key in prompt and not _fits(key, prompt[key]) for key in BESIDE):
        return False
    if "messages" not in prompt:
        return isinstance(prompt.get("template"), str)
    items = prompt["messages"]
    return isinstance(items, list) and bool(items) and all(map(_is_item, items))


def _is_item(item: Any) -> bool:
    """Whether a value is a message of a prompt, a placeholder, or examples."""
    if not isinstance(item, dict):
        return False
    if "placeholder" in item or "examples" in item:
        return isinstance(item.get("placeholder", ""), str) and isinstance(item.get("examples", []), list)
    return isinstance(item.get("role"), str) and isinstance(item.get("template"), str)


def _fits(key: str, value: Any) -> bool:
    if key == "partials":
        return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
    if key == "tools":
        return isinstance(value, list) and all(isinstance(name, str) for name in value)
    return key != "model" or isinstance(value, str)
