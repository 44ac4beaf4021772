"""Bodies of requests to OpenAI's chat completions and responses, their messages being templates that nobody filled in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import chat
from pinset.domain.exchange.drafting import DEFAULT, Drafted, Prompt, model
from pinset.domain.exchange.incoming import Lost
from pinset.domain.exchange.telling import One, Told, each
from pinset.domain.text import strict_json, tool_shapes
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Taken

ENDING: Final = ".json"
_KNOWN: Final = ("model", "messages", "input", "instructions", "tools", "text")


def is_request(value: Any) -> bool:
    """Whether a value looks like the body of a request."""
    return isinstance(value, dict) and (isinstance(value.get("messages"), list) or {"model", "input"} <= set(value))


def take(text: str, *, what: str = "the file") -> Taken:
    """One prompt with its model and tools. what: what errors call the text. Raises InvalidInput."""
    try:
        body = strict_json.loads(text)
    except strict_json.StrictJsonError as error:
        raise InvalidInput(f"{what}: {error.message}", hint=error.hint) from error
    if not is_request(body):
        raise InvalidInput(f"{what} is no request", hint="write {model: …, messages: [{role: user, content: …}]}")
    drafted = Drafted()
    params = {key: value for key, value in body.items() if key not in _KNOWN}
    prompt = chat.prompt_of(_messages(drafted, body))
    prompt.output = chat.output_of(params)
    if isinstance(body.get("text"), dict):
        _answer(prompt, params, body["text"])
    model(drafted, body.get("model") if isinstance(body.get("model"), str) else None, params=params)
    for at, tool in enumerate(body["tools"] if isinstance(body.get("tools"), list) else []):
        try:
            drafted.tools.append(tool_shapes.normalise(tool))
        except tool_shapes.ToolShapeError as error:
            drafted.lose(f"tools[{at}]", error.message)
    drafted.prompts[DEFAULT] = prompt
    return drafted.taken()


def tell(document: Mapping[str, Any]) -> Told:
    """The body of a request for each prompt, as JSON. Raises InvalidInput where none can be said."""
    made = each(document, "a request", ENDING, lambda one: json.dumps(_told(one), ensure_ascii=False, indent=2) + "\n")
    if not document["content"].get("metadata"):
        return made
    left = Lost(what="metadata", why="the release's metadata has no place in a request")
    return Told(files=made.files, lost=(*made.lost, left))


def _messages(drafted: Drafted, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of either interface."""
    if isinstance(body.get("messages"), list):
        return chat.messages(drafted, body["messages"], "messages")
    said = body["input"]
    listed = [{"role": "user", "content": said}] if isinstance(said, str) else said
    before = [{"role": "developer", "content": body["instructions"]}] if body.get("instructions") else []
    if not isinstance(listed, list):
        raise InvalidInput("input is no text and no list", hint="write input: [{role: user, content: …}]")
    if before:
        drafted.lose("instructions", "they become the first message, of the developer")
    return chat.messages(drafted, before + listed, "input")


def _answer(prompt: Prompt, params: dict[str, Any], said: Mapping[str, Any]) -> None:
    """The form of an answer as the responses interface says it."""
    form = said.get("format")
    if isinstance(form, dict) and form.get("type") == "json_schema" and "schema" in form:
        prompt.output = form["schema"]
        said = {**said, "format": {key: value for key, value in form.items() if key != "schema"}}
        said = {key: value for key, value in said.items() if value != {"type": "json_schema", "name": chat.ANSWER}}
    if said:
        params["text"] = dict(said)


def _told(one: One) -> dict[str, Any]:
    """The body. Raises CannotTellError."""
    part = one.model or {}
    body: dict[str, Any] = {"model": part["id"]} if part else {}
    for key, missing in (("provider", "openai"), ("pinned_version", None)):
        if part.get(key) not in (None, missing) and str(part[key]) not in part["id"]:
            one.lose(f"model.{key}", f"{part[key]} has no place in a request")
    if part.get("name") not in (None, part.get("id")):
        one.lose("model.name", "a request has the model's id alone")
    body["messages"] = _told_messages(one)
    style = one.said["format"]
    if style not in ("mustache", "text"):
        one.lose("format", f"that the messages are templates in {style} has no place in a request")
    if not one.said.get("inputs_inferred") and one.said.get("inputs") is not None:
        one.lose("inputs", "the schema of the variables has no place in a request")
    if one.tools:
        body["tools"] = [tool_shapes.to_openai(tool) for tool in one.tools]
    params = dict(part.get("params") or {})
    if one.said.get("output") is not None:
        params = chat.with_output(params, one.said["output"])
    return {**params, **body}


def _told_messages(one: One) -> list[dict[str, Any]]:
    if "template" in one.said:
        one.lose("template", "the prompt has no role: it is told as the message of a user")
        return [{"role": "user", "content": one.said["template"]}]
    found: list[dict[str, Any]] = []
    for item in one.messages():
        if "placeholder" in item:
            one.lose(
                f"messages.{item['placeholder']}", "the application puts its messages in here; nothing marks the place"
            )
            continue
        named = {"name": item["name"]} if "name" in item else {}
        found.append({"role": item["role"], **named, "content": item["text"]})
    return found
