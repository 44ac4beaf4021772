"""Answers of a search."""

from __future__ import annotations

from typing_extensions import TypedDict


class PieceAnswer(TypedDict):
    """A stretch of a line. hit: it is what was searched. The text is as it is: who shows it makes it visible."""

    text: str
    hit: bool


class SearchItem(TypedDict):
    """What was found. what: ``bundle``, ``component`` (by name), ``release`` (its label or message) or ``text``.

    name: the bundle, or kind/name of the component. ref: the oldest version that holds it, None for a name. path, line:
    of a text. pieces: what stands there. aliases: those that serve it now. earlier: how many older texts of the
    same place hold it too that nothing serves.
    """

    what: str
    name: str
    ref: str | None
    path: str | None
    line: int | None
    pieces: list[PieceAnswer]
    aliases: list[str]
    earlier: int


class SearchAnswer(TypedDict):
    """What a search found: names first, then texts, newest first. next: the cursor for more, None at the end.

    partial: there is so much that not all was looked at.
    """

    query: str
    items: list[SearchItem]
    next: str | None
    partial: bool
