"""A comparison for a web page: one fragment, every text escaped, no script, no style of its own."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pinset.domain import cost_words
from pinset.domain.diff import sentences, show
from pinset.domain.diff.lines import moves

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.domain.costs import CostChange
    from pinset.domain.diff.lines import Hunk, Line, TextDiff
    from pinset.domain.diff.model import Change, Comparison, Shared

_KINDS = {" ": "same", "-": "removed", "+": "added"}


def as_html(comparison: Comparison, *, old: str, new: str) -> str:
    """A ``<section class="diff">``; classes name the verdict, the impacts and the kinds of lines.

    old, new: the two references. Changed words are ``<del>`` and ``<ins>``, and each line has its sign, so that it
    reads without a style sheet and without colours.
    """
    verdict = comparison.verdict
    parts = [
        f'<section class="diff {verdict}">',
        f"<h2>{_text(old)} → {_text(new)}</h2>",
        f'<p class="verdict"><strong>{verdict}</strong> — {sentences.verdict(comparison)}</p>',
    ]
    parts += [f'<p class="more">{_text(comparison.more)}</p>'] if comparison.more else []
    parts += _worst(comparison)
    for _, group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
        changes = list(group)
        parts.append(f"<h3>{_text(sentences.part(changes[0]))}</h3>")
        parts += [line for change in changes for line in _change(change)]
    parts += _shared(sentences.concerned(comparison))
    parts += _costs(comparison.costs) if comparison.costs else ()
    return "\n".join([*parts, "</section>"]) + "\n"


def _worst(comparison: Comparison) -> Iterator[str]:
    worst = sentences.worst(comparison)
    if worst:
        items = (
            f"<li>{_text(sentences.part(c))} <code>{_text(c.path)}</code> {c.kind}: {_text(c.reason)}</li>"
            for c in worst
        )
        yield f'<ul class="breaking">{"".join(items)}</ul>'


def _change(change: Change) -> Iterator[str]:
    impact = change.impact.value
    what = change.kind if change.text is None else sentences.edit(change, change.text)
    yield f'<p class="change {impact}"><code>{_text(change.path)}</code> {what}'
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
        f'<span class="{side}"><{tag}>{_value(thing)}</{tag}></span>'
        for side, tag, absent, thing in sides
        if change.kind != absent
    ]
    yield f"<pre>{_joined(shown)}</pre>"


def _hunks(diff: TextDiff) -> str:
    told = {n: (sentences.left(move), sentences.arrived(move)) for n, move in moves(diff).items()}
    noted = sentences.ends_differ(diff)
    return "".join(f'<pre class="{diff.nature}">{_hunk(hunk, told, noted=noted)}</pre>' for hunk in diff.hunks)


def _hunk(hunk: Hunk, told: dict[int, tuple[str, str]], *, noted: bool) -> str:
    place = f"line {hunk.new_start}" + (f" (was {hunk.old_start})" if hunk.old_start != hunk.new_start else "")
    parts = [f'<span class="place">@@ {place}</span>']
    if hunk.abridged:
        parts.append(f'<span class="abridged">{show.became(hunk.abridged)}</span>')
    block: tuple[str, int] | None = None
    for line in hunk.lines:
        if line.move is None:
            block = None
            parts.append(_line(line, _KINDS[line.kind], line.kind, noted=noted))
            continue
        left, arrived = told[line.move]
        if block != (line.kind, line.move):
            words = f"&lt; {left}" if line.kind == "-" else f"&gt; {arrived}"
            parts.append(f'<span class="move">{words}</span>')
        block = (line.kind, line.move)
        if line.kind == "+" or sentences.is_edited(line):
            kind = "moved" if line.kind == "+" else "left"
            parts.append(_line(line, kind, "&gt;" if line.kind == "+" else "&lt;", noted=noted))
    return _joined(parts)


def _line(line: Line, kind: str, sign: str, *, noted: bool) -> str:
    tag = {"-": "del", "+": "ins"}.get(line.kind, "")
    shown = [show.telling(s.text) for s in line.segments]
    if shown and tag:
        shown[-1] = show.ending(shown[-1])
    pairs = zip(shown, line.segments, strict=True)
    inside = "".join(f"<{tag}>{escape(text)}</{tag}>" if s.changed and tag else escape(text) for text, s in pairs)
    end = ' <span class="end">(no line feed at the end)</span>' if noted and not line.newline else ""
    return f'<span class="{kind}">{sign} {inside}{end}</span>'


def _shared(shared: Sequence[Shared]) -> Iterator[str]:
    if not shared:
        return
    yield f'<h3>{sentences.SHARED}</h3>\n<ul class="shared">'
    for component in shared:
        users = sentences.users(component)
        told = f"<code>{_text(component.key)}</code> {_text(sentences.versions(component))}"
        yield f"<li>{told}, {_text(users)}</li>"
    yield "</ul>"


def _costs(costs: CostChange) -> Iterator[str]:
    yield f'<h3>{sentences.COSTS}</h3>\n<table class="costs"><caption>{_text(cost_words.headline(costs))}</caption>'
    yield '<thead><tr><th scope="col">part</th><th scope="col">tokens</th><th scope="col">change</th>'
    yield '<th scope="col">price of 1,000 calls</th></tr></thead><tbody>'
    for row in sentences.cost_rows(costs):
        kind = "part" if row.level else "whole"
        cells = "".join(f"<td>{_text(cell)}</td>" for cell in (row.tokens, row.delta, row.price))
        yield f'<tr class="{kind}"><th scope="row">{_text(row.name)}</th>{cells}</tr>'
    yield "</tbody></table>"
    yield "".join(f'<p class="note">{_text(note)}</p>' for note in sentences.cost_notes(costs))


def _joined(lines: list[str]) -> str:
    """Lines of a ``<pre>``: parted by line feeds, so that they are lines also without a style sheet."""
    return "\n".join(lines)


def _value(thing: Any) -> str:
    return "\n".join(escape(line) for line in show.outline(thing))


def _text(text: str) -> str:
    return escape(show.visible(text), quote=True)
