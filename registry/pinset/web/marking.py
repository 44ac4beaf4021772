r"""Texts of prompts as people read them: variables marked, what cannot be seen as code points, and no more than fits.

Everything is escaped before it is marked, so that a prompt stays text whatever it holds. What is marked is bounded, and
each pattern looks at few characters from where it begins, so that no text takes long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from pinset.domain.diff import show
from pinset.web.rendering import mark_points

SHOWN: Final = 24_000
"""Characters of one text that are shown in a page; the file has the rest."""
LINES: Final = 600
_MARKS: Final = {
    "mustache": re.compile(r"\{\{\{[^{}\n]{0,200}\}\}\}|\{\{[^{}\n]{0,200}\}\}"),
    "jinja2": re.compile(r"\{\{[^{}]{0,400}\}\}|\{%[^{}]{0,400}%\}|\{#[^{}]{0,400}#\}"),
    "f-string": re.compile(r"(?<!\{)\{[^{}\n]{1,200}\}(?!\})"),
}
_INCLUDE: Final = re.compile(r"\{\{>\s{0,20}([^{}\s]{1,200})\s{0,20}\}\}")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is shown. left_out: how many characters are not. length: of the whole."""

    html: Markup
    left_out: int
    length: int


def marked(source: str, style: str) -> Text:
    """A text with its variables marked. style: the prompt's format; of ``text``, and of any other, nothing is."""
    kept = _bounded(source)
    pattern = _MARKS.get(style)
    pieces: list[Markup] = []
    at = 0
    for found in pattern.finditer(kept) if pattern is not None else ():
        pieces.append(_visible(kept[at : found.start()]))
        kind = "logic" if found[0].startswith(("{%", "{#")) else "var"
        pieces.append(Markup('<span class="{}">{}</span>').format(kind, _visible(found[0])))
        at = found.end()
    pieces.append(_visible(kept[at:]))
    return Text(Markup("").join(pieces), len(source) - len(kept), len(source))


def plain(source: str) -> Text:
    """A text without variables."""
    return marked(source, "text")


def lines(source: str, *, most: int, wide: int) -> tuple[list[Markup], int, int]:
    """A file line by line, each at most so wide, and how many lines and characters are left out."""
    every = source.split("\n")
    if every and not every[-1]:
        every.pop()
    shown, cut = [], 0
    for line in every[:most]:
        cut += max(0, len(line) - wide)
        html = _visible(line[:wide].removesuffix("\r") if len(line) <= wide else line[:wide])
        more = Markup('<span class="cut"> … {} more characters</span>').format(f"{len(line) - wide:,}")
        shown.append(html + more if len(line) > wide else html)
    return shown, max(0, len(every) - most), cut


def includes(source: str) -> list[str]:
    """The shared texts that a template includes, as it names them."""
    return list(dict.fromkeys(found[1] for found in _INCLUDE.finditer(source)))


def _bounded(source: str) -> str:
    kept = source[:SHOWN]
    at = -1
    for _ in range(LINES):
        at = kept.find("\n", at + 1)
        if at < 0:
            return kept
    return kept[:at]


def _visible(piece: str) -> Markup:
    """Escaped, with its lines and tabs as they are."""
    if piece.isascii() and piece.isprintable() and "\\u{" not in piece:
        return escape(piece)
    whole = piece.replace("\r\n", "\n")
    text = "\n".join("\t".join(show.visible(part) for part in line.split("\t")) for line in whole.split("\n"))
    return mark_points(text)
