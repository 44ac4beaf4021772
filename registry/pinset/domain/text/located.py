"""A value together with the lines that its parts stand on, and the walk that finds the lines of a JSON text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE: Final = re.compile(r'\n|"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]|[^\s"\[\]{},:]++', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Located:
    """A parsed file. lines: from 1, by path; of an entry of a mapping the line of its key, of ``()`` the first."""

    value: Any
    lines: dict[tuple[str | int, ...], int]


def json_tokens(text: str) -> Iterator[tuple[int, str]]:
    """The tokens of a JSON text with their lines. Of a text that is not JSON, whatever looks like tokens."""
    line = 1
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == "\n":
            line += 1
        else:
            yield line, piece


def json_lines(text: str) -> dict[tuple[str | int, ...], int]:
    """The line of every part of a JSON text. The text must be JSON."""
    lines: dict[tuple[str | int, ...], int] = {}
    for path, line in _json_paths(text):
        lines.setdefault(path, line)
    return lines


def doubled_key(text: str) -> tuple[str, int] | None:
    """The first key that an object of a JSON text says again, and the line where it does; None where none does."""
    seen: set[tuple[str | int, ...]] = set()
    for path, line in _json_paths(text):
        if path in seen and isinstance(key := path[-1], str):
            return key, line
        seen.add(path)
    return None


def _json_paths(text: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Paths and lines in the order of the text; a key that is said twice comes twice."""
    path: list[str | int] = []
    keyed: list[bool] = []  # of each open container: whether it is an object
    wants_key = False
    for line, piece in json_tokens(text):
        if piece in ("]", "}"):
            path.pop()
            keyed.pop()
            wants_key = False
        elif piece == ",":
            wants_key = keyed[-1]
            if not wants_key:
                path[-1] = int(path[-1]) + 1
        elif piece == ":":
            continue
        elif wants_key:
            path[-1] = json.loads(piece)
            wants_key = False
            yield tuple(path), line
        else:
            if not keyed or not keyed[-1]:  # a value of an object stands where its key stands
                yield tuple(path), line
            if piece in ("[", "{"):
                keyed.append(piece == "{")
                path.append("" if keyed[-1] else 0)
                wants_key = keyed[-1]
