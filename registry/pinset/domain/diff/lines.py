r"""What a difference of two texts says: lines, the words in them, and what becomes of both.

Lines end at ``\n`` alone; a carriage return is part of its line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Nature = Literal["wording", "reflow", "whitespace", "order"]


class Segment(NamedTuple):
    """A stretch of a line; ``changed`` when the other side lacks it."""

    text: str
    changed: bool = False


class Line(NamedTuple):
    """One line without its line feed.

    kind: ``' '`` in both, ``'-'`` only in the old, ``'+'`` only in the new text. Numbers count from 1 and are None on
    the side that lacks the line. paired: a ``-`` directly followed by the ``+`` it became; their unchanged segments
    are the same, in the same order. newline: False for a last line that no line feed ends. move: the number of the
    block that left one place and arrived at another, from 1; the same on each ``-`` where it left and each ``+`` where
    it arrived. The segments of a moved line are changed where it was edited on the way.
    """

    kind: str
    segments: tuple[Segment, ...]
    old_no: int | None = None
    new_no: int | None = None
    paired: bool = False
    newline: bool = True
    move: int | None = None

    @property
    def text(self) -> str:
        """The line as it is."""
        return "".join(s.text for s in self.segments)

    @property
    def whole(self) -> str:
        """The line with its line feed, if it has one."""
        return self.text + "\n" if self.newline else self.text


@dataclass(frozen=True, slots=True)
class Hunk:
    """Neighbouring changes with their context. Starts count lines from 1, also where the side has no line.

    abridged: how many old lines became how many new ones, where they are too many to be shown; then there are no lines.
    """

    old_start: int
    new_start: int
    lines: tuple[Line, ...]
    abridged: tuple[int, int] | None = None


class Move(NamedTuple):
    """A block that left one place and arrived at another: its first and last line there and here, from 1."""

    old_first: int
    old_last: int
    new_first: int
    new_last: int
    edited: bool


@dataclass(frozen=True, slots=True)
class TextDiff:
    """What changes between two texts. Equal texts have no hunks.

    coarse: some block was too large to look inside, or to be shown at all. nature: ``wording`` where words differ;
    ``order`` the same lines otherwise ordered; ``reflow`` the same words in the same order, broken into other lines;
    ``whitespace`` the same words on the same lines (ASCII blanks only: a no-break space is another character). The
    words are not counted, and None, where some lines are not shown. Words of moved lines count where they were edited.
    """

    hunks: tuple[Hunk, ...]
    coarse: bool = False
    added_words: int | None = 0
    removed_words: int | None = 0
    nature: Nature = "wording"

    @property
    def whitespace_only(self) -> bool:
        """Whether the words are the same, in the same order."""
        return self.nature in {"reflow", "whitespace"}

    @property
    def abridged(self) -> bool:
        """Whether some lines are only counted. Such a difference cannot be applied."""
        return any(hunk.abridged for hunk in self.hunks)

    @property
    def lines(self) -> Iterator[Line]:
        """All lines that are shown."""
        return (line for hunk in self.hunks for line in hunk.lines)


def moves(diff: TextDiff) -> dict[int, Move]:
    """The moved blocks of a difference, by their number."""
    found: dict[int, Move] = {}
    for line in diff.lines:
        if line.move is not None:
            move = found.get(line.move, Move(0, 0, 0, 0, edited=False))
            edited = move.edited or any(s.changed for s in line.segments)
            if line.kind == "-":
                move = Move(move.old_first or line.old_no or 0, line.old_no or 0, *move[2:4], edited)
            else:
                move = Move(*move[:2], move.new_first or line.new_no or 0, line.new_no or 0, edited)
            found[line.move] = move
    return found


def split_lines(text: str) -> list[str]:
    """The lines with their line feeds; joined they are the text again. Empty text has none."""
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def apply(diff: TextDiff, old: str) -> str:
    """The new text, exactly: every byte of it, from the old text and its difference.

    Raises InvalidInput where the difference is abridged, so that some of its lines are only counted, and where it is
    that of another text.
    """
    lines, result, at = split_lines(old), list[str](), 0
    for hunk in diff.hunks:
        if hunk.abridged:
            raise InvalidInput("an abridged difference cannot be applied", hint="take the new text from its release")
        result += lines[at : hunk.old_start - 1]
        at = max(at, hunk.old_start - 1)
        for line in hunk.lines:
            if line.kind != "+":
                if lines[at : at + 1] != [line.whole]:
                    raise InvalidInput(f"the difference is that of another text: line {at + 1} is not what it names")
                at += 1
            if line.kind != "-":
                result.append(line.whole)
    return "".join(result + lines[at:])


def mirrored(diff: TextDiff) -> TextDiff:
    """The same difference, read from the new text to the old one."""
    hunks = (
        Hunk(h.new_start, h.old_start, tuple(_mirrored(h.lines)), h.abridged and (h.abridged[1], h.abridged[0]))
        for h in diff.hunks
    )
    return replace(diff, hunks=tuple(hunks), added_words=diff.removed_words, removed_words=diff.added_words)


def _mirrored(lines: Iterable[Line]) -> Iterator[Line]:
    """Between two lines in both texts, or two pairs, what only the old one has comes first: also when swapped."""
    gone: list[Line] = []
    came: list[Line] = []
    for line in lines:
        swapped = line._replace(kind={"-": "+", "+": "-"}.get(line.kind, " "), old_no=line.new_no, new_no=line.old_no)
        if line.kind == " ":
            yield from (*gone, *came, swapped)
            gone, came = [], []
        elif line.paired and line.kind == "-":
            yield from (*gone, *came)
            gone, came = [], [swapped]
        elif line.paired:
            yield from (swapped, *came)
            came = []
        else:
            (came if line.kind == "-" else gone).append(swapped)
    yield from (*gone, *came)
