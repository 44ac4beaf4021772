"""What is said of a review, in sentences. Texts of authors stand in them as they are seen, shortened, on one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff import show
from pinset.domain.messages.text import format_time

if TYPE_CHECKING:
    from pinset.domain.diff.lacking import Lack
    from pinset.domain.review.base import Base, Served

_QUOTED: Final = 72
"""Characters of an author's text in a sentence."""
LINES: Final = 20
"""Lines of one place that are told."""


def quoted(text: str, limit: int = _QUOTED) -> str:
    """A text in quotation marks, on one line, with what cannot be seen as code points."""
    return f"“{show.cut(show.visible(' '.join(text.split())), limit)}”"


def count(number: int, what: str) -> str:
    """``1 change``, ``2 changes``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def place(lack: Lack) -> str:
    """Where something is: ``prompt default, template line 12``."""
    inside = "shared component" if lack.path == "component" else show.visible(lack.path)
    if lack.line is not None:
        inside += f" line {lack.line}"
    part = show.visible(f"{lack.component} {lack.name}".strip())
    return f"{part}, {show.cut(inside, 80)}" if inside else part


def brought(release: Served) -> str:
    """What brought something, and who: ``v9 (ana, 2026-03-14: “hot fix”)``."""
    words = release.reason or release.message
    who = f"{show.cut(show.visible(release.by), 60)}, {format_time(release.at)[:10]}"
    return f"v{release.version} ({who}{f': {quoted(words)}' if words else ''})"


def sentence(lack: Lack, by: Served, alias: str, candidate: str) -> str:
    """What an alias has that a candidate lacks. candidate: what to call that."""
    end = f"{candidate} would undo it" if lack.kind == "lacks" else f"{candidate} changes the same place otherwise"
    return f"{alias} has since {brought(by)}: {place(lack)}: {what(lack)}; {end}"


def what(lack: Lack) -> str:
    """What was done there: ``“Never promise refunds.” added``, or ``0.2 → 0.3``."""
    if lack.line is None:
        return f"{_value(lack.base)} → {_value(lack.serves)}"
    told = []
    for lines, verb in ((lack.added, "added"), (lack.removed, "taken out")):
        if lines:
            first = next((line for line in lines if line.strip()), "")
            more = f" and {len(lines) - 1} more lines" if len(lines) > 2 else " and a line" if len(lines) == 2 else ""
            told.append(f"{quoted(first) if first else 'a blank line'}{more} {verb}")
    return ", ".join(told)


def why(base: Base, alias: str, candidate: str, version: int | None, usual: int | None) -> str:
    """Why a release is taken for what both come from. version: the candidate's; usual: what the alias served then."""
    of = f"v{base.release.version}"
    if version == base.release.version:
        return f"{alias} served {of} before"
    if base.why == "recorded":
        return f"{candidate} was made from {of}"
    if base.why == "served" and version is None:
        return f"{alias} serves {of}"
    if base.why == "served":
        return f"{alias} served {of} when {candidate} was published"
    than = f" than like v{usual}, which {alias} served" if usual not in (None, base.release.version) else ""
    return f"{candidate} is more like {of}{than}"


def _value(value: Any) -> str:
    return "nothing" if value is None else show.cut(show.value(value), _QUOTED)
