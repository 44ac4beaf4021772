"""Rendering: a prompt of the document with its variables filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.names import show
from pinset.domain.text import templates
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
"""Who says a message."""


def messages_of(prompt: Mapping[str, Any], values: Mapping[str, Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The messages ``{role, content}`` of a prompt, and the names of values that nothing takes.

    A prompt of one template gives one user message. Raises InvalidInput for a missing value,
    and for a placeholder that is given anything but messages.
    """
    style, partials = prompt["format"], prompt.get("partials", {})
    items = prompt["messages"] if "messages" in prompt else [{"role": "user", "template": prompt["template"]}]
    taken: set[str] = set()
    filled: list[dict[str, Any]] = []
    for item in items:
        if "placeholder" in item:
            taken.add(item["placeholder"])
            filled += _placed(item["placeholder"], values)
        elif "examples" in item:
            filled += [message for example in item["examples"] for message in example_messages(example)]
        else:
            taken.update(_variables(style, item["template"], partials))
            filled.append({"role": item["role"], "content": _fill(style, item["template"], partials, values)})
    return filled, tuple(sorted(set(values) - taken))


def _fill(style: str, source: str, partials: Mapping[str, str], values: Mapping[str, Any]) -> str:
    if style != "jinja2":
        return templates.render(style, source, values)
    from pinset.domain.text import jinja  # noqa: PLC0415 - Jinja is an extra for who only fetches

    return jinja.render(source, partials, values)


def _variables(style: str, source: str, partials: Mapping[str, str]) -> tuple[str, ...]:
    return templates.undeclared(style, source, lambda name: (style, partials[name]) if name in partials else None)


def _placed(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = values.get(name, [])
    if not isinstance(given, list) or not all(isinstance(message, dict) for message in given):
        raise InvalidInput(f"{name} takes a list of messages", hint='give [{"role": "user", "content": "…"}]')
    for at, message in enumerate(given):
        _check_message(f"{name}[{at}]", message)
    return list(given)


def _check_message(where: str, message: Mapping[str, Any]) -> None:
    """Raises InvalidInput for what no model client takes. Content may be parts, and none beside calls of tools."""
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        said = f"the role {show(role)}" if isinstance(role, str) else "no role"
        raise InvalidInput(f"{where} has {said}", hint=f"the roles are {', '.join(ROLES)}")
    if not isinstance(content, (str, list)) and not (content is None and message.get("tool_calls")):
        raise InvalidInput(f"{where} has no content", hint="give a text, or a list of parts")


def example_messages(example: Any) -> list[dict[str, Any]]:
    """An example as messages: a message, a list of them under ``messages``, or an ``input`` and its ``output``."""
    if isinstance(example, dict) and "messages" in example:
        return list(example["messages"])
    if isinstance(example, dict) and {"input", "output"} <= set(example):
        return [{"role": "user", "content": example["input"]}, {"role": "assistant", "content": example["output"]}]
    return [example]
