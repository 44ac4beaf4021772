"""The template formats without logic: mustache, f-string and text with includes. Each is one pass of one pattern."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain import names
from pinset.domain.text.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = r"[A-Za-z_][A-Za-z0-9_]*+"
_INNER = r">[ \t]*+(?P<include>[^{}\s]++)[ \t]*+\}\}"
INCLUDE: Final = re.compile(r"\{\{" + _INNER)
"""``{{> reference}}``, the same in mustache and in text."""
_TAG: Final = re.compile(
    rf"\{{\{{(?:\{{[ \t]*+(?P<raw>{_NAME})[ \t]*+\}}\}}\}}|{_INNER}|&?[ \t]*+(?P<name>{_NAME})[ \t]*+\}}\}}|(?P<bad>))"
)
_LOGIC: Final = re.compile(
    r"\{%[-+]?[ \t]*+(?:if|elif|else|endif|for|endfor|set|endset|block|endblock|include|extends|import|from|macro"
    r"|endmacro|call|endcall|filter|endfilter|with|endwith|raw|endraw)\b"
)
_FIELD: Final = re.compile(rf"\{{\{{|\}}\}}|\{{(?P<name>{_NAME})\}}|(?P<bad>[{{}}])")
_ANY_FIELD: Final = re.compile(r"\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\}")
_MOST: Final = 20
"""Problems that are told of one template."""
_NEAR: Final = 200
"""Characters in which a bad tag's end is looked for."""
_JINJA: Final = "use plain variables, or say format: jinja2 for templates with logic"
_SIGNS: Final = {
    "#": "sections are not taken",
    "^": "inverted sections are not taken",
    "/": "sections are not taken",
    "!": "comments are not taken",
    "=": "other delimiters are not taken",
}


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """Why a template cannot be parsed. line: from 1."""

    line: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Include:
    """What a template includes, as it is written; an empty text where that is only known at run time. line: from 1."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a template asks for: variables, sorted and once each, and includes in their order.

    assigned: names that a Jinja template gives a value itself; what it includes sees them.
    """

    variables: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    problems: tuple[TemplateProblem, ...] = ()
    assigned: frozenset[str] = frozenset()


def parse_mustache(source: str) -> Parsed:
    """Variables and includes; anything else in double braces is a problem, and so are Jinja's blocks."""
    line_at = Lines(source)
    variables: set[str] = set()
    includes: list[Include] = []
    bad: list[tuple[int, str, str]] = []
    at = 0
    while (match := _TAG.search(source, at)) is not None:
        at = match.end()
        if match["bad"] is not None:
            at, message, hint = _bad_tag(source, match.start())
            bad.append((match.start(), message, hint))
        elif match["include"] is not None:
            includes.append(Include(match["include"], line_at(match.start())))
        else:
            variables.add(match["raw"] or match["name"])
    for match in _LOGIC.finditer(source):
        hint = "say format: jinja2, or format: text where the braces are meant as text"
        bad.append((match.start(), f"{names.show(match[0] + ' …')} looks like Jinja, and the format is mustache", hint))
    problems = tuple(TemplateProblem(line_at(where), message, hint) for where, message, hint in sorted(bad)[:_MOST])
    return Parsed(tuple(sorted(variables)), tuple(includes), problems)


def parse_text(source: str) -> Parsed:
    """Includes; all else is text."""
    line_at = Lines(source)
    return Parsed(includes=tuple(Include(m["include"], line_at(m.start())) for m in INCLUDE.finditer(source)))


def parse_f_string(source: str) -> Parsed:
    """Plain ``{name}``; doubled braces are literal, as in `str.format`, and any other brace is a problem."""
    line_at = Lines(source)
    variables: set[str] = set()
    bad: list[TemplateProblem] = []
    at = 0
    while (match := _FIELD.search(source, at)) is not None:
        at = match.end()
        if match["name"]:
            variables.add(match["name"])
        elif match["bad"]:
            at, message, hint = _bad_field(source, match.start())
            bad.append(TemplateProblem(line_at(match.start()), message, hint))
    return Parsed(tuple(sorted(variables)), (), tuple(bad[:_MOST]))


def fill_mustache(source: str, values: Mapping[str, str]) -> str:
    """The template with its variables replaced. It must have parsed without a problem; KeyError for a missing value."""
    return _TAG.sub(lambda match: values[match["raw"] or match["name"]], source)


def fill_f_string(source: str, values: Mapping[str, str]) -> str:
    """As `fill_mustache`, for f-string."""
    return _FIELD.sub(lambda match: values[match["name"]] if match["name"] else match[0][0], source)


def fixed_mustache(source: str) -> list[str]:
    """The texts between variables."""
    texts, at = [], 0
    for match in _TAG.finditer(source):
        start, end = match.span()
        if start > at:
            texts.append(source[at:start])
        at = end
    return [*texts, source[at:]] if at < len(source) else texts


def fixed_f_string(source: str) -> list[str]:
    """The texts between variables, with doubled braces single."""
    # No text of a release holds NUL: it is refused as no text.
    single = _FIELD.sub(lambda match: "\0" if match["name"] else match[0][0], source)
    return [text for text in single.split("\0") if text]


def _bad_tag(source: str, start: int) -> tuple[int, str, str]:
    """Where to read on after a ``{{`` that is no tag, what is wrong with it, and the way out."""
    near = source[start : start + _NEAR].partition("\n")[0]
    end = source.find("}}", start, start + len(near))
    after = near.find("{{", len(near) - len(near.lstrip("{")))
    if end < 0 or 0 <= after < end - start:
        hint = "close it as {{name}} on the same line; for braces that are meant as text: format: text"
        return start + len(near) - len(near.lstrip("{")), "a {{ is not closed", hint
    inside = source[start + 2 : end].strip(" \t{")
    shown = names.show("{{" + source[start + 2 : end] + "}}")
    if inside[:1] in _SIGNS:
        return end + 2, f"{shown}: {_SIGNS[inside[0]]}", _JINJA
    if not inside:
        return end + 2, f"{shown} names no variable", "write {{name}}"
    if inside[0] == ">":
        return end + 2, f"{shown} names nothing to include", "write {{> prompts/house-tone@v3}}"
    if names.is_identifier(inside):
        return end + 2, f"{shown}: the braces do not match", "write {{name}}"
    return end + 2, f"{shown} is no variable", "use letters, digits and _ as {{name}}; " + _JINJA


def _bad_field(source: str, start: int) -> tuple[int, str, str]:
    """As `_bad_tag`, for a single brace."""
    doubled = "double the braces that are meant as text: {{ and }}"
    field = _ANY_FIELD.match(source, start, start + _NEAR)
    if field is None:
        return start + 1, f"a single {source[start]} is not part of a {{name}}", doubled
    end, inside = field.end() - 1, field[0][1:-1]
    shown = names.show(field[0])
    if not inside or inside.isdecimal():
        return end + 1, f"{shown} is a value by position", "give it a name: {name}"
    if names.is_identifier(inside.partition("!")[0].partition(":")[0].partition(".")[0].partition("[")[0]):
        return end + 1, f"{shown} is more than a name", "write {name}: no formats, attributes or indexes"
    return end + 1, f"{shown} is no variable", "use letters, digits and _ as {name}; " + doubled
