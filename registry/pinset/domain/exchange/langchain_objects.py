"""What comes as LangChain's serialised form, read as data: only prompts, their messages, and the model behind one.

Nothing is looked up by the names in it, and nothing is made or called.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.exchange import chat, langchain, langchain_templates
from pinset.domain.exchange.langchain_templates import Template
from pinset.domain.names import is_identifier, show
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOTS: Final = ("langchain", "langchain_core")
_HINT: Final = "push a prompt of messages, templates and placeholders: ChatPromptTemplate.from_messages([…])"
_CHATS: Final = ("ChatPromptTemplate", "StructuredPrompt")
_ROLES: Final = {
    "SystemMessagePromptTemplate": "system",
    "HumanMessagePromptTemplate": "user",
    "AIMessagePromptTemplate": "assistant",
    "SystemMessage": "system",
    "HumanMessage": "user",
    "AIMessage": "assistant",
}
_OF_CHATS: Final = ("ChatMessagePromptTemplate", "ChatMessage")
_LITERAL: Final = ("SystemMessage", "HumanMessage", "AIMessage", "ChatMessage")
_UNSAID: Final[tuple[Any, ...]] = (None, "", [], {}, False)
_OURS: Final = (langchain.RELEASE, "lc_hub_owner", "lc_hub_repo", "lc_hub_commit_hash")
"""Keys of the metadata that the server, or the client, puts there."""
_IDENTITY: Final = ("model", "model_name", "model_id", "deployment_name")
_PROVIDERS: Final = {
    "AzureChatOpenAI": "azure-openai",
    "ChatVertexAI": "google",
    "ChatGoogleGenerativeAI": "google",
    "ChatBedrock": "aws",
    "ChatBedrockConverse": "aws",
    "ChatMistralAI": "mistral",
}
_PARAMS: Final = frozenset((
    "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens",
    "max_tokens_to_sample", "stop", "stop_sequences", "seed", "n", "frequency_penalty", "presence_penalty",
    "logit_bias", "logprobs", "top_logprobs", "reasoning_effort", "reasoning", "verbosity", "response_format",
    "tool_choice", "parallel_tool_calls", "thinking", "effort", "service_tier", "thinking_budget",
))  # fmt: skip
"""Parameters of a call, as the packages of LangChain name them."""


@dataclass(slots=True)
class Found:
    """What an object says. text: of a prompt without messages. items: ``{role, text}``, perhaps ``name``; ``{placeholder}``.

    fixed: texts that stand for a name already. output: the schema of the answer. model: ``{provider, id, params}``, None
    where none comes with it. tools: as calls have them. release: what a registry told of the release that it was. lost:
    ``(what, why)`` of what has no place; grave: of that without which the prompt would mean something else.
    """

    text: Template | None = None
    items: list[dict[str, Any]] = field(default_factory=list)
    fixed: dict[str, str] = field(default_factory=dict)
    output: Any = None
    model: dict[str, Any] | None = None
    tools: list[Any] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    release: dict[str, Any] = field(default_factory=dict)
    grave: list[tuple[str, str]] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    def templates(self) -> list[Template]:
        """Every template, in order."""
        return [self.text] if self.text is not None else [one["text"] for one in self.items if "text" in one]


class _Object(NamedTuple):
    kind: str
    kwargs: Mapping[str, Any]


def read(manifest: Any) -> Found:
    """What a manifest says. Raises InvalidInput for one that is no prompt."""
    found = Found()
    whole = _object(manifest, "manifest")
    if whole.kind != "RunnableSequence":
        _prompt(found, whole, "manifest")
        return found
    _prompt(found, _object(whole.kwargs.get("first"), "manifest.first"), "manifest.first")
    middle = whole.kwargs.get("middle") or []
    steps = [*middle, whole.kwargs.get("last")] if isinstance(middle, list) else [middle]
    for at, step in enumerate(steps, start=1):
        one = _object(step, f"step {at}")
        if at == 1:
            _runs(found, one)
        else:
            found.grave.append((f"step {at}", f"{show(one.kind)} is of the application, and not of a release"))
    return found


def messages(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items that messages say. Raises InvalidInput for what is none."""
    found = Found()
    for one in told:
        _message(found, one, "message")
    return found.items


def _object(value: Any, where: str) -> _Object:
    """An object that a value stands for. Raises InvalidInput."""
    if not isinstance(value, dict) or value.get("lc") != 1 or not isinstance(value.get("id"), list):
        raise InvalidInput(f"{where} is no object of LangChain's", hint=_HINT)
    path, kwargs = value["id"], value.get("kwargs")
    if not path or not all(isinstance(one, str) for one in path):
        raise InvalidInput(f"{where} does not say what it is", hint=_HINT)
    if value.get("type") != "constructor" or not isinstance(kwargs, dict):
        raise InvalidInput(f"{where} is {show(path[-1])}, which LangChain does not say as data", hint=_HINT)
    return _Object(path[-1] if path[0] in _ROOTS or path[0].startswith("langchain_") else ".".join(path), kwargs)


