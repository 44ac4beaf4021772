"""Phoenix: a prompt version as its clients read it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import beside, chat, phoenix_call, pieces
from pinset.domain.exchange.parts import model_id, params_of, parts_of
from pinset.domain.exchange.spoken import EMPTY, pieces_of, raw_texts, said_by, with_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.pieces import Pieces
    from pinset.domain.exchange.spoken import Said

MUSTACHE: Final = re.compile(r"(?<!\\)\{\{\s*(\w+)\s*\}\}")
"""What its clients fill in."""


def tell(document: Mapping[str, Any], name: str, prompt_name: str | None = None) -> dict[str, Any]:
    """A release as a version. name: as the client spells it. prompt_name: see `parts.parts_of`.

    What has no field there is in ``metadata``, which is in the answer, but not in what every client makes of it.
    """
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or EMPTY
    said = said_by(prompt)
    provider = phoenix_call.provider_of(str((parts.model or {}).get("provider") or ""))
    params = params_of(parts.model)
    if parts.output is not None:
        params = chat.with_output(params, parts.output)
    call = phoenix_call.told(provider, params, parts.tools)
    style, messages = _messages(prompt["format"], said, as_parts=provider == "ANTHROPIC")
    data: dict[str, Any] = {
        "id": f"{name}@v{document['version']}",
        "description": document["message"],
        "model_provider": call.provider,
        "model_name": model_id(parts.model),
        "template": {"type": "chat", "messages": messages},
        "template_type": "CHAT",
        "template_format": style,
        "invocation_parameters": call.invocation,
        "metadata": beside.told(document, parts, said),
    }
    if call.tools is not None:
        data["tools"] = call.tools
    if call.response_format is not None:
        data["response_format"] = call.response_format
    return data


def _messages(style: str, said: Sequence[Said], *, as_parts: bool) -> tuple[str, list[dict[str, Any]]]:
    """Messages, and the format in which clients fill in the same as this registry does; NONE where they cannot.

    as_parts: whether a system message is parts: clients for Anthropic do not fill in one that is a text.
    """
    found = [pieces_of(style, one) for one in said]
    plain = [one for one in found if one is not None]
    if len(plain) < len(found) or (style == "text" and not any(one.kind == "placeholder" for one in said)):
        return "NONE", [_message(one, raw_texts(one), as_parts=False) for one in said]
    spelled = [[_mustache(style, one, text) for text in texts] for one, texts in zip(said, plain, strict=True)]
    told = "MUSTACHE"
    if [[pieces.read(MUSTACHE, text) for text in texts] for texts in spelled] != plain:
        told, spelled = "F_STRING", [[pieces.f_string(text) for text in texts] for texts in plain]
    return told, [_message(one, texts, as_parts=as_parts) for one, texts in zip(said, spelled, strict=True)]


def _mustache(style: str, said: Said, text: Pieces) -> str:
    if said.kind == "template" and style == "mustache":
        return pieces.plain_mustache(said.content)
    return pieces.mustache(text)


def _message(said: Said, texts: Sequence[str], *, as_parts: bool) -> dict[str, Any]:
    """A message with its texts as they are told."""
    if said.kind == "example":
        content = _called(said.message, with_texts(said.content, texts))
    else:
        content = [{"type": "text", "text": texts[0]}] if as_parts and said.role == "system" else texts[0]
    return {"role": said.role, "content": content}


def _called(message: Mapping[str, Any], content: Any) -> Any:
    """The content of an example that calls tools, or holds what one answered."""
    if isinstance(message.get("tool_call_id"), str):
        return [{"type": "tool_result", "tool_call_id": message["tool_call_id"], "tool_result": content}]
    calls = [one for one in message.get("tool_calls") or () if isinstance(one, dict)]
    if not calls:
        return "" if content is None else content
    parts = [{"type": "text", "text": content}] if isinstance(content, str) and content else list(content or ())
    return [*parts, *map(_call, calls)]


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    said = function if isinstance(function, dict) else {}
    arguments = said.get("arguments", "{}")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    told = {"type": "function", "name": str(said.get("name", "")), "arguments": text}
    return {"type": "tool_call", "tool_call_id": str(call.get("id", "")), "tool_call": told}
