"""LangChain's templates: each says its own format, and mustache there puts HTML's escapes into what fills ``{{name}}``.

So every variable is told as ``{{{name}}}``. What mustache there would read otherwise is told as an f-string, which every
version of LangChain fills alike and in which every brace can be said.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.names import is_identifier, show
from pinset.domain.text import braces, templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JINJA: Final = "it has Jinja's blocks: LangChain since 1.0 does not load such templates, and its JavaScript knows none"
_EDGE: Final = "\0"
"""Between texts and names. No text of a release holds it."""
_PLAIN_JINJA: Final = re.compile(r"\{\{[ \t]*+([A-Za-z_][A-Za-z0-9_]*+)[ \t]*+\}\}")
_JINJA_SIGNS: Final = re.compile(r"\{[{%#]")
_MUSTACHE: Final = re.compile(r"\{\{\{([^{}]*+)\}\}\}|\{\{(?P<sign>[#^/>=!&]?)(?P<name>[^{}]*+)\}\}")


class CannotReadError(ValueError):
    """Why a template of LangChain's is none here: a sentence."""


class Template(NamedTuple):
    """A text and the format that LangChain fills it in."""

    style: str
    text: str


class Styled(NamedTuple):
    """Texts in one format of ours."""

    style: str
    texts: list[str]


def told(style: str, text: str) -> Template:
    """A template of ours as LangChain has it. One with Jinja's blocks stays Jinja: see `JINJA`."""
    if style == "f-string":
        return Template(style, text)
    pieces = _pieces(style, text)
    if pieces is None:
        return Template("jinja2", text)
    if style == "mustache":
        tags = "".join(piece if at % 2 == 0 else f"{{{{{{{piece}}}}}}}" for at, piece in enumerate(pieces))
        if not any("{{" in piece or piece.endswith("{") for piece in pieces[::2]):
            return Template(style, tags)
    return Template("f-string", _f_string(pieces))


def variables(template: Template) -> list[str]:
    """The names that LangChain wants for a template that `told` made; sorted."""
    return list(templates.parse(template.style, template.text).variables)


def taken(found: Sequence[Template], before: str | None = None, fixed: Mapping[str, str] | None = None) -> Styled:
    """Templates of one prompt in one format of ours. before: of what they follow; it stays where that says the same.

    fixed: texts by the names that they stand for already.

    Raises CannotReadError for what means something here that is not what it means there, or nothing.
    """
    styles = [one.style for one in found]
    if "jinja2" in styles and any(one.style == "jinja2" and _of_jinja(one.text) is None for one in found):
        if fixed:
            raise CannotReadError(f"{', '.join(sorted(fixed))} cannot be put into Jinja's blocks")
        return Styled("jinja2", [_jinja(one) for one in found])
    pieces = [_filled(_read(one), fixed or {}) for one in found]
    for style in dict.fromkeys([*([before] if before else []), *styles, "mustache", "f-string"]):
        texts = [_written(style, one) for one in pieces]
        if all(text is not None for text in texts):
            return Styled(style, [text for text in texts if text is not None])
    raise AssertionError("every text can be said as an f-string")


def _pieces(style: str, text: str) -> list[str] | None:
    """A template of ours as texts and, at odd places, names; None for one with logic."""
    if style == "text":
        return [text]
    if style == "jinja2":
        return _of_jinja(text)
    fill = braces.fill_mustache if style == "mustache" else braces.fill_f_string
    return fill(text, _Marks()).split(_EDGE)


def _of_jinja(text: str) -> list[str] | None:
    pieces = _PLAIN_JINJA.split(text)
    return None if any(_JINJA_SIGNS.search(piece) for piece in pieces[::2]) else pieces


def _read(template: Template) -> list[str]:
    """A template of LangChain's in the same form. Raises CannotReadError."""
    style, text = template
    if style == "jinja2":
        return _of_jinja(text) or [""]
    if style == "f-string":
        return _of_f_string(text)
    if style != "mustache":
        raise CannotReadError(f"the format {show(style)} is none that is known")
    pieces, at = [""], 0
    for match in _MUSTACHE.finditer(text):
        pieces[-1] += text[at : match.start()]
        at = match.end()
        sign, name = match["sign"] or "", (match[1] if match[1] is not None else match["name"]).strip()
        if sign == "!":
            continue
        if sign not in ("", "&") or not is_identifier(name):
            why = "sections and what is included are" if sign not in ("", "&") else "what is no plain name is"
            raise CannotReadError(f"{show(match[0])}: {why} not filled here")
        pieces += [name, ""]
    pieces[-1] += text[at:]
    if any("{{" in piece for piece in pieces[::2]):
        raise CannotReadError("a {{ is not closed, or has braces in it")
    return pieces


def _of_f_string(text: str) -> list[str]:
    pieces = [""]
    try:
        for literal, name, form, conversion in string.Formatter().parse(text):
            pieces[-1] += literal
            if name is None:
                continue
            if form or conversion or not is_identifier(name):
                raise CannotReadError(f"{show('{' + name + '}')}: a place in a text is a plain {{name}} here")
            pieces += [name, ""]
    except ValueError as error:
        raise CannotReadError(str(error)) from None
    return pieces


def _filled(pieces: list[str], fixed: Mapping[str, str]) -> list[str]:
    found = pieces[:1]
    for name, text in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in fixed:
            found[-1] += fixed[name] + text
        else:
            found += [name, text]
    return found


def _written(style: str, pieces: list[str]) -> str | None:
    """Pieces in a format of ours; None where that says something else."""
    if style == "f-string":
        return _f_string(pieces)
    if style == "text":
        text = "".join(pieces)
        return text if len(pieces) == 1 and "{{>" not in text else None
    text = "".join(piece if at % 2 == 0 else f"{{{{{piece}}}}}" for at, piece in enumerate(pieces))
    parsed = templates.parse(style, text)
    return text if not parsed.problems and not parsed.includes and _pieces(style, text) == pieces else None


def _jinja(template: Template) -> str:
    """A template that goes with one of Jinja's. Raises CannotReadError."""
    if template.style == "jinja2":
        parsed = templates.parse("jinja2", template.text)
        if parsed.problems:
            raise CannotReadError(f"the Jinja template cannot be read: {parsed.problems[0].message}")
        return template.text
    text = _written("jinja2", _read(template))
    if text is None:
        raise CannotReadError("templates with Jinja's blocks and others with braces cannot be of one prompt here")
    return text


def _f_string(pieces: list[str]) -> str:
    return "".join(
        piece.replace("{", "{{").replace("}", "}}") if at % 2 == 0 else f"{{{piece}}}"
        for at, piece in enumerate(pieces)
    )


class _Marks(dict[str, str]):
    """For each name, itself with an edge at both ends."""

    def __missing__(self, key: str) -> str:
        return f"{_EDGE}{key}{_EDGE}"
