"""A comparison for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.domain.diff.model import Change, Comparison
    from pinset.domain.diff.words import Hunk, Line


def as_json(comparison: Comparison, *, old: str, new: str) -> dict[str, Any]:
    """The comparison as JSON values; texts are as they are, not made visible: whoever shows them has to.

    old, new: the two references. A change with an edited text has ``hunks`` and ``text``, which counts its words.
    Too much for one answer is said, and only then are there these: a change is ``abridged`` and has no ``old`` and
    ``new``; a hunk is ``abridged`` and counts its old and new lines; ``left_out`` counts changes that are not listed.
    """
    more = {impact.value: count for impact, count in comparison.left_out.items() if count}
    told: dict[str, Any] = {
        "from": old,
        "to": new,
        "verdict": comparison.verdict,
        "changes": [_change(change) for change in comparison.changes],
    }
    return {**told, "left_out": more} if more else told


def _change(change: Change) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "component": change.component,
        "name": change.name,
        "path": change.path,
        "kind": change.kind,
        "impact": change.impact.value,
        "reason": change.reason,
    }
    plain |= {"abridged": True} if change.abridged else {"old": change.old, "new": change.new}
    if change.text is None:
        return plain
    text = change.text
    summary = {
        "added_words": text.added_words,
        "removed_words": text.removed_words,
        "whitespace_only": text.whitespace_only,
        "coarse": text.coarse,
    }
    return {**plain, "text": summary, "hunks": [_hunk(hunk) for hunk in text.hunks]}


def _hunk(hunk: Hunk) -> dict[str, Any]:
    shown = {
        "old_start": hunk.old_start,
        "new_start": hunk.new_start,
        "lines": [_line(line) for line in hunk.lines],
    }
    if hunk.abridged is None:
        return shown
    return {**shown, "abridged": {"old_lines": hunk.abridged[0], "new_lines": hunk.abridged[1]}}


def _line(line: Line) -> dict[str, Any]:
    segments = [{"text": s.text, "changed": s.changed} for s in line.segments]
    shown = {"kind": line.kind, "old_no": line.old_no, "new_no": line.new_no, "segments": segments}
    return shown if line.newline else {**shown, "newline": False}
