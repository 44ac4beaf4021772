"""LangChain's templates: each says its own format, and mustache there puts HTML's escapes into what fills ``{{name}}``.

So every variable is told as ``{{{name}}}``. What mustache there would read otherwise is told as an f-string, which every
version of LangChain fills alike and in which every brace can be said.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.exchange import pieces
from pinset.domain.exchange.pieces import Variable
from pinset.domain.names import is_identifier, show
from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.exchange.pieces import Piece, Pieces

JINJA: Final = "it has Jinja's blocks: LangChain since 1.0 does not load such templates, and its JavaScript knows none"
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
    found = pieces.joined([text]) if style == "text" else pieces.of(style, text)
    if found is None:
        return Template("jinja2", text)
    plain = [piece for piece in found if isinstance(piece, str)]
    if style == "mustache" and not any("{{" in piece or piece.endswith("{") for piece in plain):
        return Template(style, "".join(one if isinstance(one, str) else f"{{{{{{{one.name}}}}}}}" for one in found))
    return Template("f-string", pieces.f_string(found))


def variables(template: Template) -> list[str]:
    """The names that LangChain wants for a template that `told` made; sorted."""
    return list(templates.parse(template.style, template.text).variables)


def taken(found: Sequence[Template], before: str | None = None, fixed: Mapping[str, str] | None = None) -> Styled:
    """Templates of one prompt in one format of ours. before: of what they follow; it stays where that says the same.

    fixed: texts by the names that they stand for already.

    Raises CannotReadError for what means something here that is not what it means there, or nothing.
    """
    styles = [one.style for one in found]
    if any(one.style == "jinja2" and pieces.of("jinja2", one.text) is None for one in found):
        if fixed:
            raise CannotReadError(f"{', '.join(sorted(fixed))} cannot be put into Jinja's blocks")
        return Styled("jinja2", [_jinja(one) for one in found])
    meant = [_filled(_read(one), fixed or {}) for one in found]
    tried = dict.fromkeys([*([before] if before in templates.FORMATS else []), *styles, "mustache", "f-string"])
    made = pieces.all_written(list(tried), meant)
    if made is None:
        raise CannotReadError("no format says it: it holds a character that no text has here")
    return Styled(*made)


def _read(template: Template) -> Pieces:
    """What a template of LangChain's says. Raises CannotReadError."""
    style, text = template
    if style == "jinja2":
        return pieces.of(style, text) or ()
    if style == "f-string":
        return _of_f_string(text)
    if style != "mustache":
        raise CannotReadError(f"the format {show(style)} is none that is known")
    found: list[Piece] = []
    at = 0
    for match in _MUSTACHE.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        sign, name = match["sign"] or "", (match[1] if match[1] is not None else match["name"]).strip()
        if sign == "!":
            continue
        if sign not in ("", "&") or not is_identifier(name):
            why = "sections and what is included are" if sign not in ("", "&") else "what is no plain name is"
            raise CannotReadError(f"{show(match[0])}: {why} not filled here")
        found.append(Variable(name))
    found.append(text[at:])
    if any(isinstance(piece, str) and "{{" in piece for piece in found):
        raise CannotReadError("a {{ is not closed, or has braces in it")
    return pieces.joined(found)


def _of_f_string(text: str) -> Pieces:
    found: list[Piece] = []
    try:
        for literal, name, form, conversion in string.Formatter().parse(text):
            found.append(literal)
            if name is None:
                continue
            if form or conversion or not is_identifier(name):
                raise CannotReadError(f"{show('{' + name + '}')}: a place in a text is a plain {{name}} here")
            found.append(Variable(name))
    except ValueError as error:
        raise CannotReadError(str(error)) from None
    return pieces.joined(found)


def _filled(found: Pieces, fixed: Mapping[str, str]) -> Pieces:
    return pieces.joined(fixed.get(one.name, one) if isinstance(one, Variable) else one for one in found)


def _jinja(template: Template) -> str:
    """A template that goes with one of Jinja's. Raises CannotReadError."""
    if template.style == "jinja2":
        parsed = templates.parse("jinja2", template.text)
        if parsed.problems:
            raise CannotReadError(f"the Jinja template cannot be read: {parsed.problems[0].message}")
        return template.text
    text = pieces.written("jinja2", _read(template))
    if text is None:
        raise CannotReadError("templates with Jinja's blocks and others with braces cannot be of one prompt here")
    return text
