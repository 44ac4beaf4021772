"""The lines of one changed text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain.diff import sentences, show
from pinset.domain.diff.lines import moves
from pinset.domain.diff.wrap import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.diff.lines import Hunk, Line, Segment, TextDiff
    from pinset.domain.diff.paper import Paper

FOLD: Final = 6
"""Lines kept of a text that was removed as a whole; what is added is always shown in full."""
_AWAY: Final = {"-": "<", "+": ">"}


def text_lines(paper: Paper, diff: TextDiff, kind: str) -> Iterator[str]:
    """The difference, each line with its sign. kind: whether the text was added, removed or changed."""
    texts = _Texts(paper, diff)
    for hunk in diff.hunks:
        if kind == "changed" and (len(diff.hunks) > 1 or hunk.new_start > 1):
            yield from paper.block("  ", [Piece(_place(hunk), "@")])
        if hunk.abridged:
            yield from paper.block("  ", [Piece(show.became(hunk.abridged), "dim")])
        lines = hunk.lines[:FOLD] if kind == "removed" else hunk.lines
        yield from texts.lines(lines)
        yield from folded(paper, len(hunk.lines) - len(lines))
    if diff.coarse:
        yield from paper.block("  ", [Piece(show.COARSE, "dim")])


def folded(paper: Paper, count: int) -> Iterator[str]:
    """How many removed lines are not shown."""
    if count > 0:
        yield from paper.block("  ", [Piece(f"… {count} more line{'s' if count > 1 else ''} removed", "dim")])


class _Texts:
    """What lines cannot say by themselves: where they moved, and whether the end of the text is worth telling."""

    def __init__(self, paper: Paper, diff: TextDiff) -> None:
        self.paper = paper
        self.noted = sentences.ends_differ(diff)
        self.before = sentences.counterparts(diff)
        self.moves = moves(diff)

    def lines(self, lines: Sequence[Line]) -> Iterator[str]:
        """Lines of one hunk."""
        skip, block = False, None
        for n, line in enumerate(lines):
            if line.move is not None:
                if block != (line.kind, line.move):
                    yield from self.paper.block(f"  {_AWAY[line.kind]} ", [Piece(self._told(line), ">")])
                block = (line.kind, line.move)
                yield from self._arrived(line) if line.kind == "+" else ()
                continue
            block = None
            if skip:
                skip = False
            elif line.paired and not self.paper.colour and n + 1 < len(lines):
                yield from self.paper.block("  ~ ", _merged(line, lines[n + 1], noted=self.noted))
                skip = True
            else:
                yield from self.paper.block(f"  {line.kind} ", self._pieces(line))

    def _told(self, line: Line) -> str:
        """Where the block of a line went, or came from."""
        move = self.moves[line.move or 0]
        return sentences.left(move) if line.kind == "-" else sentences.arrived(move)

    def _arrived(self, line: Line) -> Iterator[str]:
        """A line where it arrived, as it is; with both of its forms where it was edited on the way."""
        old = self.before.get(line.new_no or 0)
        if old is None or (old.segments == line.segments and old.newline == line.newline):
            yield from self.paper.block("  >   ", [Piece(p.text) for p in self._pieces(line)])
        elif self.paper.colour:
            for half in (old, line):
                yield from self.paper.block(f"  > {half.kind} ", self._pieces(half._replace(paired=True)))
        else:
            yield from self.paper.block("  > ~ ", _merged(old, line, noted=self.noted))

    def _pieces(self, line: Line) -> list[Piece]:
        style = line.kind if line.kind in "-+" else ""
        pieces = [
            Piece(show.telling(s.text), f"{style}!" if s.changed and line.paired else style) for s in line.segments
        ]
        if style and pieces:
            pieces[-1] = Piece(show.ending(pieces[-1].text), pieces[-1].style)
        return pieces if line.newline or not self.noted else [*pieces, Piece(" (no line feed at the end)", "dim")]


def _place(hunk: Hunk) -> str:
    here = f"line {hunk.new_start}"
    return f"@@ {here}" if hunk.old_start == hunk.new_start else f"@@ {here} (was {hunk.old_start})"


def _merged(old: Line, new: Line, *, noted: bool) -> list[Piece]:
    """Two halves as one: the unchanged segments of both are the same, in the same order."""
    pieces: list[Piece] = []
    coming = list(new.segments)
    for segment in old.segments:
        if not segment.changed:
            while coming and coming[0].changed:
                pieces.append(_mark(coming.pop(0)))
            coming.pop(0)
            pieces.append(Piece(_unmarked(segment.text)))
        else:
            pieces.append(Piece(f"[-{_unmarked(segment.text)}-]"))
    pieces += [_mark(s) for s in coming]
    if pieces:
        pieces[-1] = Piece(show.ending(pieces[-1].text))
    if noted and old.newline != new.newline:
        pieces.append(Piece(f" ({'a' if new.newline else 'no'} line feed at the end now)"))
    return pieces


def _mark(segment: Segment) -> Piece:
    return Piece(f"{{+{_unmarked(segment.text)}+}}")


def _unmarked(text: str) -> str:
    """Visible text in which marks that the author wrote cannot pass for ours."""
    shown = show.telling(text)
    for mark in ("[-", "{+", "-]", "+}"):
        sign = mark.strip("[]{}")
        shown = shown.replace(mark, mark.replace(sign, show.code_point(sign)))
    return shown
