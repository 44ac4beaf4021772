"""Langfuse's prompts, read: what a version, or a call that makes one, comes to as the content of a release."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import authoring, carried, chat, double_braces, langfuse_config, rewriting
from pinset.domain.exchange.incoming import Taken
from pinset.domain.exchange.langfuse import FILLED, KINDS, OWN, tell
from pinset.domain.exchange.parts import DEFAULT, model_id, parts_of, texts_of
from pinset.domain.rendering import ROLES
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Lost
    from pinset.domain.exchange.langfuse_config import Said

COMPOSED: Final = re.compile(r"@@@langfusePrompt:[^@\n]{1,500}@@@")
"""A prompt that is put in another one, as Langfuse writes it."""
_EMPTY: Final = (*KINDS, "tools", "components")
_OF_MESSAGE: Final = frozenset({"type", "role", "content", "name"})
_BESIDE: Final = ("model", "tools", "guardrails", "partials")
"""What our own answer may say of a prompt beside its format and its inputs."""


def take(payload: Mapping[str, Any]) -> Taken:
    """A version of a prompt as an author's files. Raises InvalidInput for what is none."""
    content, said = content_of(payload)
    files, more = authoring.files_of(content)
    return Taken(files=files, lost=(*said.lost, *said.kept, *more))


def following(
    payload: Mapping[str, Any],
    base: Mapping[str, Any] | None,
    files: Mapping[str, str],
    prompt_name: str | None = None,
) -> tuple[Mapping[str, str], list[Lost]]:
    """The author's files of the release that a payload comes to, and what of it has no place in one.

    base, files: the release that it follows, None and {} for the first of a bundle. Raises InvalidInput.
    """
    content, said = content_of(payload, base, prompt_name)
    return rewriting.following(content, base, files)[0], said.lost


def content_of(
    payload: Mapping[str, Any], base: Mapping[str, Any] | None = None, prompt_name: str | None = None
) -> tuple[dict[str, Any], Said]:
    """The content of the release that a payload comes to, and what was read of it.

    base: the release document that it follows: what the payload says nothing of is as it was. prompt_name: which of its
    prompts is meant, see `parts.parts_of`. Raises InvalidInput for what is no prompt.
    """
    before = parts_of(base, prompt_name) if base is not None else None
    told = tell(base, "", prompt_name) if base is not None else None
    known = tuple(told["config"]["release"]["parts"]) if told is not None else ()
    said = langfuse_config.read(payload.get("config"), known)
    content: dict[str, Any] = {kind: {} for kind in _EMPTY}
    if base is not None:
        content |= deepcopy(dict(base["content"]))
    name = str(said.about.get("name") or (before.name if before is not None else DEFAULT))
    was = content["prompts"].get(name, {})
    _parts(content, said, name, str(was.get("model", said.about.get("model", DEFAULT))))
    prompt = _prompt(payload, said, was)
    if (
        told is not None
        and was
        and _alike(payload.get("prompt"), told["prompt"])
        and prompt.get("output") == was.get("output")
    ):
        prompt = dict(was)  # as it is written, shared or not, in whatever format
    model = str(prompt.get("model", DEFAULT))
    _model(content, said, model)
    _tools(content, said, prompt)
    if prompt.get("template") != "" or was:  # a release without a prompt is told with an empty one
        content["prompts"][name] = prompt
    tags = payload.get("tags")
    if isinstance(tags, list):
        _tags(content, said, tags)
    return content, said


def _parts(content: dict[str, Any], said: Said, name: str, model: str) -> None:
    """Parts that stand under keys of their own; the prompt that is meant, and its model, are said elsewhere."""
    for kind in KINDS:
        own = {"prompts": name, "models": model}.get(kind)
        if kind == "metadata":
            if kind in said.parts or said.whole:
                tags = {key: one for key, one in content[kind].items() if key == "tags" and isinstance(one, list)}
                content[kind] = {**said.parts.get(kind, {}), **tags}
        elif kind in said.parts or said.whole:
            kept = {key: one for key, one in content[kind].items() if key == own}
            content[kind] = {**said.parts.get(kind, {}), **kept}


def _model(content: dict[str, Any], said: Said, name: str) -> None:
    """The model, or where none is named and none was there, the rest of the config as a config."""
    before = content["models"].get(name)
    if said.model is None and before is None:
        if said.params:
            content["configs"][OWN] = said.params
        return
    if said.model is None and (not said.params and not said.whole):
        return
    if said.model is None:
        said.model = {key: one for key, one in (before or {}).items() if key != "params"}
    elif before is not None and model_id(before) == model_id(said.model):
        pin = said.model.get("pinned_version")
        said.model = {
            **{key: one for key, one in before.items() if key != "params"},
            **({"pinned_version": pin} if pin else {}),
        }
    content["models"][name] = {**said.model, "params": said.params}


def _tools(content: dict[str, Any], said: Said, prompt: dict[str, Any]) -> None:
    """The tools of the prompt, which are those of the release where nothing else is said."""
    if said.tools is None:
        return
    given = prompt.get("tools")
    used = content["tools"] if given is None else {key: content["tools"].get(key) for key in given}
    others = said.others if said.whole else {key: one for key, one in content["tools"].items() if key not in used}
    called = {tool["name"]: key for key, tool in content["tools"].items()}  # a shared one goes by its component's name
    tools = {called.get(name, name): tool for name, tool in said.tools.items()}
    content["tools"] = {**others, **tools}
    if others or given is not None:
        prompt["tools"] = list(tools)


