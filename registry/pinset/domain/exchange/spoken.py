"""A prompt as the messages that it says, each with what it is: a template, an example, or a place for others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.exchange import pieces
from pinset.domain.exchange.pieces import Pieces, Variable
from pinset.domain.rendering import example_messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EMPTY: Final[Mapping[str, Any]] = {"format": "text", "template": ""}
"""What a release without prompts says."""


class Said(NamedTuple):
    """One message. content: a template's text, all that an example has as its content, or the name of a placeholder."""

    kind: str
    role: str
    content: Any
    message: Mapping[str, Any]


def said_by(prompt: Mapping[str, Any]) -> list[Said]:
    """The messages of a prompt. kind: ``template``, ``example`` or ``placeholder``."""
    if "messages" not in prompt:
        return [Said("template", "user", prompt["template"], {})]
    return list(_said(prompt["messages"]))


def _said(items: Sequence[Mapping[str, Any]]) -> Iterator[Said]:
    for item in items:
        if "placeholder" in item:
            yield Said("placeholder", "user", item["placeholder"], {})
        elif "template" in item:
            yield Said("template", item["role"], item["template"], item)
        else:
            for example in item["examples"]:
                for one in map(_message, example_messages(example)):
                    yield Said("example", one["role"], one.get("content"), one)


def _message(example: Any) -> Mapping[str, Any]:
    """An example that is no message is one of the user."""
    if isinstance(example, dict) and isinstance(example.get("role"), str):
        return example
    return {"role": "user", "content": json.dumps(example, ensure_ascii=False)}


def pieces_of(style: str, said: Said) -> list[Pieces] | None:
    """What each text of a message says: a template's variables are some, and an example has none.

    None where the template cannot be told so.
    """
    if said.kind == "placeholder":
        return [(Variable(said.content),)]
    if said.kind == "template":
        found = pieces.of(style, said.content)
        return None if found is None else [found]
    return [pieces.joined([text]) for text in texts_in(said.content)]


def texts_in(content: Any) -> list[str]:
    """The texts of what a message says, which may be parts."""
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]


def with_texts(content: Any, texts: Sequence[str]) -> Any:
    """What a message says, with its texts, as `texts_in` has them, exchanged for others."""
    left = iter(texts)
    if isinstance(content, str):
        return next(left)
    if not isinstance(content, list):
        return content
    return [
        {**part, "text": next(left)} if isinstance(part, dict) and isinstance(part.get("text"), str) else part
        for part in content
    ]


def raw_texts(said: Said) -> list[str]:
    """The texts of a message as they are written; a placeholder is a variable."""
    if said.kind == "placeholder":
        return [pieces.mustache((Variable(said.content),))]
    return texts_in(said.content)


def placeholders_in(said: Sequence[Said]) -> list[str]:
    """The names of placeholders."""
    return [one.content for one in said if one.kind == "placeholder"]
