"""Templates as tools have them that know ``{{name}}`` and nothing else, and what such a text means here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.text import templates

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*+"
_RAW: Final = re.compile(rf"\{{\{{(?:\{{[ \t]*+(?P<raw>{_NAME})[ \t]*+\}}|&[ \t]*+(?P<plain>{_NAME})[ \t]*+)\}}\}}")
_FIELD: Final = re.compile(rf"\{{\{{|\}}\}}|\{{(?P<name>{_NAME})\}}")
_OPENING: Final = re.compile(r"(?=\{\{)")
_LOGIC: Final = ("{%", "{#")
_JINJA: Final = "it is a Jinja template: fill it in with Jinja, for what fills in {{name}} alone leaves its logic in"
_F_STRING: Final = "it is an f-string whose braces nothing else can say: fill it in with str.format"
_TEXT: Final = "its double braces are text: do not fill it in"


class Braced(NamedTuple):
    """A template's text as ``{{name}}``. style: the format that it is in now.

    differs: a sentence where who fills in ``{{name}}`` alone does not get what is meant; '' else.
    """

    text: str
    style: str
    differs: str = ""


def told(style: str, text: str) -> Braced:
    """A template of one of our formats. What cannot be said in double braces stays as it is, and says so."""
    if style == "mustache":
        return Braced(_RAW.sub(lambda match: f"{{{{{match['raw'] or match['plain']}}}}}", text), style)
    if style == "f-string":
        return _of_f_string(text)
    if style == "text":
        return Braced(text, style, _TEXT if "{{" in text else "")
    if any(sign in text for sign in _LOGIC) or not is_plain(text):
        return Braced(text, style, _JINJA)
    return Braced(text, style)


def is_plain(text: str) -> bool:
    """Whether all that a text holds in double braces is a variable."""
    parsed = templates.parse("mustache", text)
    return not parsed.problems and not parsed.includes


def style_of(texts: Sequence[str], before: str | None = None) -> str:
    """The format that texts are in which some other tool fills in. before: what they were in when they were read here.

    Mustache where all double braces are variables, else Jinja where there is logic; else text, for nothing here fills in
    ``{{user name}}``.
    """
    if before == "jinja2" and not any(templates.parse(before, text).problems for text in texts):
        return before  # what it includes came with it
    if before in ("f-string", "text") and _fits(before, texts):
        return before
    if all(map(is_plain, texts)):
        return "mustache"
    if any(sign in text for text in texts for sign in _LOGIC) and _fits("jinja2", texts):
        return "jinja2"
    return "text"


def _fits(style: str, texts: Sequence[str]) -> bool:
    return not any(parsed.problems or parsed.includes for parsed in (templates.parse(style, text) for text in texts))


def _of_f_string(text: str) -> Braced:
    """Single braces doubled and doubled ones single, where every ``{{`` is then one that was put there."""
    pieces: list[str] = []
    put: list[int] = []
    at = size = 0
    for match in _FIELD.finditer(text):
        before = text[at : match.start()]
        piece = f"{{{{{match['name']}}}}}" if match["name"] else match[0][0]
        if match["name"]:
            put.append(size + len(before))
        pieces += [before, piece]
        size += len(before) + len(piece)
        at = match.end()
    found = "".join([*pieces, text[at:]])
    if [match.start() for match in _OPENING.finditer(found)] != put:
        return Braced(text, "f-string", _F_STRING)
    return Braced(found, "mustache")
