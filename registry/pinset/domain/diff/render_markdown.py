"""A comparison for a merge request or a chat: Markdown in which no part's text can act.

It is what GitHub and GitLab both take: headings, lists, tables, fenced blocks of the kind ``diff``, nothing else.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from pinset.domain import cost_words
from pinset.domain.diff import sentences, show
from pinset.domain.diff.forges import code, fenced, plain
from pinset.domain.diff.lines import moves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinset.domain.costs import CostChange
    from pinset.domain.diff.lines import Line, TextDiff
    from pinset.domain.diff.model import Change, Comparison, Shared

_SHORT: Final = 100
"""Characters of a value, or of both, that stand on the line of their change."""


def as_markdown(comparison: Comparison, *, old: str, new: str) -> str:
    """Headings and lists; texts and long values in fenced blocks whose fence is longer than any inside.

    old, new: the two references. A line that moved begins with ``!``, below a line that says from where.
    """
    return "\n".join(_parted(_page(comparison, old, new))) + "\n"


def _page(comparison: Comparison, old: str, new: str) -> Iterator[str]:
    yield from (f"**{code(old)} → {code(new)}**", "")
    yield from (f"Verdict: **{comparison.verdict}** — {sentences.verdict(comparison)}", "")
    yield from (plain(comparison.more), "")
    for change in sentences.worst(comparison):
        where = " ".join(filter(None, (change.component, code(change.name), code(change.path))))
        yield f"- **breaking:** {where} {change.kind}: {plain(change.reason)}"
    for _, group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
        changes = list(group)
        yield from ("", f"### {changes[0].component} {code(changes[0].name)}".rstrip(), "")
        for change in changes:
            yield from _change(change)
    yield from _shared(sentences.concerned(comparison))
    yield from _costs(comparison.costs) if comparison.costs else ()


def _parted(lines: Iterable[str]) -> Iterator[str]:
    """The lines with one empty line where there are several, and none at the end."""
    empty = False
    for n, line in enumerate(lines):
        if line:
            yield from ("", line) if empty and n else (line,)
        empty = not line


def _change(change: Change) -> Iterator[str]:
    where = code(change.path) or "all of it"
    impact = f"({change.impact.value}: {plain(change.reason)})"
    if change.text is not None:
        yield from (f"- {where}: {sentences.edit(change, change.text)} {impact}", "")
        yield from (*_inside(fenced(diff_lines(change.text), "diff")), "")
        yield from (f"  {show.COARSE}", "") if change.text.coarse else ()
        return
    if change.abridged:
        yield from (f"- {where} {change.kind} {impact}", "", f"  {show.LONG}", "")
        return
    values = [
        show.value(side) for side, absent in ((change.old, "added"), (change.new, "removed")) if change.kind != absent
    ]
    if sum(map(len, values)) <= _SHORT:
        told = " → ".join(map(code, values))
        yield f"- {where}: {told if len(values) > 1 else f'{change.kind} {told}'} {impact}"
        return
    yield from (f"- {where} {change.kind} {impact}", "", *_inside(fenced(value_lines(change), "diff")), "")


def value_lines(change: Change) -> list[str]:
    """Both values of a change for a fence of the kind ``diff``, over as many lines as they take, all visible."""
    old = [] if change.kind == "added" else [f"- {line}" for line in show.outline(change.old)]
    new = [] if change.kind == "removed" else [f"+ {line}" for line in show.outline(change.new)]
    return old + new


def diff_lines(diff: TextDiff) -> list[str]:
    """The lines of a changed text for a fence of the kind ``diff``, everything in them visible."""
    body: list[str] = []
    places = moves(diff)
    before = sentences.counterparts(diff)
    ends_differ = sentences.ends_differ(diff)
    for hunk in diff.hunks:
        body.append(f"@@ -{hunk.old_start} +{hunk.new_start} @@")
        body += [f"# {show.became(hunk.abridged)}"] if hunk.abridged else []
        block: tuple[str, int] | None = None
        for line in hunk.lines:
            noted = ["\\ no line feed at the end"] if ends_differ and not line.newline else []
            if line.move is None:
                block = None
                body += [_line(line), *noted]
                continue
            if block != (line.kind, line.move):
                move = places[line.move]
                body.append(f"# {sentences.left(move) if line.kind == '-' else sentences.arrived(move)}")
            block = (line.kind, line.move)
            body += [*_arrived(line, before.get(line.new_no or 0)), *noted] if line.kind == "+" else noted
    return body


def _arrived(line: Line, old: Line | None) -> list[str]:
    """A line where it arrived; with both of its forms where it was edited on the way."""
    if old is None or old.segments == line.segments:
        return [f"! {show.ending(show.telling(line.text))}"]
    return [_line(old), _line(line)]


def _line(line: Line) -> str:
    text = show.telling(line.text)
    return f"{line.kind} {text if line.kind == ' ' else show.ending(text)}"


def _shared(shared: Sequence[Shared]) -> Iterator[str]:
    if shared:
        yield from ("", f"### {sentences.SHARED}", "")
    for component in shared:
        users = sentences.users(component)
        told = f"{code(component.key)} {plain(sentences.versions(component))}"
        yield f"- {told}{f', {plain(users)}' if users else ''}"


def _costs(costs: CostChange) -> Iterator[str]:
    yield from ("", f"### {sentences.COSTS}", "", plain(cost_words.headline(costs)), "")
    yield from ("| | tokens | | price of 1,000 calls |", "| --- | --- | ---: | --- |")
    for row in sentences.cost_rows(costs):
        cells = (f"{'… ' * row.level}{row.name}", row.tokens, row.delta, row.price)
        yield f"| {' | '.join(map(plain, cells))} |"
    yield ""
    for note in sentences.cost_notes(costs):
        yield f"- {plain(note)}"


def _inside(lines: list[str]) -> list[str]:
    """Lines that belong to the item of a list above them."""
    return [f"  {line}" for line in lines]
