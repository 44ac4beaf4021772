"""The lines of a text that changed, as a page shows them: runs side by side, folds between them, ids that stay.

One model serves both views: a run lists its old lines, then its new ones, which is how the inline view reads; the
style sheet sets them side by side where there is room. Nothing here grows with a line: what is long is shown around
its changes, and says how much it leaves out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.diff.lines import Segment, split_lines
from pinset.domain.diff.natures import alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinset.domain.diff.lines import Hunk, Line, TextDiff
    from pinset.domain.diff.model import Change

LONG: Final = 2_000
"""Characters from which a line is shown around its changes only."""
AROUND: Final = 60
"""Unchanged characters kept on each side of a change in such a line."""
HEAD: Final = 800
TAIL: Final = 100
"""Characters kept of a changed stretch that is long itself."""
MOST: Final = 6_000
"""Characters of one line that are shown, whatever changed in it."""
ROOM: Final = 400_000
"""Characters of lines on one page."""
FOLDED: Final = 60_000
"""Characters of unchanged lines that a page carries folded; what is more is a link away."""


class Piece(NamedTuple):
    """A stretch of a shown line. skipped: characters that are left out in its place, and then it has no text."""

    text: str
    changed: bool = False
    skipped: int = 0


class Place(NamedTuple):
    """Where a moved block is on the other side: the id of its first line, and that line's number."""

    anchor: str
    number: int


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line. kind: ``same``, ``old`` or ``new``. whole: all of it changed, so that no words are marked.

    move: where the block it belongs to is on the other side; ``first`` on the block's first line.
    """

    kind: str
    old_no: int | None
    new_no: int | None
    pieces: tuple[Piece, ...]
    whole: bool = False
    newline: bool = True
    move: Place | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """Lines that stand together: unchanged ones, or old ones and the new ones beside them."""

    lines: tuple[ShownLine, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """Unchanged lines out of sight. lines: empty where they are not on the page: then a link leads to them."""

    old_no: int
    new_no: int
    count: int
    lines: tuple[ShownLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """Changed lines that are only counted."""

    old_lines: int
    new_lines: int


Block = Run | Fold | Left


@dataclass(slots=True)
class Room:
    """What is left on one page. everything: unchanged lines are shown, not folded."""

    lines: int = ROOM
    folded: int = FOLDED
    everything: bool = False

    def show(self, size: int) -> bool:
        """Whether so many characters still fit; if so they are taken off."""
        fits = size <= self.lines
        self.lines -= size if fits else 0
        return fits

    def fold(self, size: int) -> bool:
        """The same for unchanged lines that are folded."""
        fits = size <= self.folded and self.show(size)
        self.folded -= size if fits else 0
        return fits


@dataclass(frozen=True, slots=True)
class TextView:
    """A text that changed. anchor: what the ids of its lines begin with."""

    anchor: str
    blocks: tuple[Block, ...]
    nature: str
    added_words: int | None
    removed_words: int | None
    coarse: bool
    folded: bool = field(default=False)


def text_view(change: Change, anchor: str, room: Room) -> TextView | None:
    """How a change of a text is shown; None for one that has no text."""
    diff = change.text
    if diff is None:
        return None
    blocks = tuple(_blocks(diff, _whole(change.new), anchor, room))
    return TextView(
        anchor=anchor,
        blocks=blocks,
        nature=diff.nature,
        added_words=diff.added_words,
        removed_words=diff.removed_words,
        coarse=diff.coarse,
        folded=any(isinstance(block, Fold) and not block.lines for block in blocks),
    )


def line_id(anchor: str, side: str, number: int) -> str:
    """The id of a line: ``p-default-R12`` is line 12 of the new text."""
    return f"{anchor}-{side}{number}"


def _whole(value: object) -> list[str] | None:
    """The lines of a text where it is at hand."""
    return split_lines(value) if isinstance(value, str) else None


def _blocks(diff: TextDiff, new: list[str] | None, anchor: str, room: Room) -> Iterator[Block]:
    places = _places(diff.hunks, anchor)
    old_next = new_next = 1
    for hunk in diff.hunks:
        yield from _between(new, old_next, new_next, hunk.new_start - new_next, room)
        if hunk.abridged is not None:
            old_count, new_count = hunk.abridged
            yield Left(old_count, new_count)
        else:
            old_count = sum(line.kind != "+" for line in hunk.lines)
            new_count = sum(line.kind != "-" for line in hunk.lines)
            yield from _runs(hunk.lines, places, room)
        old_next, new_next = hunk.old_start + old_count, hunk.new_start + new_count
    if new is not None:
        yield from _between(new, old_next, new_next, len(new) - new_next + 1, room)


def _between(new: list[str] | None, old_no: int, new_no: int, count: int, room: Room) -> Iterator[Block]:
    """The unchanged lines between two hunks, folded unless there is to be no fold."""
    if count <= 0:
        return
    texts = new[new_no - 1 : new_no - 1 + count] if new is not None else []
    size = sum(min(len(text), LONG) for text in texts)
    fits = bool(texts) and (room.show(size) if room.everything else room.fold(size))
    lines = tuple(_same(text, old_no + n, new_no + n) for n, text in enumerate(texts)) if fits else ()
    if lines and room.everything:
        yield Run(lines)
    else:
        yield Fold(old_no, new_no, count, lines)


def _same(text: str, old_no: int, new_no: int) -> ShownLine:
    bare = text.removesuffix("\n")
    return ShownLine("same", old_no, new_no, clipped((Segment(bare),)), newline=text.endswith("\n"))


def _runs(lines: Sequence[Line], places: dict[tuple[int, str], Place], room: Room) -> Iterator[Block]:
    """The lines of a hunk in runs, as far as there is room; the others are counted."""
    left_old = left_new = 0
    last: tuple[int, str] | None = None
    for group in _groups(lines):
        run: list[ShownLine] = []
        for line in _narrowed(group):
            move = (line.move, line.kind) if line.move is not None else None
            shown = _shown(line, places.get(move) if move else None, first=move != last)
            last = move
            if room.show(sum(len(piece.text) for piece in shown.pieces)):
                run.append(shown)
            else:
                left_old, left_new = left_old + (line.kind != "+"), left_new + (line.kind != "-")
        if run:
            yield Run(tuple(run))
    if left_old or left_new:
        yield Left(left_old, left_new)


def _groups(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """A pair is a group of its own, so that its sides stand beside each other; else old lines and the new after them."""
    start = 0
    while start < len(lines):
        end = start + 1
        if lines[start].kind == "-" and lines[start].paired:
            end += 1
        elif lines[start].kind == " ":
            end = _until(lines, start, " ")
        else:
            end = _until(lines, _until(lines, start, "-"), "+")
        yield lines[start:end]
        start = end


def _narrowed(group: Sequence[Line]) -> Sequence[Line]:
    """One very long line that became another, too long to have its words marked: what differs is narrowed all the same."""
    if len(group) != 2 or [line.kind for line in group] != ["-", "+"] or group[0].paired:
        return group
    old, new = group[0].text, group[1].text
    if min(len(old), len(new)) <= LONG or group[0].move is not None or group[1].move is not None:
        return group
    head = alike(old, new, 0)
    tail = min(alike(old, new, min(len(old), len(new)) - head), min(len(old), len(new)) - head)
    if not head and not tail:
        return group
    return [line._replace(segments=_split(text, head, tail)) for line, text in zip(group, (old, new), strict=True)]


def _split(text: str, head: int, tail: int) -> tuple[Segment, ...]:
    """A line of which only the middle changed."""
    middle = len(text) - tail
    parts = (Segment(text[:head]), Segment(text[head:middle], changed=True), Segment(text[middle:]))
    return tuple(part for part in parts if part.text)


def _until(lines: Sequence[Line], start: int, kind: str) -> int:
    """Where the unpaired lines of a kind end that begin here."""
    while start < len(lines) and lines[start].kind == kind and not (kind == "-" and lines[start].paired):
        start += 1
    return start


def _shown(line: Line, place: Place | None, *, first: bool) -> ShownLine:
    kind = {" ": "same", "-": "old", "+": "new"}[line.kind]
    whole = kind != "same" and all(segment.changed for segment in line.segments)
    return ShownLine(
        kind,
        line.old_no,
        line.new_no,
        clipped(line.segments),
        whole=whole,
        newline=line.newline,
        move=place,
        first=first and place is not None,
    )


def _places(hunks: Iterable[Hunk], anchor: str) -> dict[tuple[int, str], Place]:
    """By the number of a moved block and the kind of the line that asks: where it begins on the other side."""
    found: dict[tuple[int, str], Place] = {}
    for line in chain.from_iterable(hunk.lines for hunk in hunks):
        if line.move is not None and line.kind == "-" and line.old_no is not None:
            found.setdefault((line.move, "+"), Place(line_id(anchor, "L", line.old_no), line.old_no))
        elif line.move is not None and line.new_no is not None:
            found.setdefault((line.move, "-"), Place(line_id(anchor, "R", line.new_no), line.new_no))
    return found


def clipped(segments: Sequence[Segment]) -> tuple[Piece, ...]:
    """A line's pieces. Of a long line only what changed and a little around it."""
    if sum(len(segment.text) for segment in segments) <= LONG:
        return tuple(Piece(segment.text, segment.changed) for segment in segments)
    pieces: list[Piece] = []
    shown, last = 0, len(segments) - 1
    for n, segment in enumerate(segments):
        if shown >= MOST:
            pieces.append(Piece("", skipped=sum(len(s.text) for s in segments[n:])))
            break
        found = _changed(segment.text) if segment.changed else _around(segment.text, first=n == 0, last=n == last)
        pieces += found
        shown += sum(len(piece.text) for piece in found)
    return tuple(pieces)


def _changed(text: str) -> list[Piece]:
    if len(text) <= HEAD + TAIL:
        return [Piece(text, changed=True)]
    skipped = len(text) - HEAD - TAIL
    return [Piece(text[:HEAD], changed=True), Piece("", skipped=skipped), Piece(text[-TAIL:], changed=True)]


def _around(text: str, *, first: bool, last: bool) -> list[Piece]:
    """An unchanged stretch: what touches a change, or the beginning of a line without one."""
    if first and last:
        head, tail = HEAD, 0
    else:
        head, tail = (0 if first else AROUND), (0 if last else AROUND)
    if len(text) <= head + tail + AROUND:
        return [Piece(text)]
    ends = [Piece(text[:head]), Piece("", skipped=len(text) - head - tail), Piece(text[len(text) - tail :])]
    return [piece for piece in ends if piece.text or piece.skipped]
