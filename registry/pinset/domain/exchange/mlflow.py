"""MLflow: a version of a prompt as its clients read it, which is a model version whose tags say everything.

What MLflow has a tag for is in that; what it has none for is in tags that begin with ``pinset.``, each one JSON.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import mlflow_templates as templates
from pinset.domain.exchange.parts import model_id, params_of, parts_of, release_of
from pinset.domain.rendering import example_messages
from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.parts import Parts

IS_PROMPT: Final = "mlflow.prompt.is_prompt"
TEXT: Final = "mlflow.prompt.text"
TYPE: Final = "_mlflow_prompt_type"
MODEL_CONFIG: Final = "_mlflow_prompt_model_config"
RESPONSE_FORMAT: Final = "_mlflow_prompt_response_format"
OWN: Final = "pinset."
"""What the tags begin with that MLflow knows nothing of."""
RENAMED: Final = {"stop": "stop_sequences"}
"""Parameters that MLflow calls otherwise."""
_RESERVED: Final = ("mlflow.", "_mlflow_", OWN)


def is_reserved(key: str) -> bool:
    """Whether a tag is MLflow's own or ours, and none that a user chose."""
    return key.startswith(_RESERVED)


def tell(
    document: Mapping[str, Any], name: str, aliases: Sequence[str], prompt_name: str | None = None
) -> dict[str, Any]:
    """A release as a model version. name: as the client spells it. prompt_name: see `parts.parts_of`."""
    at = milliseconds(document["published_at"])
    return {
        "name": name,
        "version": str(document["version"]),
        "creation_timestamp": at,
        "last_updated_timestamp": at,
        "user_id": document["published_by"],
        "current_stage": "None",
        **({"description": document["message"]} if document["message"] else {}),
        "source": "prompt-template",
        "run_id": "",
        "status": "READY",
        "tags": pairs(tags_of(document, prompt_name)),
        "aliases": list(aliases),
    }


def tell_model(newest: Mapping[str, Any], name: str, aliases: Mapping[str, int]) -> dict[str, Any]:
    """A bundle as a registered model. newest: its newest release. aliases: what each serves."""
    at = milliseconds(newest["published_at"])
    return registered(name, aliases, at, plain_tags(newest["content"]["metadata"]))


def arguments(document: Mapping[str, Any]) -> dict[str, Any]:
    """What MLflow's `register_prompt` is called with to have the same prompt there, as far as it can hold a release."""
    tags = tags_of(document)
    template: Any = tags.pop(TEXT)
    if tags.pop(TYPE) == "chat":
        template = json.loads(template)
    said = {"model_config": tags.pop(MODEL_CONFIG, None), "response_format": tags.pop(RESPONSE_FORMAT, None)}
    del tags[IS_PROMPT]
    return {
        "name": document["bundle"],
        "template": template,
        "commit_message": document["message"] or None,
        "tags": tags,
        **{key: json.loads(value) for key, value in said.items() if value is not None},
    }


def registered(name: str, aliases: Mapping[str, int], at: int, tags: Mapping[str, str]) -> dict[str, Any]:
    """A registered model. at: milliseconds since 1970."""
    return {
        "name": name,
        "creation_timestamp": at,
        "last_updated_timestamp": at,
        "description": "",
        "tags": pairs({IS_PROMPT: "true", **tags}),
        "aliases": [{"alias": alias, "version": str(number)} for alias, number in sorted(aliases.items())],
    }


