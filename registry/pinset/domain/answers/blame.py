"""What brought each line of a file, as answers carry it."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - as in the package

from pinset.domain.answers.source import SourceAnswer  # noqa: TC001 - pydantic reads the annotations


class BlameMove(TypedDict):
    """The move by which a release came to the alias. by: as it is recorded. person: whose credential that is."""

    seq: int
    action: str
    at: str
    by: str
    person: str
    reason: str
    revision: str


class BlameOrigin(TypedDict):
    """A release that brought lines; and, of an alias, the move that made it serve them.

    by, person: who published it. move: None where releases are looked at, and not what an alias served.
    """

    ref: str
    version: int
    label: str | None
    published_at: str
    by: str
    person: str
    message: str
    source: SourceAnswer | str | None
    move: BlameMove | None


class BlameLine(TypedDict):
    """A line without its line feed. origin: the position in ``origins`` of what brought it first.

    since: from which of ``origins`` on it has been there without a break; another one where it was away in between.
    """

    number: int
    text: str
    origin: int
    since: int


class BlameAnswer(TypedDict):
    """A file of a release, line by line.

    complete: all moves, or all releases, were looked at; else the first of ``origins`` may be of a line that is older.
    coarse: there was too much to compare line by line in order; some lines were told apart by what they say alone.
    """

    ref: str
    bundle: str
    version: int
    alias: str | None
    path: str
    complete: bool
    coarse: bool
    origins: list[BlameOrigin]
    lines: list[BlameLine]
    at: NotRequired[str]
