"""A comparison for a terminal: what a reviewer reads before a promotion."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from pinset.domain import cost_words
from pinset.domain.diff import sentences, show
from pinset.domain.diff.model import Impact
from pinset.domain.diff.paper import MARGIN, NARROWEST, Paper
from pinset.domain.diff.readings import OTHER_TEXT
from pinset.domain.diff.text_lines import FOLD, folded, text_lines
from pinset.domain.diff.wrap import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.costs import CostChange
    from pinset.domain.diff.model import Change, Comparison, Shared

_WIDEST_PATH: Final = 30
_NARROWEST_NAME: Final = 16


def as_text(comparison: Comparison, *, old: str, new: str, width: int = 80, colour: bool = False) -> str:
    r"""The comparison as lines of at most ``width`` columns, ending with a line feed.

    old, new: the two references, for the heading. Without colour an edited line begins with ``~`` and marks its words
    ``[-gone-]{+new+}``; with colour both lines are shown and the words are in reverse. A block that moved is named
    with ``<`` where it left, and shown with ``>`` where it arrived. What cannot be seen, or would steer the terminal,
    is written ``\u{202E}``.
    """
    return _Page(Paper(max(width, NARROWEST), colour)).render(comparison, old, new)


@dataclass(frozen=True, slots=True)
class _Page:
    paper: Paper

    def render(self, comparison: Comparison, old: str, new: str) -> str:
        lines = [*self.paper.block("", [Piece(f"{show.visible(old)} → {show.visible(new)}", "title")])]
        lines += self._verdict(comparison)
        for _, group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
            lines += ["", *self._part(list(group))]
        lines += self._shared(sentences.concerned(comparison))
        lines += self._costs(comparison.costs) if comparison.costs else ()
        return "\n".join(lines) + "\n"

    def _verdict(self, comparison: Comparison) -> Iterator[str]:
        """The worst first, and what breaks ahead of all else."""
        verdict = comparison.verdict
        told = f" — {sentences.verdict(comparison)}"
        yield from self.paper.block("", [Piece("verdict: "), Piece(verdict, verdict), Piece(told)])
        if comparison.more:
            yield from self.paper.block("", [Piece(comparison.more, "dim")])
        for change in sentences.worst(comparison):
            where = " ".join(filter(None, (sentences.part(change), change.path)))
            line = f"{show.visible(where)} {change.kind}: {show.visible(change.reason)}"
            yield from self.paper.block("  ! ", [Piece(line, "breaking")])

    def _part(self, changes: list[Change]) -> Iterator[str]:
        """One part: its facts in columns, its texts below."""
        label = show.cut(show.visible(sentences.part(changes[0])), self.paper.width // 2)
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
        return show.width(f"{head}  {_values(change)}{tail}") <= self.paper.width

    def _fact(self, change: Change, label: str, column: int, *, alone: bool) -> Iterator[str]:
        head = self._head(change, label, 0 if alone else column)
        what = _summary(change) if alone else _values(change)
        impact = change.impact.value
        line = f"{head}  {what}  "
        told = f"({impact}: {show.visible(change.reason)})" if _wants_reason(change) else f"({impact})"
        if show.width(line + told) <= self.paper.width:
            yield from self.paper.block("", [Piece(line), Piece(told, impact)])
            return
        yield from self.paper.block("", [Piece(line), Piece(f"({impact})", impact)])
        if _wants_reason(change):
            yield from self.paper.block(MARGIN, [Piece(show.visible(change.reason), impact)])

    def _body(self, change: Change, fits: bool) -> Iterator[str]:  # noqa: FBT001 - private, one caller
        if change.text is not None:
            yield from text_lines(self.paper, change.text, change.kind)
            return
        if fits or change.abridged:
            return
        if change.kind != "added":
            lines = show.outline(change.old)
            if change.kind == "removed":
                lines = [show.cut(line, self.paper.width - len(MARGIN) - 2) for line in lines]
            yield from self._values("-", lines[:FOLD] if change.kind == "removed" else lines)
            if change.kind == "removed":
                yield from folded(self.paper, len(lines) - FOLD)
        if change.kind != "removed":
            yield from self._values("+", show.outline(change.new))

    def _values(self, sign: str, lines: list[str]) -> Iterator[str]:
        for line in lines:
            yield from self.paper.block(f"  {sign} ", [Piece(line, sign)])

    def _shared(self, shared: Sequence[Shared]) -> Iterator[str]:
        if not shared:
            return
        yield from ("", self.paper.paint(sentences.SHARED, "title"))
        column = min(max(show.width(show.visible(s.key)) for s in shared), _WIDEST_PATH)
        for component in shared:
            head = f"{show.pad(show.visible(component.key), column)}  {show.visible(sentences.versions(component))}"
            yield from self.paper.block("  ", [Piece(head)])
            users = show.visible(sentences.users(component))
            yield from self.paper.block(MARGIN, [Piece(users, "dim")])

    def _costs(self, costs: CostChange) -> Iterator[str]:
        headline = [Piece(f"{sentences.COSTS}: ", "title"), Piece(cost_words.headline(costs))]
        yield from ("", *self.paper.block("", headline))
        rows = sentences.cost_rows(costs)
        columns = ([r.tokens for r in rows], [r.delta for r in rows], [r.price for r in rows])
        wide = [max(map(show.width, cells), default=0) for cells in columns]
        room = max(self.paper.width - len("  " * (len(wide) + 1)) - sum(wide), _NARROWEST_NAME)
        names = [show.cut("  " * row.level + show.visible(row.name), room) for row in rows]
        widest = max(map(show.width, names), default=0)
        for name, row in zip(names, rows, strict=True):
            cells = (show.pad(name, widest), show.pad(row.tokens, wide[0]), row.delta.rjust(wide[1]), row.price)
            yield from self.paper.block("  ", [Piece("  ".join(cells).rstrip())])
        for note in sentences.cost_notes(costs):
            yield from self.paper.block("  ", [Piece(show.visible(note), "dim")])


def _wants_reason(change: Change) -> bool:
    """Behaviour mostly explains itself where the values or the words are in sight."""
    if change.component == "metadata" or _says_itself(change):
        return False
    if change.impact is not Impact.BEHAVIOUR or change.component in ("retrieval", "guardrail"):
        return True
    return change.text is not None and change.component == "prompt" and change.reason != OTHER_TEXT


def _says_itself(change: Change) -> bool:
    """Whether ``white space only`` is all that the reason would say."""
    return change.text is not None and change.text.nature == "whitespace" and change.impact is Impact.COSMETIC


def _values(change: Change) -> str:
    """The fact on one line. Cut nowhere: what is too long gets lines of its own."""
    if change.abridged:
        return f"{change.kind}, {show.LONG}"
    old, new = show.value(change.old), show.value(change.new)
    if change.kind == "added":
        return f"added {new}"
    return f"removed {old}" if change.kind == "removed" else f"{old} → {new}"


def _summary(change: Change) -> str:
    return change.kind if change.text is None else sentences.edit(change, change.text)
