"""What of a release a protocol with one prompt, one model and a place for the rest can say, and what goes to the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.rendering import example_messages

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "default"
"""The entry that `prompt`, `model` and `retrieval` of a manifest are."""


_OF_TEXT: Final = frozenset({"format", "messages", "output", "partials", "template", "tools"})


class Parts(NamedTuple):
    """The parts of a release as one call sees them.

    name, prompt: the prompt that the call is of; None in a release without any. model: what it is sent to, None where
    nothing says. tools: those that it is given, by name. output: the schema of the answer, or None. rest: all of the
    content that is not in the parts before, by its kind, and whole.
    """

    name: str
    prompt: Mapping[str, Any] | None
    model: Mapping[str, Any] | None
    tools: Mapping[str, Any]
    output: Any
    rest: dict[str, Any]


def parts_of(document: Mapping[str, Any], wanted: str | None = None) -> Parts:
    """The parts of a release document, of a prompt of it.

    wanted: which; None for ``default``, else the only one, else the first by name.
    """
    content = document["content"]
    prompts: Mapping[str, Any] = content["prompts"]
    name = wanted or (DEFAULT if DEFAULT in prompts or not prompts else min(prompts))
    prompt = prompts.get(name)
    model_name = (prompt or {}).get("model", DEFAULT)
    models: Mapping[str, Any] = content["models"]
    given = (prompt or {}).get("tools")
    tools = content["tools"] if given is None else {key: content["tools"][key] for key in given}
    rest = {
        "prompts": {key: one for key, one in prompts.items() if key != name},
        "models": {key: one for key, one in models.items() if key != model_name},
        "tools": {key: one for key, one in content["tools"].items() if key not in tools},
        **{kind: content[kind] for kind in ("retrieval", "guardrails", "configs", "metadata")},
    }
    return Parts(
        name=name,
        prompt=prompt,
        model=models.get(model_name),
        tools=tools,
        output=(prompt or {}).get("output"),
        rest={kind: value for kind, value in rest.items() if value},
    )


def model_id(model: Mapping[str, Any] | None) -> str:
    """The exact text that the provider wants; '' where no model is pinned."""
    return str((model or {}).get("id") or (model or {}).get("name") or "")


def beside_of(prompt: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is said of a prompt beside its texts, its format, its tools and its answer, as its inputs and guardrails."""
    return {key: value for key, value in (prompt or {}).items() if key not in _OF_TEXT}


def params_of(model: Mapping[str, Any] | None) -> dict[str, Any]:
    """The parameters of a call."""
    return dict((model or {}).get("params") or {})


def texts_of(prompt: Mapping[str, Any]) -> list[str]:
    """Every template of a prompt, in order."""
    items = prompt.get("messages", [prompt])
    return [item["template"] for item in items if "template" in item]


def messages_of(prompt: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a prompt, not filled in: ``{role, content}``, perhaps with ``name``, or ``{placeholder}``.

    A prompt of one template is one message of the user; examples are the messages that they stand for.
    """
    if "messages" not in prompt:
        return [{"role": "user", "content": prompt["template"]}]
    found: list[dict[str, Any]] = []
    for item in prompt["messages"]:
        if "placeholder" in item:
            found.append({"placeholder": item["placeholder"]})
        elif "examples" in item:
            found += [message for example in item["examples"] for message in example_messages(example)]
        else:
            named = {"name": item["name"]} if "name" in item else {}
            found.append({"role": item["role"], **named, "content": item["template"]})
    return found


def release_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a release says of itself where there is a free place for it."""
    told = {key: document[key] for key in ("registry", "bundle", "version", "label", "digest", "commit", "ref")}
    return {**told, "alias": (document["alias"] or {}).get("name")}
