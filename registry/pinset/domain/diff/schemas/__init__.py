"""What a changed JSON Schema does to those who meet the values.

`proving` answers whether values of one schema fit another; `walking` tells where the two differ and asks it what each
difference does; `telling` weighs that by who writes the values and who reads them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.diff.budget import Budget
from pinset.domain.diff.model import Impact
from pinset.domain.diff.paths import same
from pinset.domain.diff.schemas.nodes import members, strings
from pinset.domain.diff.schemas.telling import MUST, Place, SchemaChange
from pinset.domain.diff.schemas.walking import Walker

if TYPE_CHECKING:
    from pinset.domain.diff.paths import Kind

__all__ = ["Place", "SchemaChange", "schema_diff"]


def schema_diff(old: Any, new: Any, place: Place, path: str, budget: Budget | None = None) -> list[SchemaChange]:
    """What changes between two schemas. None stands for no schema at all. budget: the comparison's."""
    if same(old, new):
        return []
    if old is None or new is None:
        return [_whole(old, new, place, path)]
    return Walker(place, old, new, budget or Budget()).run(path)


def _whole(old: Any, new: Any, place: Place, path: str) -> SchemaChange:
    """A schema that only one side has. What was not described was not relied on, but an answer is read as it was."""
    kind: Kind = "added" if old is None else "removed"
    if place == "output":
        return SchemaChange(path, kind, old, new, Impact.BREAKING, "the answer has another form")
    required = strings(new.get("required")) if isinstance(new, dict) else frozenset()
    if required:
        names = ", ".join(name for name in members(new, "properties") if name in required) or ", ".join(
            sorted(required)
        )
        return SchemaChange(path, kind, old, new, Impact.BREAKING, MUST[place].format(names))
    return SchemaChange(path, kind, old, new, Impact.BEHAVIOUR, f"the {place} are described otherwise")
