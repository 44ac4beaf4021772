"""Opik: a prompt version as its clients read it."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.double_braces import told
from pinset.domain.exchange.parts import (
    beside_of,
    messages_of,
    model_id,
    params_of,
    parts_of,
    pin_of,
    placeholders_of,
    release_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMIT: Final = 8
"""Hexadecimal digits of what is called a commit there: here the beginning of the digest."""
_PREFIX: Final = "sha256:"


def tell(
    document: Mapping[str, Any], name: str, served: Sequence[str] = (), prompt_name: str | None = None
) -> dict[str, Any]:
    """A release as a prompt version. served: the aliases that serve it, which are environments there.

    A prompt of messages is a chat, whose template is their JSON. A placeholder has no form there: it is a message of the
    user with one variable, and ``metadata.placeholders`` names it. All else that has no field is in ``metadata`` too, which
    clients pass on unread. prompt_name: see `parts.parts_of`.
    """
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or {"format": "text", "template": ""}
    chat = "messages" in prompt
    style = prompt["format"]
    items = messages_of(prompt)
    texts = [_message(style, one) for one in items]
    metadata = {
        **params_of(parts.model),
        **({"model": model_id(parts.model), "model_pin": pin_of(parts.model)} if parts.model else {}),
        **({"tools": list(parts.tools.values())} if parts.tools else {}),
        **({"response_format": parts.output} if parts.output is not None else {}),
        **{f"other_{kind}" if kind in _TAKEN else kind: value for kind, value in parts.rest.items()},
        **({"placeholders": placeholders} if (placeholders := placeholders_of(items)) else {}),
        **({"prompt": beside} if (beside := beside_of(parts.prompt)) else {}),
        "release": {**release_of(document), "format": style},
    }
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{document['registry']}/{document['ref']}#{parts.name}")),
        "prompt_id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{document['registry']}/{name}")),
        "commit": commit_of(document["digest"]),
        "version_number": f"v{document['version']}",
        "template": json.dumps(texts, ensure_ascii=False) if chat else texts[0]["content"],
        "template_structure": "chat" if chat else "text",
        "type": "jinja2" if style == "jinja2" else "mustache",
        "version_type": "prompt_version",
        "metadata": metadata,
        "environments": list(served),
        "tags": [document["label"]] if document["label"] else [],
        "change_description": document["message"],
        "created_at": document["published_at"],
        "created_by": document["published_by"],
    }


_TAKEN: Final = ("models", "prompts", "tools")
"""Kinds of the rest that would be taken for those of the prompt itself."""


def commit_of(digest: str) -> str:
    """What is called a commit there."""
    return digest.removeprefix(_PREFIX)[:COMMIT]


def digest_of(commit: str) -> str:
    """The selector of what is called a commit there."""
    return f"{_PREFIX}{commit.lower()}"


def _message(style: str, message: Mapping[str, Any]) -> dict[str, Any]:
    if "placeholder" in message:
        return {"role": "user", "content": f"{{{{{message['placeholder']}}}}}"}
    return {**message, "content": told(style, message["content"])}
