"""A comparison for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.domain.diff.model import Change, Comparison
    from pinset.domain.diff.words import Hunk, Line


def as_json(comparison: Comparison, *, old: str, new: str) -> dict[str, Any]:
    """The comparison as JSON values; texts are as they are, not made visible: whoever shows them has to.

    old, new: the two references. A change with an edited text has ``hunks`` and ``text``, which counts its words.
    """
    return {
        "from": old,
        "to": new,
        "verdict": comparison.verdict,
        "changes": [_change(change) for change in comparison.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    plain = {
        "component": change.component,
        "name": change.name,
        "path": change.path,
        "kind": change.kind,
        "impact": change.impact.value,
        "reason": change.reason,
        "old": change.old,
        "new": change.new,
    }
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
    return {
        "old_start": hunk.old_start,
        "new_start": hunk.new_start,
        "lines": [_line(line) for line in hunk.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    segments = [{"text": s.text, "changed": s.changed} for s in line.segments]
    shown = {"kind": line.kind, "old_no": line.old_no, "new_no": line.new_no, "segments": segments}
    return shown if line.newline else {**shown, "newline": False}
