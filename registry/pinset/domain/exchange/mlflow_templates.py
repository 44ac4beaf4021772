"""MLflow's templates: every ``{{ name }}`` is filled, and all other braces are text.

There nothing can be escaped, nothing is included, a name may have dots, and three braces are a brace around a variable.
What has blocks of Jinja is Jinja, to its newer clients. Each text has a form here that says the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.text import braces, templates

if TYPE_CHECKING:
    from collections.abc import Sequence

_VARIABLE: Final = re.compile(r"\{\{\s*+([a-zA-Z_][a-zA-Z0-9_]*+(?:\.[a-zA-Z_][a-zA-Z0-9_]*+)*+)\s*+\}\}")
_UNPLAIN: Final = re.compile(r"\{\{\{|\{\{&")
"""What means something else in mustache."""
_NAME: Final = r"[ \t]*+([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+"
_RAW: Final = re.compile(rf"\{{\{{\{{{_NAME}\}}\}}\}}|\{{\{{&{_NAME}\}}\}}")
_JINJA: Final = "it is a Jinja template: older clients of MLflow fill in {{name}} alone, and leave the rest as it is"
_JINJA_PLAIN: Final = "it is a Jinja template without blocks: MLflow's clients fill in {{name}} alone"
_F_STRING: Final = "it is an f-string whose braces MLflow cannot say: fill it in with str.format"
_TEXT: Final = "its double braces are text: do not fill it in"


class Styled(NamedTuple):
    """Texts of one prompt, all in one format. differs: a sentence where they are not filled as was meant; '' else."""

    style: str
    texts: list[str]
    differs: str = ""


def told(style: str, texts: Sequence[str]) -> Styled:
    """Templates of ours as MLflow fills them. Jinja stays Jinja, and what MLflow cannot say stays as it is."""
    if style == "mustache":
        return Styled(style, [_RAW.sub(lambda match: f"{{{{{match[1] or match[2]}}}}}", text) for text in texts])
    if style == "f-string":
        asked = [_Named() for _ in texts]
        found = [braces.fill_f_string(text, names) for text, names in zip(texts, asked, strict=True)]
        if all(len(_VARIABLE.findall(one)) == names.count for one, names in zip(found, asked, strict=True)):
            return Styled("mustache", found)
        return Styled(style, list(texts), _F_STRING)
    if style == "text":
        return Styled(style, list(texts), _TEXT if any(map(_variables, texts)) else "")
    if _is_jinja(texts):
        return Styled(style, list(texts), _JINJA)
    plain = all(_is_fit("mustache", text) for text in texts)
    return Styled(style, list(texts), "" if plain else _JINJA_PLAIN)


def taken(texts: Sequence[str], before: str | None = None) -> Styled:
    """Texts of MLflow's in a format of ours. before: the one of what they follow; it stays where that says the same.

    Mustache where that says the same, Jinja for what has its blocks, else f-string, in which every brace can be said.
    """
    jinja = _is_jinja(texts)
    if (jinja or before == "jinja2") and all(_is_fit("jinja2", text) for text in texts):
        return Styled("jinja2", list(texts))
    names = {name for text in texts for name in _variables(text)}
    if before == "text" and not names and all(_is_fit("text", text) for text in texts):
        return Styled("text", list(texts))
    if all(not _UNPLAIN.search(text) and _is_fit("mustache", text) for text in texts):
        return Styled("mustache", list(texts))
    differs = "it looks like Jinja and does not parse as that: its blocks are text here" if jinja else ""
    dotted = ", ".join(sorted(name for name in names if "." in name))
    if not dotted:
        return Styled("f-string", [_f_string(text) for text in texts], differs)
    if all(_is_fit("jinja2", text) for text in texts):
        return Styled("jinja2", list(texts), f"it is Jinja here, where {dotted} is a value inside another one")
    return Styled(
        "text",
        [text.replace("{{>", "{{ >") for text in texts],
        f"names with dots ({dotted}) are none here, so it is text, which MLflow's clients alone fill in",
    )


def _is_jinja(texts: Sequence[str]) -> bool:
    """As MLflow tells it."""
    return any("{%" in text and "%}" in text for text in texts)


def _is_fit(style: str, text: str) -> bool:
    parsed = templates.parse(style, text)
    return not parsed.problems and not parsed.includes


def _variables(text: str) -> set[str]:
    """What MLflow fills in."""
    return set(_VARIABLE.findall(text))


def _f_string(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        pieces += [_escaped(text[at : match.start()]), f"{{{match[1]}}}"]
        at = match.end()
    return "".join([*pieces, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


class _Named(dict[str, str]):
    """For each name, what MLflow asks for it by. count: how often any was."""

    count = 0

    def __missing__(self, key: str) -> str:
        self.count += 1
        return f"{{{{{key}}}}}"
