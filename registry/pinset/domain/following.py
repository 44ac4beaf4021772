"""Which events somebody wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.access import EVERYTHING, Verb, may
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.access import Grant
    from pinset.domain.answers.events import EventAnswer

MOST: Final = 1000
"""Names that one stream may be limited to."""
_OF_STREAMS: Final = frozenset({"ready", "reset", "lost"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A choice of events. bundles: of these alone. aliases: moves alone, and of these; empty: any.

    grants: what who wants them may read; nothing else is among them. Whoever names aliases asks what they serve, and a release or a yank changes no alias.
    """

    bundles: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = EVERYTHING

    @classmethod
    def of(cls, bundles: Sequence[str], aliases: Sequence[str], grants: tuple[Grant, ...] = EVERYTHING) -> Wanted:
        """Of names as users write them. Raises InvalidName, and InvalidInput for too many."""
        if max(len(bundles), len(aliases)) > MOST:
            raise InvalidInput(f"a stream is limited to at most {MOST} names", hint="leave the names out to get all")
        return cls(
            frozenset(names.bundle_name(name) for name in bundles),
            frozenset(names.alias_name(name) for name in aliases),
            grants,
        )

    def includes(self, event: EventAnswer) -> bool:
        """Whether an event is among them. What is said of the stream itself always is."""
        if event["event"] in _OF_STREAMS:
            return True
        data: Any = event["data"]
        if event["event"] == "purge":
            return not self.aliases and self._includes_purge(data["purged"])
        if self.bundles and data.get("bundle") not in self.bundles:
            return False
        if self.aliases and (event["event"] != "move" or data["alias"] not in self.aliases):
            return False
        return may(self.grants, Verb.READ, data.get("bundle") or "", data.get("alias") or "")

    def _includes_purge(self, refs: Sequence[str]) -> bool:
        """Whether a purge is of a bundle that is wanted. Whoever may not read all that it names is not told of it."""
        named = {ref.partition("@")[0] for ref in refs}
        if self.bundles and self.bundles.isdisjoint(named):
            return False
        return all(may(self.grants, Verb.READ, name) for name in named if "/" not in name)
