"""Langfuse: a release as a version of a prompt, whose ``config`` carries all that is no prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import chat, double_braces
from pinset.domain.exchange.parts import messages_of, model_id, params_of, parts_of, release_of
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.parts import Parts

LATEST: Final = "latest"
"""The label that Langfuse gives to the newest version itself."""
KINDS: Final = ("prompts", "models", "retrieval", "guardrails", "configs", "metadata")
"""What of a release has a key of its own in ``config``."""
OWN: Final = "langfuse"
"""The entry of a release's configs that holds a ``config`` which names no model."""
_EXAMPLES: Final = "the double braces of its examples are text: do not fill them in"
_TEXTS: Final = ("template", "messages")


def tell(
    document: Mapping[str, Any],
    name: str,
    prompt_name: str | None = None,
    *,
    labels: Sequence[str] = (),
    parameters: bool = False,
) -> dict[str, Any]:
    """A release as its clients read it. name: as the client spells it. prompt_name: see `parts.parts_of`.

    labels: what serves it. parameters: leave in ``config`` only what a call of a model takes.
    """
    parts = parts_of(document, prompt_name)
    content, style, differs = _prompt(parts.prompt or {"format": "text", "template": ""})
    calls = call_of(parts, document["content"]["configs"])
    rest = _rest(parts)
    said = {
        **release_of(document),
        "parts": [kind for kind in KINDS if kind in rest],
        "model": {key: one for key, one in (parts.model or {}).items() if key != "params"},
        **({"prompt": _about(parts, style)} if parts.prompt is not None else {}),
        **({"differs": differs} if differs else {}),
        **({"yanked": document["yanked"]} if document["yanked"] is not None else {}),
    }
    if "tools" in parts.rest:
        said["tools"] = parts.rest["tools"]
    if more := {tool["name"]: beyond for tool in parts.tools.values() if (beyond := _openai(tool)[1])}:
        said["tool_details"] = more
    config = calls if parameters else {**calls, **rest, "release": said}
    if hidden := _hidden(parts, document["content"]["configs"], config):
        said["parameters"] = hidden
    return {
        "id": document["ref"],
        "name": name,
        "version": document["version"],
        "type": "text" if isinstance(content, str) else "chat",
        "prompt": content,
        "config": config,
        "labels": list(labels),
        "tags": tags_of(document),
        "commitMessage": document["message"] or None,
        "createdAt": document["published_at"],
        "updatedAt": document["published_at"],
        "createdBy": document["published_by"],
        "projectId": document["registry"],
    }


def create_of(document: Mapping[str, Any], name: str, prompt_name: str | None = None) -> dict[str, Any]:
    """What `create_prompt` takes to make the same release of it elsewhere."""
    told = tell(document, name, prompt_name)
    alias = (document["alias"] or {}).get("name")
    kept = {key: told[key] for key in ("name", "type", "prompt", "config", "tags")}
    message = {"commitMessage": told["commitMessage"]} if told["commitMessage"] else {}
    return {**kept, "labels": [alias] if alias else [], **message}


def call_of(parts: Parts, configs: Mapping[str, Any]) -> dict[str, Any]:
    """What a call of the model takes beside the messages, flat, as Langfuse's users write it."""
    found = _free(parts, configs)
    if parts.model is not None:
        found["model"] = model_id(parts.model)
    if parts.tools:
        found["tools"] = [_openai(tool)[0] for tool in parts.tools.values()]
    return found if parts.output is None else chat.with_output(found, parts.output)


def _free(parts: Parts, configs: Mapping[str, Any]) -> dict[str, Any]:
    """What is flat in `config` beside what has a meaning there."""
    if parts.model is not None:
        return params_of(parts.model)
    return dict(configs[OWN]) if isinstance(configs.get(OWN), dict) else {}


