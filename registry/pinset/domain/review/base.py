"""Which release a candidate and what an alias serves both come from, and what brought each thing that it lacks.

Where it is recorded what a release was made from, that counts. Else the candidate comes from what the alias served when it
was published, unless it is plainly more like another release that the alias served: then somebody published from a
working copy that was older, or newer, than that. What a rollback has undone is no longer on the alias's line, so a
candidate never lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pinset.domain.diff.lacking import distance, lacking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.diff.lacking import Lack

Why = Literal["recorded", "served", "nearest"]
LOOKED_AT: Final = 6
"""Releases of an alias's line that a candidate is held against."""
_TRACED: Final = 500_000
"""Values and lines of the candidate times releases, up to which it is found out what brought each thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A release on an alias's line, and the move that brought it there. serial: the release's; moved: the move's.

    by, reason, at: the move's; at in microseconds.
    """

    version: int
    label: str | None
    serial: int
    moved: int
    at: int
    by: str
    reason: str
    message: str
    published_by: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """The release that both sides come from, and why it is taken for that."""

    release: Served
    why: Why


def base_of(
    content: Mapping[str, Any], serial: int | None, line: Sequence[Served], recorded: Served | None = None
) -> Base | None:
    """What a candidate and the first of a line both come from; None for an alias that serves nothing.

    serial: of the candidate's publishing, None for a working copy: it may come from anything. line: what the alias
    serves, then what it served before, each release once. recorded: what is known to be the base.
    """
    if recorded is not None or not line:
        return Base(recorded, "recorded") if recorded is not None else None
    known = [one for one in line[:LOOKED_AT] if serial is None or one.serial <= serial]
    if not known:
        return None
    usual = next((one for one in known if serial is None or one.moved < serial), known[-1])
    apart = {one.version: distance(one.content, content) for one in known}
    nearest = min(known, key=lambda one: (apart[one.version], one is not usual, -one.moved))
    return Base(usual, "served") if nearest is usual else Base(nearest, "nearest")


def what_is_lacking(
    base: Base, line: Sequence[Served], content: Mapping[str, Any]
) -> tuple[list[tuple[Lack, Served]], int]:
    """What the first of a line has since the base and a candidate lacks, each with what brought it; how many more.

    What brought a change is the oldest release since the base that has the same change; where later ones changed the
    same place again, that is the first one which has it as it is now.
    """
    now = line[0]
    found, more = lacking(base.release.content, now.content, content)
    if not found:
        return [], more
    since = [one for one in line[1:LOOKED_AT] if one.moved > base.release.moved and one.version != base.release.version]
    brought = {one.change: now for one in found}
    size = distance({}, content)
    for older in since if size * len(since) <= _TRACED else ():
        had = {one.change for one in lacking(base.release.content, older.content, content)[0]}
        for change, bringer in brought.items():
            # Only without a gap: what was taken out and came again is of who brought it again.
            if change in had and bringer is _newer(line, older):
                brought[change] = older
    return [(one, brought[one.change]) for one in found], more


def held_again(now: Mapping[str, Any], left: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[int, int]:
    """Of what a release changed that a rollback left behind: how much of it a candidate has, and how much that was.

    now: what is served instead.
    """
    changed, more = lacking(now, left, now)
    missing, missing_more = lacking(now, left, content)
    total = len(changed) + more
    return max(total - len(missing) - missing_more, 0), total


def _newer(line: Sequence[Served], one: Served) -> Served:
    return line[line.index(one) - 1]
