"""Messages as chat interfaces take them, ``{role, content}``, and the form in which they want an answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.exchange.drafting import Drafted, Prompt
from pinset.domain.rendering import ROLES
from pinset.domain.text import templates
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ROLES: Final = {"model": "assistant", "ai": "assistant", "human": "user", "function": "tool"}
_PAIRS: Final = re.compile(r"\{%-?\s*for\s+\w+\s*,")
_TAGS: Final = re.compile(r"\{[%#]")
ANSWER: Final = "answer"
"""What a schema of the answer is called for an interface that wants a name."""


def is_chat(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "role" in one for one in value)


def style_of(texts: Sequence[str], *, logic: bool = True) -> str:
    """The format of templates that do not say it: mustache, else Jinja where they have logic, else text.

    logic: whether they may have any. Every text must parse in the format.
    """
    for style in ("mustache", "jinja2"):
        if style == "jinja2" and not (logic and any("{%" in text or "{{" in text for text in texts)):
            continue
        if not any(templates.parse(style, text).problems or _includes(style, text) for text in texts):
            return style
    return "text"


def _includes(style: str, text: str) -> bool:
    return style == "mustache" and bool(templates.parse(style, text).includes)


def check_nunjucks(prompt: Prompt, where: str) -> None:
    """Raises InvalidInput for a prompt of Nunjucks that is no Jinja, or means something else as Jinja.

    One with variables only beside comments or tags, which would be text in mustache, is made one of Jinja.
    """
    if prompt.style in ("mustache", "text") and any(_TAGS.search(one) for one in prompt.texts()):
        prompt.style = "jinja2"
    if prompt.style == "jinja2" and any(_PAIRS.search(one) for one in prompt.texts()):
        raise InvalidInput(
            f"{where} loops over keys and values as Nunjucks does", hint="in Jinja: {% for k, v in x.items() %}"
        )
    logic = prompt.style == "text" and any("{%" in one or "{{" in one for one in prompt.texts())
    if logic or any(templates.parse(prompt.style, one).problems for one in prompt.texts()):
        raise InvalidInput(
            f"{where} holds Nunjucks that is no Jinja", hint="write it with what both know, or fill it in before"
        )


def messages(drafted: Drafted, value: Sequence[Any], where: str) -> list[dict[str, Any]]:
    """A chat as messages of a prompt; what is no text is noted and left out."""
    found: list[dict[str, Any]] = []
    for at, one in enumerate(value):
        here = f"{where}[{at}]"
        role = one.get("role") if isinstance(one, dict) else None
        role = _ROLES.get(str(role), role)
        if not isinstance(one, dict) or role not in ROLES:
            drafted.lose(here, "it has no role that a message can have")
            continue
        text = _text(drafted, one.get("content"), here)
        for key in sorted(set(one) - {"role", "content", "name", "type"}):
            drafted.lose(f"{here}.{key}", "a message of a prompt is a text: this is left out")
        if text is not None:
            named = {"name": one["name"]} if isinstance(one.get("name"), str) else {}
            found.append({"role": role, **named, "text": text})
    return found


def prompt_of(found: Sequence[Mapping[str, Any]], *, logic: bool = True) -> Prompt:
    """A prompt of messages, in the format that all of its texts are in."""
    return Prompt(style=style_of([one["text"] for one in found if "text" in one], logic=logic), messages=found)


def output_of(params: dict[str, Any]) -> Any:
    """The schema of the answer, taken out of the parameters; what they say beside it stays there. None where none is."""
    wanted = params.get("response_format")
    whole = isinstance(wanted, dict) and set(wanted) == {"type", "json_schema"} and wanted["type"] == "json_schema"
    named = wanted["json_schema"] if isinstance(wanted, dict) and whole else None
    if not isinstance(named, dict) or "schema" not in named:
        return None
    rest = {key: value for key, value in named.items() if key != "schema"}
    del params["response_format"]
    if rest != {"name": ANSWER}:
        params["response_format"] = {"type": "json_schema", "json_schema": rest}
    return named["schema"]


def with_output(params: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """The inverse: parameters that want an answer of a schema."""
    wanted = params.get("response_format")
    rest = wanted.get("json_schema") if isinstance(wanted, dict) else None
    named = rest if isinstance(rest, dict) and "schema" not in rest else {"name": ANSWER}
    return {**params, "response_format": {"type": "json_schema", "json_schema": {**named, "schema": schema}}}


def _text(drafted: Drafted, content: Any, where: str) -> str | None:
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    if len(texts) != len(parts):
        drafted.lose(f"{where}.content", "pictures, sound and files have no place in a text")
    if len(texts) > 1:
        drafted.lose(f"{where}.content", "its parts are joined to one text")
    return "\n".join(texts) if texts else None
