"""Opik: a prompt version as its clients read it."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import beside, chat, pieces
from pinset.domain.exchange.parts import model_id, params_of, parts_of
from pinset.domain.exchange.spoken import EMPTY, pieces_of, raw_texts, said_by, with_texts
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.parts import Parts
    from pinset.domain.exchange.pieces import Pieces
    from pinset.domain.exchange.spoken import Said

COMMIT: Final = 8
"""Hexadecimal digits of what is called a commit there: here the beginning of the digest."""
MUSTACHE: Final = re.compile(r"\{\{([^{}]*?)\}\}")
"""What its clients fill in."""
_PREFIX: Final = "sha256:"
_NUMBER: Final = 6
"""Bytes of a version's id that are its number; those before are the prompt's."""


def tell(
    document: Mapping[str, Any], name: str, served: Sequence[str] = (), prompt_name: str | None = None
) -> dict[str, Any]:
    """A release as a prompt version. served: the aliases that serve it, which are environments there.

    A prompt of messages is a chat, whose template is their JSON. A placeholder has no form there: it is a message of the
    user with one variable, and ``metadata.placeholders`` names it. All else that has no field is in ``metadata`` too, which
    clients pass on unread. name: as the client spells it. prompt_name: see `parts.parts_of`.
    """
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or EMPTY
    said = said_by(prompt)
    kind, texts = _templates(prompt["format"], said)
    structure = structure_of(document, prompt_name)
    messages = [_message(one, given) for one, given in zip(said, texts, strict=True)]
    return {
        "id": version_id(document["registry"], name, document["version"]),
        "prompt_id": prompt_id(document["registry"], name),
        "commit": commit_of(document["digest"]),
        "version_number": f"v{document['version']}",
        "template": json.dumps(messages, ensure_ascii=False) if structure == "chat" else texts[0][0],
        "template_structure": structure,
        "type": kind,
        "version_type": "prompt_version",
        "metadata": {**beside.told(document, parts, said), **_call(parts)},
        "environments": list(served),
        "tags": tags_of(document),
        "change_description": document["message"],
        "created_at": document["published_at"],
        "created_by": document["published_by"],
    }


def structure_of(document: Mapping[str, Any], prompt_name: str | None = None) -> str:
    """Whether a prompt is a text or a chat there."""
    return "chat" if "messages" in (parts_of(document, prompt_name).prompt or EMPTY) else "text"


def tags_of(document: Mapping[str, Any]) -> list[str]:
    """Its tags: texts that the release's metadata lists, and its label."""
    tags = document["content"]["metadata"].get("tags")
    listed = tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else []
    return [*listed, *([document["label"]] if document["label"] else [])]


def prompt_id(registry: str, name: str) -> str:
    """What a prompt is called where a name may change. name: as the client spells it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{registry}/{name}"))


def version_id(registry: str, name: str, version: int) -> str:
    """What a version is called: an id of the form that users make themselves (version 8), in which its number is."""
    head = uuid.UUID(prompt_id(registry, name)).bytes[:-_NUMBER]
    made = bytearray(head + version.to_bytes(_NUMBER, "big"))
    made[6] = 0x80 | (made[6] & 0x0F)
    return str(uuid.UUID(bytes=bytes(made)))


def version_in(text: str) -> int | None:
    """The number in what `version_id` made; None for another text."""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return None
    return int.from_bytes(found.bytes[-_NUMBER:], "big") if found.bytes[6] >> 4 == 8 else None


def commit_of(digest: str) -> str:
    """What is called a commit there."""
    return digest.removeprefix(_PREFIX)[:COMMIT]


def digest_of(commit: str) -> str:
    """The selector of what is called a commit there."""
    return f"{_PREFIX}{commit.lower()}"


def _call(parts: Parts) -> dict[str, Any]:
    """What a call of the model takes beside the messages, flat, as users write it there.

    A parameter that is called as something else is said in ``model_pin`` alone.
    """
    params = params_of(parts.model)
    if parts.output is not None:
        params = chat.with_output(params, parts.output)
    found = {key: value for key, value in params.items() if key not in (*beside.KEYS, "model", "tools")}
    if parts.model is not None:
        found["model"] = model_id(parts.model)
    if parts.tools:
        found["tools"] = [tool_shapes.to_openai(tool) for tool in parts.tools.values()]
    return found


def _templates(style: str, said: Sequence[Said]) -> tuple[str, list[list[str]]]:
    """The texts of each message, and the type in which clients fill in the same as this registry does.

    Where their mustache would take text for variables they are Jinja's, in which every text can be said. Jinja drops a
    line feed at the end there: it gets one more.
    """
    found = [pieces_of(style, one) for one in said]
    plain = [one for one in found if one is not None]
    if style != "jinja2" and len(plain) == len(found):
        spelled = [[_mustache(style, one, text) for text in texts] for one, texts in zip(said, plain, strict=True)]
        if [[pieces.read(MUSTACHE, text) for text in texts] for texts in spelled] == plain:
            return "mustache", spelled
    return "jinja2", [_jinja(style, one, texts) for one, texts in zip(said, found, strict=True)]


def _jinja(style: str, said: Said, texts: list[Pieces] | None) -> list[str]:
    if texts is None or (style == "jinja2" and said.kind == "template"):
        return [_kept(text) for text in raw_texts(said)]
    return [_kept(pieces.jinja(text)) for text in texts]


def _mustache(style: str, said: Said, text: Pieces) -> str:
    if said.kind == "template" and style == "mustache":
        return pieces.plain_mustache(said.content)
    return pieces.mustache(text)


def _kept(text: str) -> str:
    return f"{text}\n" if text.endswith("\n") else text


def _message(said: Said, texts: Sequence[str]) -> dict[str, Any]:
    """A message with its texts as they are told."""
    if said.kind == "example":
        return {**said.message, "content": with_texts(said.content, texts)}
    named = {"name": said.message["name"]} if "name" in said.message else {}
    return {"role": said.role, **named, "content": texts[0]}
