"""A prompt, its model and its tools as the arguments that model clients take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.text import tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.client.release import Release


def openai(release: Release, prompt: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """For ``client.chat.completions.create(**…)``. Raises as `Prompt.messages`, and NotFound without a model."""
    model = release.model_of(prompt)
    found: dict[str, Any] = {"model": model["id"], **model.get("params", {})}
    found["messages"] = release.prompt(prompt).messages(**values)
    tools = release.tools_of(prompt)
    if tools:
        found["tools"] = [tool_shapes.to_openai(tool) for tool in tools]
    output = release.prompts[prompt].get("output")
    if output:
        found["response_format"] = {"type": "json_schema", "json_schema": {"name": "answer", "schema": output}}
    return found


def litellm(release: Release, prompt: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """For ``litellm.completion(**…)``: as for OpenAI, with the provider before the model where it is known."""
    found, provider = openai(release, prompt, values), release.model_of(prompt).get("provider")
    return {**found, "model": f"{provider}/{found['model']}"} if provider else found


def anthropic(release: Release, prompt: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """For ``client.messages.create(**…)``: system messages apart. Raises InvalidInput without ``max_tokens`` too."""
    model = release.model_of(prompt)
    params = model.get("params", {})
    if "max_tokens" not in params:
        raise InvalidInput(
            f"{release.ref} has no max_tokens, which Anthropic's client wants", hint="write it into the model"
        )
    messages = release.prompt(prompt).messages(**values)
    found: dict[str, Any] = {"model": model["id"], **params}
    system = "\n\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    found |= {"system": system} if system else {}
    found["messages"] = [message for message in messages if message["role"] != "system"]
    tools = release.tools_of(prompt)
    if tools:
        found["tools"] = [tool_shapes.to_anthropic(tool) for tool in tools]
    return found
