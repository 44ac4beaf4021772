"""Templates of tools that fill every ``{{ name }}`` and leave all other braces alone, as MLflow does.

There nothing can be escaped, nothing is included, and three braces are a brace around a variable. Each text has a form
here that says the same; the plainest is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.text import braces, templates

if TYPE_CHECKING:
    from collections.abc import Sequence

_VARIABLE: Final = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z_][a-zA-Z0-9_]*)*)\s*\}\}")
"""What is filled there; a name with dots is one name."""
_UNPLAIN: Final = re.compile(r"\{\{\{|\{\{&")
"""What means something else in mustache."""
_RAW: Final = re.compile(
    r"\{\{\{[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}\}|\{\{&[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*\}\}"
)


class Styled(NamedTuple):
    """Texts in a format of ours. why: what is not as it was, '' where all is."""

    style: str
    texts: list[str]
    why: str = ""


def told(style: str, text: str) -> str:
    """A template of ours as it is filled there. Jinja stays Jinja, and text that is no template stays as it is."""
    if style == "mustache":
        return _RAW.sub(lambda match: f"{{{{{match[1] or match[2]}}}}}", text)
    if style == "f-string":
        return braces.fill_f_string(text, _Named())
    return text


def taken(texts: Sequence[str], before: str | None = None) -> Styled:
    """Texts from there, all in one format. before: of what they follow; it stays where that says the same.

    Mustache where it says the same, else Jinja for what has its blocks, else f-string, in which every brace can be said.
    """
    jinja = any("{%" in text and "%}" in text for text in texts)
    if (jinja or before == "jinja2") and all(_is_plain("jinja2", text) for text in texts):
        return Styled("jinja2", list(texts))
    if before == "text" and not any(_VARIABLE.search(text) or "{{>" in text for text in texts):
        return Styled("text", list(texts))
    if all(not _UNPLAIN.search(text) and _is_plain("mustache", text) for text in texts):
        return Styled("mustache", list(texts))
    names = {name for text in texts for name in _VARIABLE.findall(text)}
    why = "it looks like Jinja, and does not parse as that: its blocks are text here" if jinja else ""
    if not any("." in name for name in names):
        return Styled("f-string", [_f_string(text) for text in texts], why)
    dotted = ", ".join(sorted(name for name in names if "." in name))
    if all(_is_plain("jinja2", text) for text in texts):
        return Styled("jinja2", list(texts), f"it is Jinja here, where {dotted} is a value in another one")
    why = f"variables with dots ({dotted}) are none here, so it is text, which only its own client fills"
    return Styled("text", [text.replace("{{>", "{{ >") for text in texts], why)


def _is_plain(style: str, text: str) -> bool:
    parsed = templates.parse(style, text)
    return not parsed.problems and not parsed.includes


def _f_string(text: str) -> str:
    pieces, at = [], 0
    for match in _VARIABLE.finditer(text):
        pieces += [_escaped(text[at : match.start()]), f"{{{match[1]}}}"]
        at = match.end()
    return "".join([*pieces, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class _Named(dict[str, str]):
    """For each name, the tag that asks for it."""

    def __missing__(self, key: str) -> str:
        return f"{{{{{key}}}}}"
