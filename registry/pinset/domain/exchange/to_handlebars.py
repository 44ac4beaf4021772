"""Templates of a release as Handlebars, where they have variables only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange.handlebars import BLOCKS, LITERALS

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING: Final = "{{!}}{{!}}"
"""What fills in nothing, and keeps white space beside it: neither of the two stands alone on its line."""
_VARIABLES: Final = {
    "mustache": re.compile(r"\{\{\{[ \t]*(?P<raw>\w+)[ \t]*\}\}\}|\{\{&?[ \t]*(?P<name>\w+)[ \t]*\}\}"),
    "f-string": re.compile(r"\{\{|\}\}|\{(?P<name>\w+)\}"),
    "jinja2": re.compile(r"\{\{ *(?P<name>\w+) *\}\}"),
}
_HELPERS: Final = frozenset(
    {*BLOCKS, "with", "log", "lookup", "else", "role", "history", "media", "section", "json", "helperMissing", "as"}
)
"""Names that mean something else there, unless ``this.`` stands before them."""


def told(style: str, text: str) -> str | None:
    """The text as Handlebars; None where it cannot be said."""
    if style == "jinja2" and re.search(r"\{[%#]|\{\{[-+]|[-+]\}\}", text):
        return None
    written = ""
    for kind, piece in _pieces(style, text):
        if kind == "variable":
            open_ended = before_tag(written)
            if open_ended is None:
                return None
            written = open_ended + piece
        else:
            literal = _literal(piece) if kind == "text" else None
            if literal is None or (style == "jinja2" and "{{" in piece):
                return None
            written += literal
    return written


def before_tag(written: str) -> str | None:
    """A text that a tag follows: a backslash at its end is doubled. None where the tag would be read as another."""
    if written.endswith("{"):
        return None
    return written + "\\" if written.endswith("\\") else written


def _pieces(style: str, text: str) -> Iterator[tuple[str, str]]:
    """Literal texts and tags of variables, in turn."""
    pattern = _VARIABLES.get(style)
    if pattern is None:
        yield "text", text
        return
    at, literal = 0, ""
    for match in pattern.finditer(text):
        literal += text[at : match.start()]
        at = match.end()
        groups = match.groupdict()
        name = groups.get("name") or groups.get("raw")
        if name is None:  # a doubled brace
            literal += match[0][0]
            continue
        yield "text", literal
        literal = ""
        if name in LITERALS:
            yield "unsayable", name
            return
        kept = style == "mustache" and name not in _HELPERS
        yield "variable", match[0] if kept else "{{" + ("this." if name in _HELPERS else "") + name + "}}"
    yield "text", literal + text[at:]


def _literal(text: str) -> str | None:
    """A text in which no braces open a tag; None where a backslash before some makes that impossible."""
    if "\\{{" in text or "{{{" in text:
        return None
    return text.replace("{{", "\\{{")
