"""Phoenix's prompt versions, read into the files of a release."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import beside, carried, chat, phoenix_call, pieces
from pinset.domain.exchange.heard import Hearing
from pinset.domain.exchange.parts import model_id
from pinset.domain.exchange.phoenix import MUSTACHE
from pinset.domain.exchange.pieces import Variable
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.exchange.incoming import Taken
    from pinset.domain.exchange.pieces import Piece, Pieces

_STYLES: Final = {"F_STRING": "f-string", "NONE": "text"}
_PROVIDERS: Final = {"AWS": "bedrock"}
"""Providers that are called otherwise here than there in small letters."""


def take(version: Mapping[str, Any], prompt: Mapping[str, Any] | None = None) -> Taken:
    """A version as an author's files. prompt: what the server says of all its versions. Raises InvalidInput for what is none."""
    metadata = version.get("metadata")
    again = beside.again(metadata) if isinstance(metadata, dict) else None
    said_style = version.get("template_format")
    style = said_style if isinstance(said_style, str) and said_style else "MUSTACHE"
    hearing = Hearing(lambda text: _pieces(hearing, style, text), again, _STYLES.get(style, "mustache"))
    said = version.get("template")
    if isinstance(said, str):
        told = hearing.text(said)
    elif isinstance(said, dict) and isinstance(said.get("template"), str):
        told = hearing.text(said["template"])
    elif isinstance(said, dict) and isinstance(said.get("messages"), list) and said["messages"]:
        told = hearing.chat([part for one in said["messages"] for part in _called(one)], "template.messages")
    else:
        raise InvalidInput(
            "the version has no template", hint="see whether it is what /v1/prompts/NAME/versions answers"
        )
    call = phoenix_call.taken(version)
    for what, why in call.lost.items():
        hearing.lose(what, why)
    params, tools = dict(call.params), carried.tools_of(call.tools, "tools.tools", hearing.lose)
    output = chat.output_of(params)
    if output is not None:
        told["output"] = output
    if again is not None and "tools" in again.about:
        told["tools"] = list(tools)
    more: dict[str, Any] = {}
    if again is None and isinstance(prompt, dict) and isinstance(prompt.get("metadata"), dict):
        more["metadata"] = prompt["metadata"]
    return hearing.taken(told, _model(hearing, version, params), tools, **more)


def _model(hearing: Hearing, version: Mapping[str, Any], params: dict[str, Any]) -> dict[str, Any] | None:
    name, provider = version.get("model_name"), str(version.get("model_provider") or "")
    before = hearing.again.model if hearing.again is not None else None
    if before is not None and model_id(before) == name:
        return before
    if not isinstance(name, str) or not name:
        if params:
            hearing.lose("invocation_parameters", f"no model is named, so {', '.join(sorted(params))} have no place")
        return None
    return {"provider": _PROVIDERS.get(provider, provider.lower()) or None, "name": name, "params": params}


def _pieces(hearing: Hearing, style: str, text: str) -> Pieces | None:
    if style == "MUSTACHE":
        return pieces.read(MUSTACHE, text)
    if style == "F_STRING":
        try:
            return pieces.joined(_fields(hearing, text))
        except ValueError:
            hearing.lose("template", "it is no template that str.format takes: it is text")
            return pieces.joined([text])
    before = hearing.again.style if hearing.again is not None else "text"
    return None if before == "jinja2" else pieces.joined([text])


def _fields(hearing: Hearing, text: str) -> Iterator[Piece]:
    """Raises ValueError."""
    for before, name, spec, conversion in string.Formatter().parse(text):
        yield before
        if name is None:
            continue
        if spec or conversion:
            hearing.lose("template", f"{name} is filled in as it is: formats and conversions are left out")
        yield Variable(name)


def _called(message: Any) -> Iterator[Any]:
    """A message, with what it says of tools as a chat has it; what several tools answered are several messages."""
    content = message.get("content") if isinstance(message, dict) else None
    parts = content if isinstance(content, list) else []
    kinds = {part.get("type") for part in parts if isinstance(part, dict)}
    if not {"tool_call", "tool_result"} & kinds:
        yield message
        return
    texts = [part for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    calls = [_call(part) for part in parts if isinstance(part, dict) and part.get("type") == "tool_call"]
    results = [part for part in parts if isinstance(part, dict) and part.get("type") == "tool_result"]
    if texts or calls:
        said = "\n".join(str(part.get("text", "")) for part in texts)
        yield {**message, "content": said if said or not calls else None, **({"tool_calls": calls} if calls else {})}
    for part in results:
        found = part.get("tool_result")
        text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        yield {"role": "tool", "tool_call_id": str(part.get("tool_call_id", "")), "content": text}


def _call(part: Mapping[str, Any]) -> dict[str, Any]:
    said = part.get("tool_call")
    called = said if isinstance(said, dict) else {}
    function = {"name": str(called.get("name", "")), "arguments": called.get("arguments", "{}")}
    return {"id": str(part.get("tool_call_id", "")), "type": "function", "function": function}
