"""A comparison for a merge request or a chat: Markdown in which no part's text can act."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from pinset.domain.diff import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.diff.model import Change, Comparison

# Everything that Markdown, HTML or a forge's mentions, issue links and emoji give a meaning to.
_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&@:/$^=\"']")


def as_markdown(comparison: Comparison, *, old: str, new: str) -> str:
    """Headings and lists; texts and long values in fenced blocks whose fence is longer than any inside.

    old, new: the two references.
    """
    lines = [f"**{_plain(old)} → {_plain(new)}**", "", f"Verdict: **{comparison.verdict}**"]
    lines += ["", _plain(comparison.more)] if comparison.more else []
    for (component, name), group in groupby(comparison.changes, key=lambda c: (c.component, c.name)):
        lines += ["", f"### {component} {_plain(name)}".rstrip(), ""]
        for change in group:
            lines += _change(change)
    return "\n".join(lines) + "\n"


def _change(change: Change) -> Iterator[str]:
    where = _plain(change.path) or "all of it"
    yield f"- {where} {change.kind} ({change.impact.value}: {_plain(change.reason)})"
    if change.abridged and change.text is None:
        yield from ("", f"  {show.LONG}", "")
        return
    yield from ("", *_fence(_body(change)), "")
    if change.text is not None and change.text.coarse:
        yield from (f"  {show.COARSE}", "")


def _body(change: Change) -> list[str]:
    if change.text is None:
        old = [] if change.kind == "added" else [f"- {line}" for line in show.outline(change.old)]
        new = [] if change.kind == "removed" else [f"+ {line}" for line in show.outline(change.new)]
        return old + new
    body: list[str] = []
    for hunk in change.text.hunks:
        body.append(f"@@ -{hunk.old_start} +{hunk.new_start} @@")
        body += [f"# {show.became(hunk.abridged)}"] if hunk.abridged else []
        body += [f"{line.kind} {show.visible(line.text)}" for line in hunk.lines]
    return body


def _fence(body: list[str]) -> list[str]:
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {line}" for line in (f"{fence}diff", *body, fence)]


def _plain(text: str) -> str:
    """Text that stays text: signs with a meaning as character references."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group())};", show.visible(text))