def _tags(content: dict[str, Any], said: Said, tags: list[Any]) -> None:
    texts = [tag for tag in tags if isinstance(tag, str)]
    if len(texts) != len(tags):
        said.lose("tags", "those that are no texts are left out")
    there = content["metadata"].get("tags")
    if texts or (isinstance(there, list) and all(isinstance(tag, str) for tag in there)):
        content["metadata"] = {key: one for key, one in content["metadata"].items() if key != "tags"}
    if texts:
        content["metadata"]["tags"] = texts


def _prompt(payload: Mapping[str, Any], said: Said, was: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt. was: as it was, ``{}`` where there was none."""
    given = payload.get("prompt")
    about: dict[str, Any] = {key: said.about[key] for key in _BESIDE if key in said.about} if not was else {}
    prompt: dict[str, Any] = {**about, **{key: was[key] for key in _BESIDE if key in was}}
    if isinstance(given, str):
        prompt["template"] = given
        texts = [given]
    elif isinstance(given, list) and given:
        prompt["messages"] = _with_examples(said, _messages(said, given))
        texts = [one["template"] for one in prompt["messages"] if "template" in one]
    else:
        raise InvalidInput("the prompt is no text and no list of messages", hint="send a text, or [{role, content}, …]")
    for match in {found[0] for text in texts for found in COMPOSED.finditer(text)}:
        said.lose("prompt", f"{match} stays as text: another prompt is not put in here")
    before = said.about.get("format") or (was.get("format") if _told_as_is(was) else None)
    prompt["format"] = double_braces.style_of(texts, before if isinstance(before, str) else None)
    if prompt["format"] == "text" and any("{{" in text for text in texts) and before != "text":
        said.keep("prompt", "what its double braces hold is no name of a variable here: it is kept as text")
    if prompt["format"] != "jinja2":
        prompt.pop("partials", None)
    if not was and "component" in said.about:
        said.keep("prompt", "it was a shared prompt there: it is a part of this release alone")
    output = said.output if said.output is not None or said.whole else was.get("output")
    if output is not None:
        prompt["output"] = output
    inputs = was.get("inputs") if not was.get("inputs_inferred") else None
    inputs = inputs if inputs is not None else said.about.get("inputs")
    if isinstance(inputs, dict):
        prompt["inputs"] = carried.declared(inputs, prompt["format"], texts, prompt.get("partials", {}))
    return prompt


def _alike(given: Any, told: Any) -> bool:
    """Whether what was sent is what we told, but for what clients add to a message or leave out."""
    if isinstance(told, str) or not isinstance(given, list):
        return bool(given == told)
    return [_gist(one) for one in given] == [_gist(one) for one in told]


def _gist(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    if message.get("type") == "placeholder":
        return message.get("name")
    return (message.get("role"), message.get("name"), message.get("content"))


def _told_as_is(was: Mapping[str, Any]) -> bool:
    """Whether a prompt was told in its own format, so that what comes back is in it."""
    if was.get("format") not in ("jinja2", "f-string"):
        return False
    style: str = was["format"]
    return double_braces.told(style, texts_of(was), FILLED).style == style


def _with_examples(said: Said, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages of which those are examples that were when we told them; where some came or went, they are messages."""
    at, of = said.about.get("examples"), said.about.get("messages")
    if not isinstance(at, list) or of != len(messages):
        return messages
    found: list[dict[str, Any]] = []
    for number, one in enumerate(messages):
        if number not in at or "template" not in one:
            found.append(one)
            continue
        if not found or "examples" not in found[-1]:
            found.append({"examples": []})
        found[-1]["examples"].append({("content" if key == "template" else key): one[key] for key in one})
    return found


def _messages(said: Said, given: list[Any]) -> list[dict[str, Any]]:
    """A chat as messages of a prompt. Raises InvalidInput for what is none."""
    found: list[dict[str, Any]] = []
    for at, one in enumerate(given):
        if not isinstance(one, dict):
            raise InvalidInput(f"prompt[{at}] is no message", hint="send {role, content}, or {type: placeholder, name}")
        if one.get("type") == "placeholder":
            if not isinstance(one.get("name"), str):
                raise InvalidInput(
                    f"prompt[{at}] is a placeholder without a name", hint="send {type: placeholder, name}"
                )
            found.append({"placeholder": one["name"]})
            continue
        role = one.get("role")
        if role == "placeholder" and isinstance(one.get("content"), str):  # how a client before placeholders has it
            found.append({"placeholder": one["content"].strip("{} ")})
            continue
        if not isinstance(role, str) or not isinstance(one.get("content"), str):
            hint = f"the roles are {', '.join(ROLES)}, and content is a text"
            raise InvalidInput(f"prompt[{at}] is no message that a prompt can have", hint=hint)
        if chat.role_of(role) is None:
            said.lose(f"prompt[{at}].role", f"the roles are {', '.join(ROLES)}: it becomes user")
        named = {"name": one["name"]} if isinstance(one.get("name"), str) else {}
        found.append({"role": chat.role_of(role) or "user", **named, "template": one["content"]})
        for key in sorted(set(one) - _OF_MESSAGE):
            said.lose(f"prompt[{at}].{key}", "a message of a prompt is a text: this is left out")
    return found
