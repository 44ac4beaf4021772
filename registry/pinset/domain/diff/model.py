"""What a comparison says: changes, each with an impact, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from pinset.domain.costs import CostChange
    from pinset.domain.diff.lines import TextDiff
    from pinset.domain.diff.paths import Kind
    from pinset.domain.diff.words import PendingDiff

Part = Literal["prompt", "model", "retrieval", "tool", "guardrail", "config", "metadata", "file"]


class Impact(StrEnum):
    """What a change does to a running application, worst first.

    breaking: code that calls, or that answers the model's calls, has to change with it. behaviour: the same code gets
    other answers. cosmetic: nothing that the model or the code can see.
    """

    BREAKING = "breaking"
    BEHAVIOUR = "behaviour"
    COSMETIC = "cosmetic"


@dataclass(frozen=True, slots=True)
class Change:
    """One place where two releases differ.

    name: of the part, as in the release document. path: inside the part, '' for the whole part. reason: one line,
    why the impact is what it is. text: the line and word difference where a longer text changed. abridged: the values
    are too long for the answer, and then both are None. pending: the texts whose difference ``text`` will be; None in
    whatever `compare` gives.
    """

    component: Part
    name: str
    path: str
    kind: Kind
    impact: Impact
    reason: str
    old: Any = None
    new: Any = None
    text: TextDiff | None = None
    abridged: bool = False
    pending: PendingDiff | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """A shared component that both sides hold in different versions, or only one of them holds.

    key: ``kind/name``. old, new: ``v3``, or a digest where that is all there is; None on the side that lacks it.
    used_by: other bundles that use it, as far as the reader may know them; more: how many of those are not named.
    """

    key: str
    old: str | None
    new: str | None
    used_by: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes in reading order: prompts, models, retrieval, tools, guardrails, configs, metadata, files; then by name.

    left_out: how many more there are of each impact than are listed. shared: components that moved on, with whom else
    that concerns. costs: what a call costs on both sides, None where nobody asked.
    """

    changes: tuple[Change, ...]
    left_out: dict[Impact, int] = field(default_factory=dict)
    shared: tuple[Shared, ...] = ()
    costs: CostChange | None = None

    @property
    def verdict(self) -> str:
        """The worst impact: ``breaking``, ``behaviour`` or ``cosmetic``; ``none`` without changes."""
        found = {change.impact for change in self.changes} | {x for x, count in self.left_out.items() if count}
        return next((impact.value for impact in Impact if impact in found), "none")

    def reaches(self, impact: Impact) -> bool:
        """Whether the verdict is at least this bad."""
        order = list(Impact)
        return any(self.count(worse) for worse in order[: order.index(impact) + 1])

    def count(self, impact: Impact) -> int:
        """How many changes have this impact."""
        return sum(change.impact is impact for change in self.changes) + self.left_out.get(impact, 0)

    @property
    def total(self) -> int:
        """How many changes there are, listed or not."""
        return len(self.changes) + sum(self.left_out.values())

    @property
    def more(self) -> str:
        """A line about the changes that are not listed, '' for none."""
        told = ", ".join(f"{count} {impact.value}" for impact, count in self.left_out.items() if count)
        return f"not listed: {told}" if told else ""
