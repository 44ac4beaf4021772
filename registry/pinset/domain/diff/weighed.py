"""A difference with its weight: what the judges of each kind of part give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.domain.diff.model import Change, Impact
from pinset.domain.diff.words import pending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.diff.model import Part
    from pinset.domain.diff.paths import Kind, PathChange
    from pinset.domain.diff.schemas import SchemaChange

LONG_TEXT: Final = 60
"""Characters from which an edited text is shown as one, with its words marked, and not as old → new."""


class Weight(NamedTuple):
    """What a difference does, and why."""

    impact: Impact
    reason: str


def behaviour(reason: str) -> Weight:
    """The same code gets other answers."""
    return Weight(Impact.BEHAVIOUR, reason)


def breaking(reason: str) -> Weight:
    """Code has to change with it."""
    return Weight(Impact.BREAKING, reason)


def change(part: Part, name: str, found: PathChange | SchemaChange, weight: Weight) -> Change:
    """A difference inside a part as a change; an edited longer text is compared later."""
    old, new = found.old, found.new
    texts = pending(old, new) if isinstance(old, str) and isinstance(new, str) and _long(old, new) else None
    return Change(part, name, found.path, found.kind, weight.impact, weight.reason, old, new, pending=texts)


def whole(part: Part, name: str, old: Any, new: Any, weight: Weight) -> Change:
    """A part that only one side has; the other one is None."""
    kind: Kind = "added" if old is None else "removed"
    return Change(part, name, "", kind, weight.impact, weight.reason, old, new)


def mapping(value: Any) -> dict[str, Any]:
    """A mapping; anything else is an empty one."""
    return value if isinstance(value, dict) else {}


def ordered(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """All names, ``default`` first, then in order of the alphabet."""
    return sorted(old.keys() | new.keys(), key=lambda name: (name != "default", name))


def as_number(value: Any) -> float | None:
    """A number; a boolean is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _long(old: str, new: str) -> bool:
    return max(len(old), len(new)) >= LONG_TEXT or "\n" in old or "\n" in new
