"""What a tool has no field for, told in metadata of its own, which its clients pass on unread; and read from there again."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.exchange.carried import is_part
from pinset.domain.exchange.parts import beside_of, release_of
from pinset.domain.exchange.spoken import EMPTY, placeholders_in
from pinset.domain.text import tool_shapes
from pinset.domain.text.templates import FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.parts import Parts
    from pinset.domain.exchange.spoken import Said

KINDS: Final = ("retrieval", "guardrails", "configs", "metadata")
"""Kinds of parts that are told under their own names."""
_OTHERS: Final = ("prompts", "models", "tools")
"""Kinds of which one prompt has some, told as what is called so; the others are told under ``other_KIND``."""
KEYS: Final = frozenset(
    {*KINDS, *(f"other_{kind}" for kind in _OTHERS), "placeholders", "model_pin", "prompt", "release"}
)
"""All that `told` says."""


def told(document: Mapping[str, Any], parts: Parts, said: Sequence[Said]) -> dict[str, Any]:
    """What there is of a release beside the messages, the parameters, the tools and the answer of one prompt."""
    prompt = parts.prompt or EMPTY
    about: dict[str, Any] = {"name": parts.name, **beside_of(prompt)}
    about |= {key: prompt[key] for key in ("tools", "partials") if prompt.get(key) is not None}
    if "messages" in prompt:
        about["messages"] = len(said)
    for kind in ("placeholder", "example"):
        if places := [at for at, one in enumerate(said) if one.kind == kind]:
            about[f"{kind}s"] = places
    if names := {str(at): one.message["name"] for at, one in enumerate(said) if "name" in one.message}:
        about["names"] = names
    tools = {**parts.rest.get("tools", {}), **_more_than_told(parts.tools)}
    found = {
        **{f"other_{kind}": parts.rest.get(kind) for kind in _OTHERS},
        **{kind: parts.rest.get(kind) for kind in KINDS},
        "other_tools": tools,
        "placeholders": placeholders_in(said),
        "model_pin": parts.model,
        "prompt": about,
        "release": {**release_of(document), "format": prompt["format"]},
    }
    return {key: value for key, value in found.items() if value}


class Again(NamedTuple):
    """What `told` said. content: a release's, without the prompt and its model; about: the prompt, without its texts.

    style: the format that the prompt was in. model: its model, or None.
    """

    content: dict[str, Any]
    about: dict[str, Any]
    style: str | None
    model: dict[str, Any] | None


def again(metadata: Mapping[str, Any]) -> Again | None:
    """The inverse; None for what is not told by a registry of this kind, or is changed past reading."""
    release, about = metadata.get("release"), metadata.get("prompt")
    if not isinstance(release, dict) or not isinstance(about, dict) or not isinstance(about.get("name"), str):
        return None
    if not {"digest", "ref", "format"} <= set(release) or release["format"] not in FORMATS:
        return None
    content: dict[str, Any] = {kind: metadata.get(f"other_{kind}") or {} for kind in _OTHERS}
    content |= {kind: metadata.get(kind) or {} for kind in KINDS}
    if not all(isinstance(value, dict) for value in content.values()):
        return None
    pin = metadata.get("model_pin")
    model = dict(pin) if isinstance(pin, dict) and is_part("models", pin) else None
    return Again(deepcopy(content), dict(about), release["format"], model)


def _more_than_told(tools: Mapping[str, Any]) -> dict[str, Any]:
    """Tools of which the shape that a call takes leaves something out."""
    return {
        name: tool for name, tool in tools.items() if tool_shapes.normalise(tool_shapes.to_openai(tool)) != dict(tool)
    }
