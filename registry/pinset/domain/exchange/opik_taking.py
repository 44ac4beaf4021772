"""Opik's prompt versions, read into the files of a release."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange import beside, chat, pieces
from pinset.domain.exchange.heard import Hearing, tools_of
from pinset.domain.exchange.opik import MUSTACHE
from pinset.domain.exchange.parts import model_id, params_of
from pinset.domain.text import strict_json
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.exchange.incoming import Taken
    from pinset.domain.exchange.pieces import Pieces

_PARAMETERS: Final = frozenset(
    {
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "thinking",
        "tool_choice",
        "top_k",
        "top_logprobs",
        "top_p",
    }
)
"""What of metadata is a parameter of the model that it names; all else is metadata here too."""


def take(version: Mapping[str, Any], tags: Any = None) -> Taken:
    """A version as an author's files. tags: the prompt's own. Raises InvalidInput for what is none.

    It may be the server's, whose chat is a text of JSON, or from an export, whose is a list.
    """
    given = version.get("metadata")
    metadata: dict[str, Any] = deepcopy(given) if isinstance(given, dict) else {}
    again = beside.again(metadata)
    kind = str(version.get("type") or "mustache").lower()
    hearing = Hearing(lambda text: _pieces(kind, text), again, kind)
    if given is not None and not isinstance(given, dict):
        hearing.lose("metadata", "it is no object")
    said = version.get("template", version.get("prompt"))
    if version.get("template_structure") == "chat" or isinstance(said, list):
        told = hearing.chat([_kept(kind, one) for one in _messages(said)], "template")
    elif isinstance(said, str):
        told = hearing.text(_ended(kind, said))
    else:
        raise InvalidInput("the version has no template", hint="see whether it is what /v1/private/prompts answers")
    tools = metadata.pop("tools", None) if isinstance(metadata.get("tools"), list) else []
    flat = {key: metadata.pop(key) for key in list(metadata) if again is not None and key not in beside.KEYS}
    if again is None and isinstance(metadata.get("model"), str):
        flat = {key: metadata.pop(key) for key in list(metadata) if key in (*_PARAMETERS, "model", "provider")}
    if "response_format" in metadata:
        flat["response_format"] = metadata.pop("response_format")
    output = chat.output_of(flat)
    if output is not None:
        told["output"] = output
    normal = tools_of(hearing, tools or [], "metadata.tools")
    if again is not None and "tools" in again.about:
        told["tools"] = list(normal)
    model = _model(hearing, flat)
    kept = metadata if again is None else {}
    if model is None and flat:
        kept = {**kept, **flat}
    return hearing.taken(told, model, normal, metadata={**kept, **_tags(hearing, version, tags)})


def _model(hearing: Hearing, flat: dict[str, Any]) -> dict[str, Any] | None:
    name = flat.get("model")
    before = hearing.again.model if hearing.again is not None else None
    if not isinstance(name, str) or not name:
        return before
    if before is not None and model_id(before) == name:
        hidden = {key: one for key, one in params_of(before).items() if key in (*beside.KEYS, "model", "tools")}
        return {**before, "params": {**{key: one for key, one in flat.items() if key != "model"}, **hidden}}
    provider = flat.get("provider")
    params = {key: one for key, one in flat.items() if key not in ("model", "provider")}
    return {"provider": provider if isinstance(provider, str) else None, "name": name, "params": params}


def _tags(hearing: Hearing, version: Mapping[str, Any], tags: Any) -> dict[str, Any]:
    """Tags of the version and of its prompt, each once; the label that a registry of this kind told among them is none."""
    own = version.get("tags")
    listed = list(own) if isinstance(own, list) else []
    if hearing.again is None and isinstance(tags, list):
        listed += tags
    metadata = version.get("metadata")
    release = metadata.get("release") if hearing.again is not None and isinstance(metadata, dict) else None
    label = release.get("label") if isinstance(release, dict) else None
    found = [tag for tag in dict.fromkeys(one for one in listed if isinstance(one, str)) if tag != label]
    return {"tags": found} if found else {}


def _messages(said: Any) -> list[Any]:
    """Raises InvalidInput for what is no chat."""
    if isinstance(said, str):
        try:
            said = strict_json.loads(said)
        except strict_json.StrictJsonError as error:
            raise InvalidInput(f"the chat is no JSON: {error.message}", hint=error.hint) from None
    if not isinstance(said, list) or not said:
        raise InvalidInput("the chat is no list of messages", hint='a chat is [{"role": "user", "content": "…"}]')
    return said


def _kept(kind: str, message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    return {**message, "content": _ended(kind, content)} if isinstance(content, str) else message


def _ended(kind: str, text: str) -> str:
    """A template as it is filled in there: Jinja drops one line feed at the end."""
    return text.removesuffix("\n") if kind == "jinja2" else text


def _pieces(kind: str, text: str) -> Pieces | None:
    return pieces.of("jinja2", text) if kind == "jinja2" else pieces.read(MUSTACHE, text)
