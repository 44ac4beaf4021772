"""A comparison for programs: as JSON values, and from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pinset.domain import costs
from pinset.domain.diff.lines import Hunk, Line, Nature, Segment, TextDiff
from pinset.domain.diff.model import Change, Comparison, Impact, Shared
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        "counts": {impact.value: comparison.count(impact) for impact in Impact},
        "changes": [_change(change) for change in comparison.changes],
        "shared": [_shared(component) for component in comparison.shared],
        "costs": None if comparison.costs is None else costs.as_answer(comparison.costs),
    }
    return {**told, "left_out": more} if more else told


def from_json(answer: Mapping[str, Any]) -> Comparison:
    """The comparison of `as_json`'s values, to be rendered where a server made it. Members it does not know are left out.

    Raises InvalidInput where the values are no comparison.
    """
    try:
        return Comparison(
            changes=tuple(_change_of(change) for change in answer["changes"]),
            left_out={Impact(impact): count for impact, count in answer.get("left_out", {}).items()},
            shared=tuple(_shared_of(component) for component in answer.get("shared", ())),
            costs=None if answer.get("costs") is None else costs.from_answer(answer["costs"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise InvalidInput("these values are no comparison", hint="give what pinset diff --json prints") from error


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
        "nature": text.nature,
        "whitespace_only": text.whitespace_only,
        "coarse": text.coarse,
    }
    return {**plain, "text": summary, "hunks": [_hunk(hunk) for hunk in text.hunks]}


def _change_of(answer: Mapping[str, Any]) -> Change:
    return Change(
        component=answer["component"],
        name=answer["name"],
        path=answer["path"],
        kind=answer["kind"],
        impact=Impact(answer["impact"]),
        reason=answer["reason"],
        old=answer.get("old"),
        new=answer.get("new"),
        text=_text_of(answer["text"], answer["hunks"]) if "text" in answer else None,
        abridged=answer.get("abridged", False),
    )


def _text_of(summary: Mapping[str, Any], hunks: list[Mapping[str, Any]]) -> TextDiff:
    nature = summary.get("nature", "whitespace" if summary["whitespace_only"] else "wording")
    if nature not in get_args(Nature):
        raise ValueError(nature)
    counts = (summary["added_words"], summary["removed_words"])
    return TextDiff(tuple(map(_hunk_of, hunks)), summary["coarse"], *counts, nature)


def _hunk(hunk: Hunk) -> dict[str, Any]:
    shown = {
        "old_start": hunk.old_start,
        "new_start": hunk.new_start,
        "lines": [_line(line) for line in hunk.lines],
    }
    if hunk.abridged is None:
        return shown
    return {**shown, "abridged": {"old_lines": hunk.abridged[0], "new_lines": hunk.abridged[1]}}


def _hunk_of(answer: Mapping[str, Any]) -> Hunk:
    counted = answer.get("abridged")
    abridged = (counted["old_lines"], counted["new_lines"]) if counted else None
    return Hunk(answer["old_start"], answer["new_start"], tuple(map(_line_of, answer["lines"])), abridged)


def _line(line: Line) -> dict[str, Any]:
    segments = [{"text": s.text, "changed": s.changed} for s in line.segments]
    shown: dict[str, Any] = {"kind": line.kind, "old_no": line.old_no, "new_no": line.new_no, "segments": segments}
    shown |= {"paired": True} if line.paired else {}
    shown |= {} if line.move is None else {"move": line.move}
    return shown if line.newline else {**shown, "newline": False}


def _line_of(answer: Mapping[str, Any]) -> Line:
    segments = tuple(Segment(s["text"], s["changed"]) for s in answer["segments"])
    if answer["kind"] not in (" ", "-", "+"):
        raise ValueError(answer["kind"])
    return Line(
        answer["kind"],
        segments,
        answer["old_no"],
        answer["new_no"],
        answer.get("paired", False),
        answer.get("newline", True),
        answer.get("move"),
    )


def _shared(component: Shared) -> dict[str, Any]:
    return {
        "key": component.key,
        "old": component.old,
        "new": component.new,
        "used_by": list(component.used_by),
        "more": component.more,
    }


def _shared_of(answer: Mapping[str, Any]) -> Shared:
    return Shared(answer["key"], answer["old"], answer["new"], tuple(answer["used_by"]), answer["more"])
