"""What of a call a release fixes: the texts, tools and schemas of each prompt, in the pieces that are counted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.encodings import ModelName, model_name
from pinset.domain.rendering import example_messages
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DEFAULT: Final = "default"
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")
"""How providers call the most tokens of an answer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt's calls, as texts. sent: the provider gets these very characters, else a form of its own."""

    part: str
    texts: tuple[str, ...]
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Counted:
    """What one call of a prompt holds. model: None where the release pins none.

    called: the model for people. frames: of each message its role and, where it has one, its name, which the provider
    puts around it. max_tokens: of the answer.
    """

    prompt: str
    model: ModelName | None
    called: str
    pieces: tuple[Piece, ...]
    frames: tuple[tuple[str, ...], ...]
    max_tokens: int | None


def counted_of(content: Mapping[str, Any]) -> list[Counted]:
    """The prompts of a release document's ``content``, by name."""
    prompts = _mapping(content.get("prompts"))
    return [_counted(name, prompts[name], content) for name in sorted(prompts) if isinstance(prompts[name], dict)]


def left_out(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences about what a call of the release holds beside, that cannot be counted."""
    prompts = [p for p in _mapping(content.get("prompts")).values() if isinstance(p, dict)]
    notes = []
    if any(prompt.get("format") != "text" for prompt in prompts):
        notes.append("Variables are not counted: what the application fills in comes on top.")
    if any("placeholder" in item for prompt in prompts for item in prompt.get("messages", [])):
        notes.append("Placeholders are not counted: messages that the application puts there come on top.")
    if any(prompt.get("format") == "jinja2" for prompt in prompts):
        notes.append("Of Jinja templates every branch, and the inside of every loop, is counted once.")
    found = _mapping(content.get("retrieval"))
    if found:
        notes.append("Retrieved passages are not counted: how long they are is not known.")
    return tuple(notes)


def _counted(name: str, prompt: Mapping[str, Any], content: Mapping[str, Any]) -> Counted:
    chosen = prompt.get("model", DEFAULT)
    model = _mapping(content.get("models")).get(chosen) if isinstance(chosen, str) else None
    model = model if isinstance(model, dict) else None
    pieces, frames = _messages(prompt)
    pieces += _tools(prompt, _mapping(content.get("tools")))
    if prompt.get("output") is not None:
        pieces.append(Piece("output schema", (_compact(prompt["output"]),), sent=False))
    return Counted(
        prompt=name,
        model=model_name(model) if model is not None else None,
        called=_called(model) if model is not None else "",
        pieces=tuple(pieces),
        frames=tuple(frames),
        max_tokens=_most(model) if model is not None else None,
    )


def _messages(prompt: Mapping[str, Any]) -> tuple[list[Piece], list[tuple[str, ...]]]:
    """The texts of messages and of examples, and what frames each message."""
    style = str(prompt.get("format", "text"))
    items = prompt["messages"] if "messages" in prompt else [{"role": "user", "template": prompt.get("template", "")}]
    texts: list[str] = []
    examples: list[str] = []
    frames: list[tuple[str, ...]] = []
    for item in items:
        if "template" in item:
            texts += templates.fixed(style, item["template"])
            frames.append((str(item.get("role", "user")), *([item["name"]] if item.get("name") else [])))
        elif isinstance(item.get("examples"), list):
            for message in (m for example in item["examples"] for m in example_messages(example)):
                examples += _said(message)
                frames.append((str(_mapping(message).get("role", "user")),))
    texts += [text for partial in _mapping(prompt.get("partials")).values() for text in templates.fixed(style, partial)]
    pieces = [Piece("messages", tuple(text for text in texts if text))]
    return pieces + ([Piece("examples", tuple(examples))] if examples else []), frames


def _said(message: Any) -> Iterator[str]:
    """The texts of an example's message; what is no text as JSON."""
    content = message.get("content") if isinstance(message, dict) else message
    if content is not None:
        yield content if isinstance(content, str) else _compact(content)
    if isinstance(message, dict) and message.get("tool_calls"):
        yield _compact(message["tool_calls"])


def _tools(prompt: Mapping[str, Any], tools: Mapping[str, Any]) -> list[Piece]:
    """The tools that the prompt's calls offer: those it lists, else all."""
    listed = prompt.get("tools")
    chosen: Iterable[str] = tools if listed is None else [name for name in listed if name in tools]
    return [Piece(f"tool {name}", (_told(tools[name]),), sent=False) for name in sorted(set(chosen))]


def _told(tool: Any) -> str:
    if not isinstance(tool, dict):
        return _compact(tool)
    return _compact({key: tool[key] for key in ("name", "description", "parameters") if tool.get(key)})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _called(model: Mapping[str, Any]) -> str:
    """The model for people: its provider and the exact name the provider wants."""
    exact = model.get("id") or model.get("name") or ""
    said = [
        text for text in (model.get("provider"), exact, model.get("pinned_version")) if isinstance(text, str) and text
    ]
    if len(said) > 1 and said[-1] in said[-2]:
        said.pop()
    return " ".join(said)[:200]


def _most(model: Mapping[str, Any]) -> int | None:
    params = _mapping(model.get("params"))
    found = (params.get(key) for key in _LIMITS)
    return next(
        (most for most in found if isinstance(most, int) and not isinstance(most, bool) and 0 < most <= 10**9), None
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
