"""Styled text broken into lines of a terminal's width."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.diff.show import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_UNIT: Final = re.compile(r"(?:\\u\{[0-9A-F]+\})+|[^ \\]+|\\| +")
_POINT: Final = 10
"""Columns that the longest code point takes."""


class Piece(NamedTuple):
    """Visible text and the name of its style, '' for none."""

    text: str
    style: str = ""


def wrap(pieces: Iterable[Piece], columns: int, *, first: int) -> list[list[Piece]]:
    """The pieces over as many lines as they need, broken at spaces where there are any.

    columns: the room of a line; the first line has ``first``.

    Nothing is dropped but the one space a line is broken at; a word longer than a line is broken anywhere.
    """
    lines: list[list[Piece]] = [[]]
    room = first
    for word in _words(pieces):
        size = sum(width(p.text) for p in word)
        if size > room and lines[-1]:
            lines.append([])
            room = columns
            if word[0].text == " ":
                continue
        for piece in _chunks(word, columns) if size > columns else word:
            if width(piece.text) > room:
                lines.append([])
                room = columns
            lines[-1].append(piece)
            room -= width(piece.text)
    return lines


def _words(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Runs without a space, over pieces of several styles; runs of spaces are words of their own."""
    word: list[Piece] = []
    for piece in pieces:
        for unit in _UNIT.findall(piece.text):
            if unit.startswith(" "):
                if word:
                    yield word
                    word = []
                yield [Piece(unit, piece.style)]
            else:
                word.append(Piece(unit, piece.style))
    if word:
        yield word


def _chunks(word: list[Piece], columns: int) -> Iterator[Piece]:
    for piece in word:
        if piece.text.startswith("\\u{"):  # a text may be nothing else, and none is broken within
            together = max(columns // _POINT, 1)
            yield from (
                Piece(run, piece.style) for run in re.findall(rf"(?:\\u\{{[0-9A-F]+\}}){{1,{together}}}", piece.text)
            )
            continue
        start = used = 0
        for n, char in enumerate(piece.text):
            size = width(char)
            if used + size > columns:
                yield Piece(piece.text[start:n], piece.style)
                start, used = n, 0
            used += size
        yield Piece(piece.text[start:], piece.style)
