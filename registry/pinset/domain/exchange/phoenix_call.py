"""What a call of a model takes beside messages, in Phoenix's words, and read from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.text import tool_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDERS: Final = (
    "OPENAI", "AZURE_OPENAI", "ANTHROPIC", "GOOGLE", "DEEPSEEK", "XAI", "OLLAMA", "AWS", "CEREBRAS", "FIREWORKS", "GROQ",
    "MOONSHOT", "MINIMAX", "PERPLEXITY", "TOGETHER", "ZAI", "META",
)  # fmt: skip
"""Those that the clients know: they break with any other."""
_ALIASES: Final = {
    "AZURE": "AZURE_OPENAI",
    "BEDROCK": "AWS",
    "AWS_BEDROCK": "AWS",
    "GEMINI": "GOOGLE",
    "VERTEX_AI": "GOOGLE",
    "VERTEXAI": "GOOGLE",
    "TOGETHER_AI": "TOGETHER",
    "FIREWORKS_AI": "FIREWORKS",
}
_OF_OPENAI: Final = frozenset(
    {
        "temperature",
        "max_tokens",
        "max_completion_tokens",
        "frequency_penalty",
        "presence_penalty",
        "top_p",
        "seed",
        "stop",
        "reasoning_effort",
        "extra_body",
    }
)
_KNOWN: Final = {
    "anthropic": frozenset(
        {"max_tokens", "temperature", "top_p", "stop_sequences", "output_config", "thinking", "extra_body"}
    ),
    "google": frozenset(
        {
            "temperature",
            "max_output_tokens",
            "stop_sequences",
            "presence_penalty",
            "frequency_penalty",
            "top_p",
            "top_k",
            "thinking_config",
        }
    ),
    "aws": frozenset({"max_tokens", "temperature", "top_p", "stop_sequences"}),
}
"""Parameters by kind, where that is not OpenAI's."""
_RENAMED: Final = {
    "anthropic": {"stop": "stop_sequences"},
    "aws": {"stop": "stop_sequences"},
    "google": {"stop": "stop_sequences", "max_tokens": "max_output_tokens"},
}
_WITHOUT_MORE: Final = ("google", "aws")
"""Kinds that have no ``extra_body``."""
_CHOICES: Final = {"none": "none", "auto": "zero_or_more", "required": "one_or_more", "any": "one_or_more"}
_CHOICES_BACK: Final = {"none": "none", "zero_or_more": "auto", "one_or_more": "required"}


class Call(NamedTuple):
    """What a call takes, as fields of a version."""

    provider: str
    invocation: dict[str, Any]
    tools: dict[str, Any] | None
    response_format: dict[str, Any] | None


def provider_of(name: str) -> str:
    """A provider as the clients know it. One that they do not know is told as OpenAI, whose interface most speak."""
    known = name.upper().replace("-", "_").replace(".", "").replace(" ", "_")
    known = _ALIASES.get(known, known)
    return known if known in PROVIDERS else PROVIDERS[0]


def kind_of(provider: str) -> str:
    """Which parameters a provider takes."""
    return "openai" if provider == "MINIMAX" else provider.lower()


def told(provider: str, params: Mapping[str, Any], tools: Mapping[str, Any]) -> Call:
    """A call. params: of a model, with the form of the answer among them. provider: one of `PROVIDERS`.

    What has no field is in ``extra_body``, which clients send along, where the kind has one.
    """
    kind = kind_of(provider)
    left = dict(params)
    response = left.get("response_format")
    named = response.get("json_schema") if isinstance(response, dict) else None
    form = None
    if isinstance(response, dict) and response.get("type") == "json_schema" and isinstance(named, dict):
        form = {"type": "json_schema", "json_schema": left.pop("response_format")["json_schema"]}
    given = _tools(kind, left, tools) if tools else None
    return Call(provider, {"type": kind, kind: _content(kind, left)}, given, form)


