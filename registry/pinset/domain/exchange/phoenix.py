"""Phoenix: a prompt version as its clients read it."""

from __future__ import annotations

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
    from collections.abc import Mapping

PROVIDERS: Final = (
    "OPENAI", "AZURE_OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK", "XAI", "OLLAMA", "AWS", "CEREBRAS", "FIREWORKS", "GROQ",
    "MOONSHOT", "PERPLEXITY", "TOGETHER", "COHERE", "META", "MISTRAL",
)  # fmt: skip
"""Those that the clients know; they take a model of any other for OpenAI's."""
_UNFILLED: Final = ("jinja2", "text")
"""Formats that its clients do not fill."""


def tell(document: Mapping[str, Any], name: str, prompt_name: str | None = None) -> dict[str, Any]:
    """A release as ``{"data": …}``. name: as the client spells it. prompt_name: see `parts.parts_of`.

    What has no field there is in ``metadata``: the clients pass it on unread.
    """
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or {"format": "text", "template": ""}
    items = messages_of(prompt)
    provider = str((parts.model or {}).get("provider") or "").upper().replace("-", "_")
    kind = "anthropic" if provider == "ANTHROPIC" else "google" if provider == "GOOGLE" else "openai"
    data: dict[str, Any] = {
        "id": f"{name}@v{document['version']}",
        "description": document["message"],
        "model_provider": provider if provider in PROVIDERS else "OPENAI",
        "model_name": model_id(parts.model),
        "template": {"type": "chat", "messages": [_message(prompt["format"], one) for one in items]},
        "template_type": "CHAT",
        "template_format": "NONE" if prompt["format"] in _UNFILLED else "MUSTACHE",
        "invocation_parameters": {"type": kind, kind: params_of(parts.model)},
        "metadata": {
            **({"placeholders": placeholders} if (placeholders := placeholders_of(items)) else {}),
            **parts.rest,
            **({"model": pin_of(parts.model)} if parts.model else {}),
            **({"prompt": beside} if (beside := beside_of(parts.prompt)) else {}),
            "release": {**release_of(document), "format": prompt["format"]},
        },
    }
    if parts.tools:
        data["tools"] = {"type": "tools", "tools": [_tool(tool) for tool in parts.tools.values()]}
    if parts.output is not None:
        schema = {"name": "answer", "schema": parts.output}
        data["response_format"] = {"type": "json_schema", "json_schema": schema}
    return {"data": data}


def _message(style: str, message: Mapping[str, Any]) -> dict[str, Any]:
    if "placeholder" in message:
        return {"role": "user", "content": f"{{{{{message['placeholder']}}}}}"}
    return {**message, "content": told(style, message["content"])}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {key: tool[key] for key in ("name", "description", "parameters") if key in tool},
    }