def _hidden(parts: Parts, configs: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that something else of the same name stands before. What is said beside an answer's schema is with it."""
    free = _free(parts, configs)
    if parts.output is not None and "response_format" in free:
        read_back = dict(chat.with_output(free, parts.output))
        chat.output_of(read_back)
        if read_back.get("response_format") == free["response_format"]:
            del free["response_format"]
    return {key: one for key, one in free.items() if config.get(key) != one}


def tags_of(document: Mapping[str, Any]) -> list[str]:
    """Its tags: texts that the release's metadata lists."""
    tags = document["content"]["metadata"].get("tags")
    return tags if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags) else []


def message_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message, not filled in. Clients before placeholders want a role and a content of each: they get both.

    No provider takes the role, so a placeholder that nothing was put in for is noticed.
    """
    if "placeholder" not in message:
        return {"type": "chatmessage", **message}
    name = message["placeholder"]
    return {"type": "placeholder", "name": name, "role": "placeholder", "content": f"{{{{{name}}}}}"}


def _prompt(prompt: Mapping[str, Any]) -> tuple[str | list[dict[str, Any]], str, str]:
    """The text or messages in double braces, the format that they are in, and how filling them in differs.

    All texts of a prompt are of one format: where one cannot be said in double braces, none is.
    """
    style = prompt["format"]
    texts = (
        [prompt["template"]]
        if "messages" not in prompt
        else [m["template"] for m in prompt["messages"] if "template" in m]
    )
    braced = [double_braces.told(style, text) for text in texts]
    differs = next((one.differs for one in braced if one.differs), "")
    if differs or not braced:
        made = {text: text for text in texts}
    else:
        made = {text: one.text for text, one in zip(texts, braced, strict=True)}
        style = braced[0].style
    if "messages" not in prompt:
        return made[prompt["template"]], style, differs
    differs = differs or _of_examples(prompt)
    said = {
        **prompt,
        "messages": [{**m, "template": made[m["template"]]} if "template" in m else m for m in prompt["messages"]],
    }
    return [message_of(_plain(one)) for one in messages_of(said)], style, differs


def _of_examples(prompt: Mapping[str, Any]) -> str:
    """Examples are no templates, and there is no way to say so."""
    told = messages_of({"messages": [item for item in prompt["messages"] if "examples" in item]})
    return _EXAMPLES if any("{{" in str(one.get("content")) for one in told) else ""


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """An example's content may be parts, or missing beside a tool's call; the clients want a text."""
    content = message.get("content")
    if "placeholder" in message or isinstance(content, str):
        return message
    parts = content if isinstance(content, list) else []
    return {**message, "content": "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))}


def _rest(parts: Parts) -> dict[str, Any]:
    """The parts with keys of their own, without what is said elsewhere."""
    rest = {kind: dict(parts.rest[kind]) for kind in KINDS if kind in parts.rest}
    if parts.model is None and isinstance(rest.get("configs", {}).get(OWN), dict):
        del rest["configs"][OWN]
    tags = rest.get("metadata", {}).get("tags")
    if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
        del rest["metadata"]["tags"]
    return {kind: value for kind, value in rest.items() if value}


def _about(parts: Parts, style: str) -> dict[str, Any]:
    """The prompt without its texts and without what `config` says of it flat."""
    prompt = parts.prompt or {}
    left = {key: one for key, one in prompt.items() if key not in (*_TEXTS, "format", "output")}
    if left.pop("inputs_inferred", False):
        left.pop("inputs", None)
    return {"name": parts.name, "format": style, **left, **_examples_in(prompt)}


def _examples_in(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """Which of the messages are examples, and of how many, so that they are examples again when they come back."""
    sizes = [(len(messages_of({"messages": [item]})), "examples" in item) for item in prompt.get("messages", [])]
    if not any(example for _, example in sizes):
        return {}
    flags = [example for size, example in sizes for _ in range(size)]
    return {"examples": [at for at, flag in enumerate(flags) if flag], "messages": len(flags)}


def _openai(tool: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tool as a call takes it, and what of it no call takes."""
    shaped = tool_shapes.to_openai(tool)
    there = {*shaped["function"], *(key for key in shaped if key not in ("type", "function"))}
    return shaped, {key: one for key, one in tool.items() if key not in there and key != "description"}
