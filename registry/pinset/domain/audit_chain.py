"""Whether a head that was kept elsewhere is in a registry's chain, and the first thing that is not as it must be.

Every commit names the commit of the serial before, so the id of one stands for all before it: who rewrites any of them
changes the id that was kept.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pinset.domain import tombstones
from pinset.domain.messages import format_time
from pinset.domain.records import FoundingRecord, PurgeRecord
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinset.domain.auditing import Head
    from pinset.domain.proof import Fact
    from pinset.domain.records import Stamp


class Verdict(StrEnum):
    """What became of a kept head."""

    HOLDS = "holds"
    PURGED = "purged"
    """It was written anew by a purge, which is recorded: it holds."""
    ANOTHER = "another_registry"
    TRUNCATED = "truncated"
    LOST = "lost"
    REWRITTEN = "rewritten"
    DAMAGED = "damaged"


@dataclass(slots=True)
class Chain:
    """Is told the commits of a registry in the order of their serials.

    since: how many there are after the kept one. whole: whether it was told all of them.
    """

    kept: Head
    since: int = 0
    whole: bool = False
    registry: str = ""
    epoch: int = 0
    _last: tuple[Stamp, str] | None = None
    _there: str = ""
    _purge: str = ""
    _differences: list[tuple[int, Verdict, str]] = field(default_factory=list)

    def add(self, fact: Fact) -> None:
        """Look at one commit."""
        stamp = fact.record.stamp
        if isinstance(fact.record, FoundingRecord):
            self.registry, before, self.epoch = fact.record.registry_id, self.epoch, fact.record.epoch
            self._moved_house(fact.record, before)
        self._follows(fact, stamp)
        if stamp.serial == self.kept.serial:
            self._there = fact.commit
            self._compare(fact.commit, stamp)
        self.since += stamp.serial > self.kept.serial
        self._last = stamp, fact.commit
        if isinstance(fact.record, PurgeRecord):
            with suppress(PinsetError):  # the proof says what is wrong with a tombstone
                found = tombstones.read(fact.files, fact.record.tombstone)
                self.purged(stamp, found.before, fact.record.reason)

    def purged(self, stamp: Stamp, before: Iterable[tuple[int, str]], reason: str = "") -> None:
        """A purge wrote commits anew, and its tombstone says which they were: serials and commits.

        Its own commit must have been proven. Where it names the kept one, that is there under its new id.
        """
        if self._there == self.kept.commit or (self.kept.serial, self.kept.commit) not in before:
            return
        self._differences = [one for one in self._differences if one[2] != self._renamed()]
        why = f", because {reason}" if reason else ""
        self._purge = (
            f"serial {self.kept.serial} was written anew by a purge at serial {stamp.serial}, by {stamp.actor}{why}; "
            "that is recorded"
        )

    def verdict(self) -> tuple[Verdict, str]:
        """What is different first, and the same as a sentence."""
        if self._last is None:
            return Verdict.TRUNCATED, "there is no commit at all"
        if self.registry != self.kept.registry:
            return Verdict.ANOTHER, f"this is the registry {self.registry}, and the head is of {self.kept.registry}"
        last = self._last[0].serial
        if last < self.kept.serial:
            gone = f"it ends at serial {last}, and serial {self.kept.serial} was there: what came between is gone"
            self._differences.append((last + 1, Verdict.TRUNCATED, gone))
        elif not self._there and not self._differences:
            self._differ(self.kept.serial, Verdict.LOST, f"serial {self.kept.serial} is on no branch")
        if self._differences:
            _, verdict, says = min(self._differences, key=lambda one: one[0])
            return verdict, says
        if self._purge:
            return Verdict.PURGED, self._purge
        return Verdict.HOLDS, f"serial {self.kept.serial} is there as it was"

    def _moved_house(self, record: FoundingRecord, before: int) -> None:
        """A new epoch leaves a gap in the serials; what was kept of there is lost with the old place."""
        last = self._last[0].serial if self._last else 0
        if before and last < self.kept.serial < record.stamp.serial:
            why = f" ({record.reason})" if record.reason else ""
            says = f"serial {self.kept.serial} is gone: epoch {record.epoch} began after serial {last}{why}"
            self._differ(last + 1, Verdict.LOST, says)

    def _follows(self, fact: Fact, stamp: Stamp) -> None:
        if self._last is None:
            return
        before, commit = self._last
        if stamp.serial > before.serial + 1 and not isinstance(fact.record, FoundingRecord):
            self._differ(before.serial + 1, Verdict.LOST, f"serial {before.serial + 1} is on no branch")
        elif stamp.prev != commit:
            says = f"serial {stamp.serial} follows {stamp.prev}, and serial {before.serial} is {commit}"
            self._differ(stamp.serial, Verdict.REWRITTEN, says)

    def _compare(self, commit: str, stamp: Stamp) -> None:
        kept = self.kept
        if commit != kept.commit:
            self._differ(stamp.serial, Verdict.REWRITTEN, self._renamed())
        if (stamp.at, self.epoch) != (kept.at, kept.epoch):
            says = f"serial {stamp.serial} is of epoch {self.epoch} and {format_time(stamp.at)}, and the head says otherwise"
            self._differ(stamp.serial, Verdict.REWRITTEN, says)

    def _renamed(self) -> str:
        return f"serial {self.kept.serial} is {self._there}, and was {self.kept.commit}"

    def _differ(self, serial: int, verdict: Verdict, says: str) -> None:
        self._differences.append((serial, verdict, says))