def _prompt(found: Found, one: _Object, where: str) -> None:
    kwargs = one.kwargs
    if one.kind == "PromptTemplate":
        found.text = _template(kwargs, where)
    elif one.kind in _CHATS:
        messages = kwargs.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidInput(f"{where} has no messages", hint=_HINT)
        for at, message in enumerate(messages):
            _message(found, message, f"messages[{at}]")
        if one.kind == "StructuredPrompt":
            schema = kwargs.get("schema_", kwargs.get("schema"))
            found.output = schema if isinstance(schema, dict) else None
            if found.output is None:
                found.grave.append(("schema", "the schema of the answer is no JSON Schema"))
            if kwargs.get("structured_output_kwargs"):
                found.lost.append(("structured_output_kwargs", "how an answer is asked for is the application's"))
    else:
        raise InvalidInput(f"{where} is {show(one.kind)}, and a release holds prompts alone", hint=_HINT)
    _partials(found, kwargs.get("partial_variables"))
    if kwargs.get("output_parser") not in _UNSAID:
        found.grave.append(("output_parser", "what reads an answer is the application's"))
    metadata = kwargs.get("metadata")
    if isinstance(metadata, dict):
        found.metadata = {key: value for key, value in metadata.items() if key not in _OURS}
        told = metadata.get(langchain.RELEASE)
        found.release = told if isinstance(told, dict) and "registry" in told else {}
    if kwargs.get("tags") not in _UNSAID:
        found.metadata["tags"] = kwargs["tags"]


def _partials(found: Found, partials: Any) -> None:
    """Values that are there already: texts are put in, and of a placeholder none are to be."""
    if partials in _UNSAID:
        return
    if not isinstance(partials, dict):
        found.grave.append(("partial_variables", "they are no values by their names"))
        return
    placeholders = {one["placeholder"] for one in found.items if "placeholder" in one}
    for name, value in partials.items():
        if isinstance(value, str) and name not in placeholders:
            found.fixed[name] = value
        elif name not in placeholders or value != []:
            found.grave.append((f"partial_variables.{name}", "only a text can be put into a template here"))


def _message(found: Found, value: Any, where: str) -> None:
    one = _object(value, where)
    kwargs = one.kwargs
    if one.kind == "MessagesPlaceholder":
        name = kwargs.get("variable_name")
        if not isinstance(name, str) or not is_identifier(name):
            raise InvalidInput(f"{where} is a placeholder without a plain name", hint='MessagesPlaceholder("history")')
        if kwargs.get("n_messages") is not None:
            found.lost.append((f"{where}.n_messages", "how many messages are put in is the application's"))
        found.items.append({"placeholder": name})
        return
    role = _ROLES.get(one.kind)
    if one.kind in _OF_CHATS:
        role = chat.role_of(kwargs.get("role"))
    if role is None:
        raise InvalidInput(f"{where} is {show(one.kind)}, which is no message that a prompt can have", hint=_HINT)
    more = kwargs.get("additional_kwargs")
    more = dict(more) if isinstance(more, dict) else {}
    if role == "system" and more.pop("__openai_role__", None) == "developer":
        role = "developer"
    name = more.pop("name", None) or kwargs.get("name")
    if any(value not in _UNSAID for value in (*more.values(), kwargs.get("tool_calls"))):
        found.grave.append((where, "a message of a prompt is a text: what it has beside has no place"))
    text = _content(found, kwargs, where) if one.kind in _LITERAL else _parts(found, kwargs.get("prompt"), where)
    found.items.append({"role": role, **({"name": name} if isinstance(name, str) else {}), "text": text})


def _content(found: Found, kwargs: Mapping[str, Any], where: str) -> Template:
    """A message that is no template."""
    content = kwargs.get("content")
    if isinstance(content, list):
        texts = [one if isinstance(one, str) else one.get("text") if isinstance(one, dict) else None for one in content]
        if not all(isinstance(text, str) for text in texts):
            found.grave.append((where, "pictures, sound and files have no place in a text"))
        content = "\n".join(text for text in texts if isinstance(text, str))
    return langchain_templates.told("text", content if isinstance(content, str) else "")


def _parts(found: Found, prompt: Any, where: str) -> Template:
    """The template of a message, which may be several parts."""
    objects = [_object(one, where) for one in (prompt if isinstance(prompt, list) else [prompt])]
    texts = [_template(one.kwargs, where) for one in objects if one.kind == "PromptTemplate"]
    if len(texts) != len(objects):
        found.grave.append((where, "pictures, sound and files have no place in a text"))
    if len({one.style for one in texts}) > 1:
        found.grave.append((where, "its parts are of several formats"))
        return texts[0]
    if len(texts) > 1:
        found.lost.append((where, "its parts are joined to one text"))
    return Template(texts[0].style, "\n".join(one.text for one in texts)) if texts else Template("f-string", "")


def _template(kwargs: Mapping[str, Any], where: str) -> Template:
    text, style = kwargs.get("template"), kwargs.get("template_format", "f-string")
    if not isinstance(text, str) or not isinstance(style, str):
        raise InvalidInput(f"{where} has a template that is no text", hint=_HINT)
    return Template(style, text)


def _runs(found: Found, one: _Object) -> None:
    """What the prompt is sent to: a model, perhaps with what its calls take along."""
    bound: Mapping[str, Any] = {}
    if one.kind == "RunnableBinding":
        bound = one.kwargs.get("kwargs") or {}
        one = _object(one.kwargs.get("bound"), "the model")
    identity = next((one.kwargs[key] for key in _IDENTITY if isinstance(one.kwargs.get(key), str)), None)
    if identity is None or not isinstance(bound, dict):
        found.grave.append(("the model", f"{show(one.kind)} does not say which model it is"))
        return
    said = {**one.kwargs, **(one.kwargs.get("model_kwargs") or {}), **bound}
    tools = said.pop("tools", None)
    found.tools = tools if isinstance(tools, list) else None
    params = {key: value for key, value in said.items() if key in _PARAMS and value is not None}
    for key in sorted(set(said) - _PARAMS - {*_IDENTITY, "model_kwargs"}):
        if said[key] not in _UNSAID and not (isinstance(said[key], dict) and said[key].get("type") == "secret"):
            found.lost.append((f"model.{key}", "it is a setting of the client, and not of the model"))
    name = one.kind.removeprefix("Chat").removesuffix("Chat").lower()
    found.model = {"provider": _PROVIDERS.get(one.kind, name), "id": identity, "params": params}
