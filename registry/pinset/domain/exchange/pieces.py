"""Templates as texts and variables in turn, so that one can be written for whoever fills it in by other rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.text import braces, templates

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Variable(NamedTuple):
    """What is filled in."""

    name: str


Piece = str | Variable
Pieces = tuple[Piece, ...]

_MARK: Final = "\0"
"""What no text of a release holds."""
_RAW: Final = re.compile(r"\{\{(?:\{[ \t]*(\w+)[ \t]*\}|&[ \t]*(\w+)[ \t]*)\}\}", re.ASCII)
_JINJA: Final = re.compile(r"\{\{ *(?:(?P<name>[A-Za-z_]\w*)|'(?P<text>\{|\\r)') *\}\}|(?P<sign>\{[{%#])", re.ASCII)
"""What a Jinja template without logic holds; a sign is logic."""
_OPENING: Final = re.compile(r"\{(?=[{%#\r]|\Z)|\r")
_LITERALS: Final = {"{": "{{ '{' }}", "\r": "{{ '\\r' }}"}


def of(style: str, text: str) -> Pieces | None:
    """A template of one of our formats; None for one that has logic, includes something, or does not parse."""
    if _MARK in text:
        return None
    parsed = templates.parse(style, text)
    if parsed.problems or parsed.includes:
        return None
    if style == "text":
        return joined([text])
    if style == "jinja2":
        return _of_jinja(text, parsed.variables)
    fill = braces.fill_mustache if style == "mustache" else braces.fill_f_string
    marked = fill(text, {name: f"{_MARK}{name}{_MARK}" for name in parsed.variables})
    return joined(Variable(part) if at % 2 else part for at, part in enumerate(marked.split(_MARK)))


def read(pattern: re.Pattern[str], text: str) -> Pieces:
    """A template of another tool. pattern: what is filled in there, whose first group is the name."""
    found: list[Piece] = []
    at = 0
    for match in pattern.finditer(text):
        found += [text[at : match.start()], Variable(match[1].strip())]
        at = match.end()
    return joined([*found, text[at:]])


def joined(pieces: Iterable[Piece]) -> Pieces:
    """Pieces of which no two texts stand side by side, and none is empty."""
    found: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece != "":
            found.append(piece)
    return tuple(found)


def written(style: str, pieces: Pieces) -> str | None:
    """The template of one of our formats that has these pieces; None where it can have no such."""
    if style == "text" and any(isinstance(piece, Variable) for piece in pieces):
        return None
    write = {"mustache": mustache, "f-string": f_string, "jinja2": jinja, "text": mustache}[style]
    text = write(pieces)
    return text if of(style, text) == joined(pieces) else None


def all_written(styles: Sequence[str], many: Sequence[Pieces]) -> tuple[str, list[str]] | None:
    """Templates of one format, the first of these in which all of them can be written."""
    for style in styles:
        texts = [text for pieces in many if (text := written(style, pieces)) is not None]
        if len(texts) == len(many):
            return style, texts
    return None


def mustache(pieces: Pieces) -> str:
    """With ``{{name}}``. That nothing else is read as a variable is for who asks to see to."""
    return "".join(piece if isinstance(piece, str) else f"{{{{{piece.name}}}}}" for piece in pieces)


def plain_mustache(text: str) -> str:
    """A mustache template in which every variable is ``{{name}}`` as it is written, and none is raw."""
    return _RAW.sub(lambda match: f"{{{{{match[1] or match[2]}}}}}", text)


def f_string(pieces: Pieces) -> str:
    """As `str.format` takes it."""
    return "".join(
        piece.replace("{", "{{").replace("}", "}}") if isinstance(piece, str) else f"{{{piece.name}}}"
        for piece in pieces
    )


def jinja(pieces: Pieces) -> str:
    """As Jinja takes it: no text is read as logic, and every character comes out as it went in."""
    return "".join(
        _OPENING.sub(lambda match: _LITERALS[match[0]], piece) if isinstance(piece, str) else f"{{{{ {piece.name} }}}}"
        for piece in pieces
    )


def _of_jinja(text: str, variables: tuple[str, ...]) -> Pieces | None:
    found: list[Piece] = []
    at = 0
    for match in _JINJA.finditer(text):
        if match["sign"]:
            return None
        found.append(text[at : match.start()])
        found.append(Variable(match["name"]) if match["name"] else match["text"].replace("\\r", "\r"))
        at = match.end()
    rest = text[at:]
    if "\r" in "".join([*(piece for piece in found if isinstance(piece, str) and piece != "\r"), rest]):
        return None  # Jinja makes it a line feed
    names = {piece.name for piece in found if isinstance(piece, Variable)}
    return joined([*found, rest]) if names == set(variables) else None
