"""LangChain's serialised form of a prompt: what ``load`` of its packages makes the objects from, and so calls classes by.

It is configuration that is executed, so it is made here, from a release, and never passed on: the classes are those in
`PATHS` and no other, and what a release holds beside is in the metadata, where nothing can be taken for an object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import langchain_templates
from pinset.domain.exchange.langchain_templates import Template
from pinset.domain.exchange.parts import messages_of, model_id, params_of, release_of
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.parts import Parts

PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "PromptTemplate": ("prompts", "prompt"),
    "StructuredPrompt": ("prompts", "structured"),
    **dict.fromkeys(
        (
            "ChatPromptTemplate",
            "MessagesPlaceholder",
            "SystemMessagePromptTemplate",
            "HumanMessagePromptTemplate",
            "AIMessagePromptTemplate",
            "ChatMessagePromptTemplate",
        ),
        ("prompts", "chat"),
    ),
}
"""Every class that is named, with its module in ``langchain_core``."""
RELEASE: Final = "release"
"""The one key of the metadata that is ours."""
ANSWER: Final = "answer"
"""The title of a schema that has none: models are given a structured answer by its name."""
DEVELOPER: Final = {"__openai_role__": "developer"}
"""How LangChain says the role that it has no message for."""
_ROLES: Final = {
    "system": "SystemMessagePromptTemplate",
    "developer": "SystemMessagePromptTemplate",
    "user": "HumanMessagePromptTemplate",
    "assistant": "AIMessagePromptTemplate",
}
_SIGNS: Final = ("lc", "__lc_escaped__")
"""Keys by which ``load`` knows what it makes objects from, or reads secrets for."""


def manifest_of(document: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """The prompt of a release: a text is a ``PromptTemplate``, a chat a ``ChatPromptTemplate``.

    A chat that wants an answer of a schema is a ``StructuredPrompt``, which is one too.
    """
    prompt = parts.prompt or {"format": "text", "template": ""}
    metadata = {RELEASE: _inert({**release_of(document), **_about(parts)})}
    if "messages" not in prompt:
        text = langchain_templates.told(prompt["format"], prompt["template"])
        _note(metadata, [text])
        return _made("PromptTemplate", {**_of_template(text), "metadata": metadata})
    messages = [message for group in chat_of(prompt) for message in group]
    told = [_template_of(one["kwargs"]["prompt"]["kwargs"]) for one in messages if "prompt" in one["kwargs"]]
    _note(metadata, told)
    names = sorted({name for one in told for name in langchain_templates.variables(one)})
    # Both languages' constructors work out which placeholders may be left out; JavaScript's would refuse them here.
    said = {"input_variables": names, "messages": messages, "metadata": metadata, "validate_template": False}
    if isinstance(parts.output, dict) and parts.output and _inert(parts.output) == parts.output:
        return _made("StructuredPrompt", {**said, "schema_": {"title": ANSWER, **parts.output}})
    return _made("ChatPromptTemplate", said)


def chat_of(prompt: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The messages of a chat, by what they are of: examples are several of one."""
    told: list[list[dict[str, Any]]] = []
    for item in prompt["messages"]:
        # Examples are told as they are: what looks like a variable in them is none.
        style = "text" if "examples" in item else prompt["format"]
        told.append([_told(one, item.get("name"), style) for one in messages_of({"messages": [item]})])
    return told


def model_config(parts: Parts) -> dict[str, Any]:
    """What the model is called with: its exact name and its parameters."""
    return {"model": model_id(parts.model), **params_of(parts.model)} if parts.model is not None else {}


def _about(parts: Parts) -> dict[str, Any]:
    """Every part of the release: those of this prompt by what they are of it, the others by their kind."""
    prompt = parts.prompt or {}
    about: dict[str, Any] = {"name": parts.name, "format": prompt.get("format", "text")}
    about |= {key: prompt[key] for key in ("guardrails", "partials", "model", "tools") if key in prompt}
    if "inputs" in prompt and not prompt.get("inputs_inferred"):
        about["inputs"] = prompt["inputs"]
    if parts.output is not None:
        about["output"] = parts.output
    told: dict[str, Any] = {"prompt": about}
    if parts.model is not None:
        told["model"] = parts.model
    if parts.tools:
        told["tools"] = [tool_shapes.to_openai(tool) for tool in parts.tools.values()]
        lossy = {
            k: tool for k, tool in parts.tools.items() if tool_shapes.normalise(tool_shapes.to_openai(tool)) != tool
        }
        if lossy:
            told["tool_details"] = lossy
    rest = {"other_tools" if kind == "tools" else kind: one for kind, one in parts.rest.items()}
    return {**told, **rest}


def _note(metadata: dict[str, Any], told: list[Template]) -> None:
    if any(one.style == "jinja2" for one in told):
        metadata[RELEASE]["differs"] = langchain_templates.JINJA


def _told(message: Mapping[str, Any], name: Any, style: str) -> dict[str, Any]:
    if "placeholder" in message:
        return _made("MessagesPlaceholder", {"variable_name": message["placeholder"], "optional": True})
    content = message.get("content")
    words = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return _message(str(message.get("role")), name, langchain_templates.told(style, words))


def _template_of(kwargs: Mapping[str, Any]) -> Template:
    return Template(kwargs["template_format"], kwargs["template"])


def _message(role: str, name: Any, text: Template) -> dict[str, Any]:
    kind = _ROLES.get(role, "ChatMessagePromptTemplate")
    more = {**(DEVELOPER if role == "developer" else {}), **({"name": name} if isinstance(name, str) else {})}
    return _made(
        kind,
        {
            "prompt": _made("PromptTemplate", _of_template(text)),
            **({"additional_kwargs": more} if more else {}),
            **({"role": role} if kind == "ChatMessagePromptTemplate" else {}),
        },
    )


def _of_template(text: Template) -> dict[str, Any]:
    return {
        "input_variables": langchain_templates.variables(text),
        "template": text.text,
        "template_format": text.style,
    }


def _made(kind: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", *PATHS[kind], kind], "kwargs": kwargs}


def _inert(value: Any) -> Any:
    """A value in which nothing can be taken for an object or a secret: such a part is told as its JSON, a text."""
    if isinstance(value, dict):
        if any(sign in value for sign in _SIGNS):
            return json.dumps(value, ensure_ascii=False)
        return {key: _inert(one) for key, one in value.items()}
    return [_inert(one) for one in value] if isinstance(value, list) else value
