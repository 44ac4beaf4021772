"""Which events somebody wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import names
from pinset.domain.access import EVERYTHING, Verb, may
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
            return not self.aliases and self._includes_purge(data["purged"], data.get("also", {}))
        called = (data.get("bundle") or "", *data.get("formerly", ()))
        if self.bundles and self.bundles.isdisjoint(called):
            return False
        if self.aliases and (event["event"] != "move" or data["alias"] not in self.aliases):
            return False
        return any(may(self.grants, Verb.READ, name, data.get("alias") or "") for name in called)

    def _includes_purge(self, refs: Sequence[str], also: Mapping[str, Sequence[str]]) -> bool:
        """Whether a purge is of a bundle that is wanted. Whoever may not read all that it names is not told of it.

        also: the same refs by the other names of their bundles.
        """
        called = [{one.partition("@")[0] for one in (ref, *also.get(ref, ()))} for ref in refs]
        if self.bundles and self.bundles.isdisjoint(set().union(*called)):
            return False
        return all(any("/" in name or may(self.grants, Verb.READ, name) for name in names) for names in called)
