"""What an answer must be like before anything is made of it: a digest proves bytes, and not what kind they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SAID: Final = ("ref", "bundle", "digest", "registry")
"""Texts that stand in logs and errors: nothing in them steers a terminal, or is no text that can be written."""
_PERHAPS_TEXTS: Final = ("label", "yanked")
_NUMBERS: Final = ("version", "serial", "epoch")
_PARTS: Final = ("prompts", "models", "retrieval", "tools", "guardrails")
MOST: Final = 2**53
"""Numbers stay below: JSON carries no larger ones exactly."""


def refuse_answer(answer: Mapping[str, Any]) -> None:
    """Raises Integrity for what is no sealed release by the types of its members."""
    alias = answer.get("alias")
    right = (
        all(isinstance(answer.get(name), str) for name in (*_SAID, "manifest"))
        and all(answer[name].isprintable() for name in _SAID)
        and all(isinstance(answer.get(name), str | None) for name in _PERHAPS_TEXTS)
        and all(_is_number(answer.get(name)) for name in _NUMBERS)
        and _is_texts(answer.get("files"))
        and (alias is None or _is_alias(alias))
        and _is_printed(answer.get("renamed", ""))
        and _is_names(answer.get("names", []))
    )
    if not right:
        raise Integrity("that is no sealed release: a member lacks, or is of another kind", hint="is it a registry's?")


def refuse_content(content: Mapping[str, Any]) -> None:
    """Raises Integrity for parts that could not be used, though their digest is right."""
    wrong = [f"{kind}.{name}" for kind in _PARTS for name, part in content[kind].items() if not isinstance(part, dict)]
    if not isinstance(content["metadata"], dict):
        wrong.append("metadata")
    wrong = wrong or [f"prompts.{name}" for name, prompt in content["prompts"].items() if not all(_fitting(prompt))]
    if wrong:
        raise Integrity(f"{wrong[0]} is not what a release has there", hint="run `pinset verify`")


def _fitting(prompt: Mapping[str, Any]) -> Iterator[bool]:
    """Whether each of what a prompt is filled in by is of its kind."""
    inputs = prompt.get("inputs", {})
    yield isinstance(inputs, bool) or (isinstance(inputs, dict) and _is_names(inputs.get("required", [])))
    yield _is_names(prompt.get("tools", [])) and isinstance(prompt.get("model", ""), str)
    yield isinstance(prompt.get("format"), str) and _is_texts(prompt.get("partials", {}))
    if "messages" in prompt:
        yield isinstance(prompt["messages"], list) and all(map(_is_message, prompt["messages"]))
    else:
        yield isinstance(prompt.get("template"), str)


def _is_message(item: object) -> bool:
    if not isinstance(item, dict):
        return False
    if "placeholder" in item:
        return isinstance(item["placeholder"], str)
    if "examples" in item:
        return isinstance(item["examples"], list)
    return isinstance(item.get("role"), str) and isinstance(item.get("template"), str)


def _is_printed(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_alias(alias: object) -> bool:
    return isinstance(alias, dict) and isinstance(alias.get("name"), str) and _is_number(alias.get("seq"))


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < MOST


def _is_texts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
