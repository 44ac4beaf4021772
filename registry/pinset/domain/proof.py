"""Proof: the rules that hold between all commits of a registry, checked one commit after another.

It is told commits as they are stored and remembers what it needs: that every digest is the manifest's, every tree
the release's, every serial, seq, back and parent the one it must be. It does no I/O; `pinset verify` feeds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pinset.domain import sealed
from pinset.domain.records import (
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    Record,
    ReleaseRecord,
)
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One commit: ids, and what its message says. parents: without the root's id, which the store leaves to itself."""

    ref: str
    commit: str
    tree: str
    parents: tuple[str, ...]
    record: Record
    files: Mapping[str, str]


@dataclass(slots=True)
class Proof:
    """Facts in, problems out. Give facts in the order of their serials."""

    problems: list[tuple[str, str]] = field(default_factory=list)
    commits: int = 0
    releases: int = 0
    moves: int = 0
    texts: int = 0
    _last: Fact | None = None
    _tips: dict[str, Fact] = field(default_factory=dict)
    _releases: dict[tuple[str, int], Fact] = field(default_factory=dict)
    _labels: set[tuple[str, str]] = field(default_factory=set)
    _moves: dict[tuple[str, str, int], MoveRecord] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        """Check one commit against all before it."""
        self.commits += 1
        record = fact.record
        if record.ref != fact.ref:
            self._problem(fact, f"says it belongs to {record.ref}")
        self._check_serial(fact)
        match record:
            case ReleaseRecord() | ComponentRecord():
                self._check_sealed(fact, record)
            case MoveRecord():
                self._check_move(fact, record)
            case EvidenceRecord():
                if (record.bundle, record.version) not in self._releases:
                    self._problem(fact, f"is about {record.bundle}@v{record.version}, which does not exist")
                self._check_parent(fact)
            case FoundingRecord():
                self._check_parent(fact)
        self._last = self._tips[fact.ref] = fact

    def _check_serial(self, fact: Fact) -> None:
        stamp, last = fact.record.stamp, self._last
        if last is None:
            if stamp.prev is not None:
                self._problem(fact, "is the first commit there is, and names one before it")
            return
        before = last.record.stamp
        moved_house = isinstance(fact.record, FoundingRecord)
        if stamp.serial != before.serial + 1 and not (moved_house and stamp.serial > before.serial):
            self._problem(fact, f"has serial {stamp.serial} after {before.serial}")
        if stamp.prev != last.commit:
            self._problem(fact, f"follows {stamp.prev}, and serial {before.serial} is {last.commit}")
        if stamp.at <= before.at:
            self._problem(fact, "is not later than the commit before it")

    def _check_parent(self, fact: Fact) -> None:
        tip = self._tips.get(fact.ref)
        if fact.parents != ((tip.commit,) if tip else ()):
            self._problem(fact, "does not follow the commit before it on its branch")

    def _check_sealed(self, fact: Fact, record: ReleaseRecord | ComponentRecord) -> None:
        name = sealed.MANIFEST if isinstance(record, ReleaseRecord) else sealed.COMPONENT
        files = dict(fact.files)
        manifest = files.pop(name, "")
        self.texts += len(files)
        try:
            sealed.verify(sealed.Sealed(manifest, files), record.digest)
        except PinsetError as error:
            self._problem(fact, error.message)
        self._check_parent(fact)
        tip = self._tips.get(fact.ref)
        if tip is not None and not isinstance(tip.record, type(record)):
            self._problem(fact, "follows a commit of another kind")
        newest: Any = tip.record if tip else None
        if newest is not None and record.version <= newest.version:
            self._problem(fact, f"has version {record.version} after {newest.version}")
        if record.label is not None:
            key = (fact.ref, record.label.lower())
            if key in self._labels:
                self._problem(fact, f"has the label {record.label} a second time")
            self._labels.add(key)
        if isinstance(record, ReleaseRecord):
            self.releases += 1
            self._releases[record.bundle, record.version] = fact

    def _check_move(self, fact: Fact, record: MoveRecord) -> None:
        self.moves += 1
        tip = self._tips.get(fact.ref)
        before = tip.record if tip and isinstance(tip.record, MoveRecord) else None
        if record.seq != (before.seq if before else 0) + 1:
            self._problem(fact, f"has seq {record.seq} after {before.seq if before else 0}")
        if record.from_version != (before.to_version if before else None):
            self._problem(fact, "does not come from what the alias served")
        release = self._releases.get((record.bundle, record.to_version)) if record.to_version else None
        if record.to_version is not None and release is None:
            self._problem(fact, f"goes to v{record.to_version}, which does not exist")
        if release is not None and (fact.tree != release.tree or fact.parents[-1:] != (release.commit,)):
            self._problem(fact, f"does not hold what v{record.to_version} holds")
        if record.to_version is None and fact.files:
            self._problem(fact, "retires the alias and still holds files")
        if tip is not None and fact.parents[:1] != (tip.commit,):
            self._problem(fact, "does not follow the move before it")
        self._check_back(fact, record, before)
        self._moves[record.bundle, record.alias, record.seq] = record

    def _check_back(self, fact: Fact, record: MoveRecord, before: MoveRecord | None) -> None:
        if record.action is not Action.ROLLBACK:
            if record.back != (before.seq if before else None):
                self._problem(fact, "has a Back that is not the move before it")
            return
        earlier = (self._moves.get((record.bundle, record.alias, seq)) for seq in range(1, record.seq))
        if not any(move and move.to_version == record.to_version and move.back == record.back for move in earlier):
            self._problem(fact, "rolls back to nothing that the alias served")
        if before is not None and record.bars != before.to_version:
            self._problem(fact, "does not bar what it left behind")

    def _problem(self, fact: Fact, what: str) -> None:
        self.problems.append((f"{fact.ref} {fact.commit[:12]}", what))