def _content(kind: str, params: Mapping[str, Any]) -> dict[str, Any]:
    renamed, known = _RENAMED.get(kind, {}), _KNOWN.get(kind, _OF_OPENAI)
    content: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for key, value in params.items():
        name = renamed.get(key, key)
        if name in ("stop", "stop_sequences") and isinstance(value, str):
            value = [value]  # noqa: PLW2901 - clients take a text for a list of letters
        (content if name in known and value is not None else more)[name] = value
    if more and kind not in _WITHOUT_MORE:
        content["extra_body"] = {**more, **content.get("extra_body", {})}
    return content


def _tools(kind: str, params: dict[str, Any], tools: Mapping[str, Any]) -> dict[str, Any]:
    """Tools with what is said of how they are chosen, which is taken out of the parameters."""
    found: dict[str, Any] = {"type": "tools", "tools": [_tool(kind, tool) for tool in tools.values()]}
    choice = params.get("tool_choice")
    if (said := _choice(choice)) is not None:
        found["tool_choice"] = said
        del params["tool_choice"]
        if isinstance(choice, dict) and isinstance(choice.get("disable_parallel_tool_use"), bool):
            found["disable_parallel_tool_calls"] = choice["disable_parallel_tool_use"]
    if isinstance(params.get("parallel_tool_calls"), bool):
        found["disable_parallel_tool_calls"] = not params["parallel_tool_calls"]
        if kind in _KNOWN:
            del params["parallel_tool_calls"]  # else it is in extra_body too: clients do not hand on the field
    return found


def _tool(kind: str, tool: Mapping[str, Any]) -> dict[str, Any]:
    if "type" in tool:  # one that the provider runs itself
        shape = tool_shapes.to_anthropic if kind == "anthropic" else tool_shapes.to_openai
        return {"type": "raw", "raw": shape(tool)}
    keys = ("name", "description", "parameters", "strict")
    return {"type": "function", "function": {key: tool[key] for key in keys if key in tool}}


def _choice(choice: Any) -> dict[str, Any] | None:
    """Which tool is to be called, as OpenAI or Anthropic say it."""
    said = choice.get("type") if isinstance(choice, dict) else choice
    if isinstance(choice, dict) and said in ("function", "tool"):
        name = choice["function"].get("name") if isinstance(choice.get("function"), dict) else choice.get("name")
        return {"type": "specific_function", "function_name": name} if isinstance(name, str) else None
    return {"type": _CHOICES[said]} if isinstance(said, str) and said in _CHOICES else None


class Taken(NamedTuple):
    """What a version says of a call. tools: as they are written there. lost: what of it has no place, by field."""

    params: dict[str, Any]
    tools: list[Any]
    lost: dict[str, str]


def taken(version: Mapping[str, Any]) -> Taken:
    """The inverse of `told`."""
    invocation = version.get("invocation_parameters")
    kind = invocation.get("type") if isinstance(invocation, dict) else None
    content = invocation.get(str(kind)) if isinstance(invocation, dict) else None
    lost: dict[str, str] = {}
    params = dict(content) if isinstance(content, dict) else {}
    if isinstance(more := params.pop("extra_body", None), dict):
        params = {**more, **params}
    back = {theirs: ours for ours, theirs in _RENAMED.get(str(kind), {}).items()}
    params = {back.get(key, key): value for key, value in params.items() if value is not None}
    if version.get("response_format") is not None:
        params["response_format"] = version["response_format"]
    held = version.get("tools")
    said = held if isinstance(held, dict) else {}
    tools = said["tools"] if isinstance(said.get("tools"), list) else []
    listed = [tool.get("raw") if isinstance(tool, dict) and tool.get("type") == "raw" else tool for tool in tools]
    choice = said.get("tool_choice")
    if isinstance(choice, dict):
        if choice.get("type") == "specific_function":
            params["tool_choice"] = {"type": "function", "function": {"name": choice.get("function_name")}}
        elif choice.get("type") in _CHOICES_BACK:
            params["tool_choice"] = _CHOICES_BACK[choice["type"]]
        else:
            lost["tools.tool_choice"] = "this choice of a tool is not known here"
    if isinstance(said.get("disable_parallel_tool_calls"), bool):
        params["parallel_tool_calls"] = not said["disable_parallel_tool_calls"]
    return Taken(params, listed, lost)