def tags_of(document: Mapping[str, Any], prompt_name: str | None = None) -> dict[str, str]:
    """All that a release says, as tags."""
    parts = parts_of(document, prompt_name)
    prompt = parts.prompt or {"format": "text", "template": ""}
    style = prompt["format"]
    about: dict[str, Any] = {"name": parts.name, "format": style}
    tags = {IS_PROMPT: "true"}
    styled = templates.told(style, _texts(prompt))
    if "messages" in prompt:
        messages, placeholders = _messages(prompt, styled.texts)
        tags |= {TYPE: "chat", TEXT: json_of(messages)}
        about |= {"placeholders": placeholders} if placeholders else {}
    else:
        tags |= {TYPE: "text", TEXT: styled.texts[0]}
    about |= {"differs": styled.differs} if styled.differs else {}
    config = model_config(parts)
    if config:
        tags[MODEL_CONFIG] = json_of(config)
    if parts.output is not None:
        tags[RESPONSE_FORMAT] = json_of(parts.output)
    rest = {**parts.rest, "metadata": _other_metadata(parts.rest.get("metadata", {}))}
    own = {"model": parts.model, **rest, "tools": _other_tools(parts), "release": release_of(document)}
    for key in ("partials", "guardrails", "model", "tools"):
        if key in prompt:
            about[key] = prompt[key]
    if "inputs" in prompt and not prompt.get("inputs_inferred"):
        about["inputs"] = prompt["inputs"]
    tags |= {f"{OWN}{kind}": json_of(value) for kind, value in {"prompt": about, **own}.items() if value}
    return {**plain_tags(parts.rest.get("metadata", {})), **tags}


def model_config(parts: Parts) -> dict[str, Any]:
    """What MLflow calls the configuration of the model: names of its own, all other parameters, and the tools."""
    config: dict[str, Any] = {}
    if parts.model is not None:
        config = {"provider": parts.model.get("provider"), "model_name": model_id(parts.model) or None}
        config = {key: value for key, value in config.items() if value is not None}
        config |= {RENAMED.get(key, key): value for key, value in params_of(parts.model).items()}
        if isinstance(config.get("stop_sequences"), str):
            config["stop_sequences"] = [config["stop_sequences"]]
    if parts.tools:
        config["tools"] = [tool_shapes.to_openai(tool) for tool in parts.tools.values()]
    return config


def plain_tags(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The metadata that are tags as users write them: texts, under names that are nobody's own."""
    return {key: value for key, value in metadata.items() if isinstance(value, str) and not is_reserved(key)}


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as they are sent."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def milliseconds(time: str) -> int:
    """A time of an answer in milliseconds since 1970."""
    return int(datetime.fromisoformat(time).timestamp() * 1000)


def _texts(prompt: Mapping[str, Any]) -> list[str]:
    """Every template of a prompt, in order."""
    if "messages" not in prompt:
        return [prompt["template"]]
    return [item["template"] for item in prompt["messages"] if "template" in item]


def _messages(prompt: Mapping[str, Any], texts: Sequence[str]) -> tuple[list[dict[str, Any]], list[int]]:
    """A chat as messages alone, and which of them are placeholders: each of those is a user's, with the variable in it.

    texts: of its templates. Examples are the messages that they stand for; the clients fill those too.
    """
    found: list[dict[str, Any]] = []
    placeholders: list[int] = []
    left = iter(texts)
    for item in prompt["messages"]:
        if "placeholder" in item:
            placeholders.append(len(found))
            found.append({"role": "user", "content": f"{{{{{item['placeholder']}}}}}"})
        elif "examples" in item:
            found += [message for example in item["examples"] for message in example_messages(example)]
        else:
            named = {key: item[key] for key in ("role", "name") if key in item}
            found.append({**named, "content": next(left)})
    return found, placeholders


def _other_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    plain = plain_tags(metadata)
    return {key: value for key, value in metadata.items() if key not in plain}


def _other_tools(parts: Parts) -> dict[str, Any]:
    """Tools that the prompt is not given, and those of which their shape in the configuration leaves something out."""
    lossy = {
        name: tool for name, tool in parts.tools.items() if tool_shapes.normalise(tool_shapes.to_openai(tool)) != tool
    }
    return {**parts.rest.get("tools", {}), **lossy}


def json_of(value: Any) -> str:
    """A value as a tag holds it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
