"""A comparison for a web page: one fragment, every text escaped, no script, no style of its own."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pinset.domain.diff import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.lines import Hunk, Line, TextDiff
    from pinset.domain.diff.model import Change, Comparison

_KINDS = {" ": "same", "-": "removed", "+": "added"}


def as_html(comparison: Comparison, *, old: str, new: str) -> str:
    """A ``<section class="diff">``; classes name the verdict, the impacts and the kinds of lines.

    old, new: the two references. Changed words are ``<del>`` and ``<ins>``, so they read without a style sheet.
    """
    verdict = comparison.verdict
    parts = [
        f'<section class="diff {verdict}">',
        f"<h2>{_text(old)} → {_text(new)}</h2>",
        f'<p class="verdict">{verdict}</p>',
    ]
    parts += [f'<p class="more">{_text(comparison.more)}</p>'] if comparison.more else []
    for (component, name), group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
        parts.append(f"<h3>{_text(f'{component} {name}'.strip())}</h3>")
        parts += [line for change in group for line in _change(change)]
    return "\n".join([*parts, "</section>"]) + "\n"


def _change(change: Change) -> Iterator[str]:
    impact = change.impact.value
    yield f'<p class="change {impact}"><code>{_text(change.path)}</code> {change.kind}'
    yield f'<span class="impact">{impact}: {_text(change.reason)}</span></p>'
    if change.text is not None:
        yield _hunks(change.text)
        if change.text.coarse:
            yield f'<p class="coarse">{show.COARSE}</p>'
        return
    if change.abridged:
        yield f'<p class="coarse">{show.LONG}</p>'
        return
    sides = (("removed", "del", "added", change.old), ("added", "ins", "removed", change.new))
    shown = [
        f'<div class="{side}"><{tag}>{_value(thing)}</{tag}></div>'
        for side, tag, absent, thing in sides
        if change.kind != absent
    ]
    yield f"<pre>{''.join(shown)}</pre>"


def _hunks(diff: TextDiff) -> str:
    return "".join(f"<pre>{_hunk(hunk)}</pre>" for hunk in diff.hunks)


def _hunk(hunk: Hunk) -> str:
    if hunk.abridged:
        return f'<div class="abridged">{show.became(hunk.abridged)}</div>'
    return "".join(_line(line) for line in hunk.lines)


def _line(line: Line) -> str:
    tag = {"-": "del", "+": "ins"}.get(line.kind, "")
    inside = "".join(f"<{tag}>{_text(s.text)}</{tag}>" if s.changed and tag else _text(s.text) for s in line.segments)
    return f'<div class="{_KINDS[line.kind]}">{line.kind} {inside}</div>'


def _value(thing: Any) -> str:
    return "\n".join(escape(line) for line in show.outline(thing))


def _text(text: str) -> str:
    return escape(show.visible(text), quote=True)
