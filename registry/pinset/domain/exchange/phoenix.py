"""Phoenix: a prompt version as its clients read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.parts import messages_of, model_id, params_of, parts_of, release_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDERS: Final = (
    "OPENAI", "AZURE_OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK", "XAI", "OLLAMA", "AWS", "CEREBRAS", "FIREWORKS", "GROQ",
    "MOONSHOT", "PERPLEXITY", "TOGETHER", "COHERE", "META", "MISTRAL",
)  # fmt: skip
"""Those that the clients know; they take a model of any other for OpenAI's."""
_FORMATS: Final = {"mustache": "MUSTACHE", "f-string": "F_STRING"}


def tell(document: Mapping[str, Any], name: str, prompt_name: str | None = None) -> dict[str, Any]:
    """A release as ``{"data": …}``. name: as the client spells it. prompt_name: see `parts.parts_of`.

    What has no field there is in ``metadata``: the clients pass it on unread.
    """
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or {"format": "text", "template": ""}
    provider = str((parts.model or {}).get("provider") or "").upper().replace("-", "_")
    kind = "anthropic" if provider == "ANTHROPIC" else "google" if provider == "GOOGLE" else "openai"
    data: dict[str, Any] = {
        "id": f"{name}@v{document['version']}",
        "description": document["message"],
        "model_provider": provider if provider in PROVIDERS else "OPENAI",
        "model_name": model_id(parts.model),
        "template": {"type": "chat", "messages": [_message(one) for one in messages_of(prompt)]},
        "template_type": "CHAT",
        "template_format": _FORMATS.get(prompt["format"], "NONE"),
        "invocation_parameters": {"type": kind, kind: params_of(parts.model)},
        "metadata": {**parts.rest, "release": release_of(document)},
    }
    if parts.tools:
        data["tools"] = {"type": "tools", "tools": [_tool(tool) for tool in parts.tools.values()]}
    if parts.output is not None:
        schema = {"name": "answer", "schema": parts.output}
        data["response_format"] = {"type": "json_schema", "json_schema": schema}
    return {"data": data}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    if "placeholder" in message:
        return {"role": "user", "content": [{"type": "text", "text": f"{{{{{message['placeholder']}}}}}"}]}
    return dict(message)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {key: tool[key] for key in ("name", "description", "parameters") if key in tool},
    }
