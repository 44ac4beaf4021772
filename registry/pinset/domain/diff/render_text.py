"""A comparison for a terminal: what a reviewer reads before a promotion."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pinset.domain.diff import show
from pinset.domain.diff.model import Impact
from pinset.domain.diff.wrap import Piece, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.diff.lines import Hunk, Line, Segment, TextDiff
    from pinset.domain.diff.model import Change, Comparison

NARROWEST: Final = 40
"""Columns below which lines are not made shorter."""
FOLD: Final = 6
"""Lines kept of a text that was removed as a whole; what is added is always shown in full."""
_MARGIN: Final = "    "
_WIDEST_PATH: Final = 30
_CODES: Final = {
    "title": "1",
    "breaking": "1;31",
    "behaviour": "33",
    "cosmetic": "2",
    "none": "2",
    "-": "31",
    "+": "32",
    "-!": "7;31",
    "+!": "7;32",
    "@": "36",
    "dim": "2",
}


def as_text(comparison: Comparison, *, old: str, new: str, width: int = 80, colour: bool = False) -> str:
    r"""The comparison as lines of at most ``width`` columns, ending with a line feed.

    old, new: the two references, for the heading. Without colour an edited line begins with ``~`` and marks its words
    ``[-gone-]{+new+}``; with colour both lines are shown and the words are in reverse. What cannot be seen, or would
    steer the terminal, is written ``\u{202E}``.
    """
    return _Page(max(width, NARROWEST), colour).render(comparison, old, new)


@dataclass(frozen=True, slots=True)
class _Page:
    width: int
    colour: bool

    def render(self, comparison: Comparison, old: str, new: str) -> str:
        lines = [*self._block("", [Piece(f"{show.visible(old)} → {show.visible(new)}", "title")])]
        lines += self._block("", _verdict(comparison))
        lines += self._block("", [Piece(comparison.more, "dim")]) if comparison.more else []
        for _, group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
            lines += ["", *self._part(list(group))]
        return "\n".join(lines) + "\n"

    def _part(self, changes: list[Change]) -> Iterator[str]:
        """One part: its facts in columns, its texts below."""
        label = show.cut(show.visible(f"{changes[0].component} {changes[0].name}".strip()), self.width // 2)
        paths = [show.width(show.visible(c.path)) for c in changes if c.path]
        column = max((w for w in paths if w <= _WIDEST_PATH), default=0)
        roomy = False
        for n, change in enumerate(changes):
            body = list(self._body(change, self._fits(change, label, column)))
            if n and (roomy or body):
                yield ""
            roomy = bool(body)
            yield from self._fact(change, label, column, alone=bool(body))
            yield from body

    def _head(self, change: Change, label: str, column: int) -> str:
        path = show.visible(change.path)
        return f"{label}  {show.pad(path, column)}" if path else label

    def _fits(self, change: Change, label: str, column: int) -> bool:
        """Whether the values stand on the line of the fact."""
        if change.text is not None:
            return False
        head, tail = self._head(change, label, column), f"  ({change.impact.value})"
        return show.width(f"{head}  {_values(change)}{tail}") <= self.width

    def _fact(self, change: Change, label: str, column: int, *, alone: bool) -> Iterator[str]:
        head = self._head(change, label, 0 if alone else column)
        what = _summary(change) if alone else _values(change)
        impact = change.impact.value
        line = f"{head}  {what}  "
        told = f"({impact}: {show.visible(change.reason)})" if _wants_reason(change) else f"({impact})"
        if show.width(line + told) <= self.width:
            yield from self._block("", [Piece(line), Piece(told, impact)])
            return
        yield from self._block("", [Piece(line), Piece(f"({impact})", impact)])
        if _wants_reason(change):
            yield from self._block(_MARGIN, [Piece(show.visible(change.reason), impact)])

    def _body(self, change: Change, fits: bool) -> Iterator[str]:  # noqa: FBT001 - private, one caller
        if change.text is not None:
            yield from self._text(change.text, change.kind)
            return
        if fits or change.abridged:
            return
        if change.kind != "added":
            lines = show.outline(change.old)
            if change.kind == "removed":
                lines = [show.cut(line, self.width - len(_MARGIN) - 2) for line in lines]
            yield from self._values("-", lines[:FOLD] if change.kind == "removed" else lines)
            if change.kind == "removed":
                yield from self._folded(len(lines) - FOLD)
        if change.kind != "removed":
            yield from self._values("+", show.outline(change.new))

    def _values(self, sign: str, lines: list[str]) -> Iterator[str]:
        for line in lines:
            yield from self._block(f"  {sign} ", [Piece(line, sign)])

    def _text(self, diff: TextDiff, kind: str) -> Iterator[str]:
        noted = not _ends_alike(diff)
        for hunk in diff.hunks:
            if kind == "changed" and (len(diff.hunks) > 1 or hunk.new_start > 1):
                yield from self._block("  ", [Piece(_place(hunk), "@")])
            if hunk.abridged:
                yield from self._block("  ", [Piece(show.became(hunk.abridged), "dim")])
            lines = hunk.lines[:FOLD] if kind == "removed" else hunk.lines
            yield from self._lines(lines, noted=noted)
            yield from self._folded(len(hunk.lines) - len(lines))
        if diff.coarse:
            yield from self._block("  ", [Piece(show.COARSE, "dim")])

    def _folded(self, count: int) -> Iterator[str]:
        if count > 0:
            yield from self._block("  ", [Piece(f"… {count} more line{'s' if count > 1 else ''} removed", "dim")])

    def _lines(self, lines: Sequence[Line], *, noted: bool) -> Iterator[str]:
        skip = False
        for n, line in enumerate(lines):
            if skip:
                skip = False
            elif line.paired and not self.colour and n + 1 < len(lines):
                yield from self._block("  ~ ", _merged(line, lines[n + 1]))
                skip = True
            else:
                yield from self._block(f"  {line.kind} ", _pieces(line, noted=noted))

    def _block(self, prefix: str, pieces: Sequence[Piece]) -> Iterator[str]:
        """Wrapped and painted; the prefix is on the first line, the following ones are indented a little more."""
        first = pieces[0].style.rstrip("!") if pieces else ""
        hang = " " * len(prefix) + ("  " if prefix else _MARGIN)
        for n, line in enumerate(wrap(pieces, self.width - len(hang), first=self.width - len(prefix))):
            start = prefix if n == 0 else hang
            painted = self._paint(start, first if first in {"-", "+"} else "")
            yield (painted + "".join(self._paint(p.text, p.style) for p in line)).rstrip(" ")

    def _paint(self, text: str, style: str) -> str:
        code = _CODES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code and text else text


def _verdict(comparison: Comparison) -> list[Piece]:
    verdict = comparison.verdict
    if verdict == "none":
        return [Piece("none", "none"), Piece(": nothing changes")]
    counts = [(impact.value, comparison.count(impact)) for impact in Impact]
    told = ", ".join(f"{count} {impact}" for impact, count in counts if count)
    total = comparison.total
    return [Piece(verdict, verdict), Piece(f": {told} change{'s' if total > 1 else ''}")]


def _wants_reason(change: Change) -> bool:
    """Behaviour explains itself where the values or the words are in sight."""
    if change.text is not None and change.text.whitespace_only:
        return False
    return change.impact is not Impact.BEHAVIOUR and change.component != "metadata"


def _values(change: Change) -> str:
    """The fact on one line. Cut nowhere: what is too long gets lines of its own."""
    if change.abridged:
        return f"{change.kind}, {show.LONG}"
    old, new = show.value(change.old), show.value(change.new)
    if change.kind == "added":
        return f"added {new}"
    return f"removed {old}" if change.kind == "removed" else f"{old} → {new}"


def _summary(change: Change) -> str:
    if change.text is None:
        return change.kind
    added, removed = change.text.added_words, change.text.removed_words
    if added is None or removed is None:
        return change.kind if not change.text.whitespace_only else "white space only"
    if change.kind != "changed":
        return f"{change.kind}, {added or removed} words"
    if change.text.whitespace_only:
        return "white space only"
    return f"+{added} -{removed} words"


def _ends_alike(diff: TextDiff) -> bool:
    """Whether both texts end with a line feed, or neither does."""
    open_ended = {line.kind for hunk in diff.hunks for line in hunk.lines if not line.newline}
    return open_ended not in ({"-"}, {"+"})


def _place(hunk: Hunk) -> str:
    here = f"line {hunk.new_start}"
    return f"@@ {here}" if hunk.old_start == hunk.new_start else f"@@ {here} (was {hunk.old_start})"


def _pieces(line: Line, *, noted: bool) -> list[Piece]:
    style = line.kind if line.kind in "-+" else ""
    pieces = [Piece(show.visible(s.text), f"{style}!" if s.changed and line.paired else style) for s in line.segments]
    return pieces if line.newline or not noted else [*pieces, Piece(" (no line feed at the end)", "dim")]


def _merged(old: Line, new: Line) -> list[Piece]:
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
    if old.newline != new.newline:
        pieces.append(Piece(f" ({'a' if new.newline else 'no'} line feed at the end now)"))
    return pieces


def _mark(segment: Segment) -> Piece:
    return Piece(f"{{+{_unmarked(segment.text)}+}}")


def _unmarked(text: str) -> str:
    """Visible text in which marks that the author wrote cannot pass for ours."""
    shown = show.visible(text)
    for mark in ("[-", "{+", "-]", "+}"):
        sign = mark.strip("[]{}")
        shown = shown.replace(mark, mark.replace(sign, show.code_point(sign)))
    return shown
