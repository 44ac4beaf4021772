"""Proof: the rules that hold between all commits of a registry, checked one commit after another.

It is told commits as they are stored and remembers what it needs: that every digest is the manifest's, every tree
the release's, every serial, seq, back and parent the one it must be. It does no I/O; `pinset verify` feeds it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinset.domain import sealed, tombstones
from pinset.domain.bundle_proof import Bundles
from pinset.domain.keyring import Keyring
from pinset.domain.keys import allowed_signers
from pinset.domain.notes import texts_of
from pinset.domain.records import (
    KEYS_FILE,
    POLICY_FILE,
    REGISTRY_FILE,
    ROOT,
    Action,
    Aim,
    Binding,
    BundleRecord,
    ComponentRecord,
    DecisionRecord,
    EvidenceRecord,
    FoundingRecord,
    KeyRecord,
    MoveRecord,
    PolicyRecord,
    PurgeRecord,
    Record,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
    SignatureRecord,
)
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One commit: ids, and what its message says. parents: ids, and ROOT. raw: its own text, where that is known."""

    ref: str
    commit: str
    tree: str
    parents: tuple[str, ...]
    record: Record
    files: Mapping[str, str]
    raw: str = ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a commit: never its files, for there may be many."""

    commit: str
    record: Record


@dataclass(frozen=True, slots=True)
class _Release:
    commit: str
    tree: str
    digest: str


@dataclass(slots=True)
class Proof:
    """Facts in, problems out. Give facts in the order of their serials.

    keyring: the rule of signatures; by default none is checked.
    """

    keyring: Keyring = field(default_factory=Keyring)
    problems: list[tuple[str, str]] = field(default_factory=list)
    commits: int = 0
    releases: int = 0
    moves: int = 0
    texts: int = 0
    _last: _Known | None = None
    _founded: FoundingRecord | None = None
    _tips: dict[str, _Known] = field(default_factory=dict)
    _releases: dict[tuple[str, int], _Release] = field(default_factory=dict)
    _labels: set[tuple[str, str]] = field(default_factory=set)
    _main: Mapping[str, str] = field(default_factory=dict)
    _policy: int = 0
    _requests: dict[int, Binding] = field(default_factory=dict)
    _served: set[tuple[str, int | None, int | None]] = field(default_factory=set)
    _serials: array[int] = field(default_factory=lambda: array("q"))
    _bundles: Bundles = field(default_factory=Bundles)
    _empty: dict[str, tuple[Fact, str]] = field(default_factory=dict)
    """Versions without content that no tombstone has named yet, and their digests."""

    @property
    def serial(self) -> int:
        """The serial of the last commit, 0 before the first."""
        return self._last.record.stamp.serial if self._last else 0

    @property
    def commit(self) -> str:
        """The last commit, '' before the first."""
        return self._last.commit if self._last else ""

    def add(self, fact: Fact) -> None:
        """Check one commit against all before it."""
        self.commits += 1
        record = fact.record
        if record.ref != fact.ref:
            self._problem(fact, f"says it belongs to {record.ref}")
        self._check_serial(fact)
        what = self.keyring.add(record, fact.raw)
        if what is not None:
            self._problem(fact, what)
        match record:
            case ReleaseRecord() | ComponentRecord():
                self._check_sealed(fact, record)
                self._check_version(fact, record)
            case MoveRecord():
                self._check_move(fact, record)
            case FoundingRecord():
                self._check_founding(fact, record)
            case PolicyRecord():
                self._check_policy(fact, record)
            case KeyRecord():
                self._check_parents(fact)
                self._check_main(fact, {KEYS_FILE})
                self._check_keys_file(fact)
            case EvidenceRecord() | ResultRecord() | RequestRecord() | DecisionRecord() | SignatureRecord():
                self._check_note(fact, record)
            case PurgeRecord():
                self._check_purge(fact, record)
            case BundleRecord():
                self._check_bundle(fact, record)
        self._serials.append(record.stamp.serial)
        self._last = self._tips[fact.ref] = _Known(fact.commit, record)

    def finish(self) -> None:
        """Say what only the end shows: content that is missing, and that nobody purged. Idempotent."""
        for fact, _ in self._empty.values():
            self._problem(fact, "has no content, and was not purged")
        self._empty.clear()
        self.problems += [one for one in self.keyring.finish() if one not in self.problems]

    def _check_serial(self, fact: Fact) -> None:
        stamp, last = fact.record.stamp, self._last
        if last is None:
            if not isinstance(fact.record, FoundingRecord):
                self._problem(fact, "is the first commit there is, and founds no registry")
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

    def _check_founding(self, fact: Fact, record: FoundingRecord) -> None:
        self._check_parents(fact)
        if fact.files.get(REGISTRY_FILE) != record.files[REGISTRY_FILE]:
            self._problem(fact, f"holds another {REGISTRY_FILE} than it says")
        self._check_main(fact, {REGISTRY_FILE, KEYS_FILE} if record.key else {REGISTRY_FILE})
        if record.key:
            self._check_keys_file(fact)
        before, self._founded = self._founded, record
        if before is None:
            return
        if record.registry_id != before.registry_id:
            self._problem(fact, f"says the registry is {record.registry_id}, and it is {before.registry_id}")
        if record.epoch <= before.epoch:
            self._problem(fact, f"begins epoch {record.epoch} after {before.epoch}")

    def _check_keys_file(self, fact: Fact) -> None:
        if fact.files.get(KEYS_FILE) != allowed_signers(self.keyring.keys):
            self._problem(fact, f"holds another {KEYS_FILE} than its keys make")

    def _check_main(self, fact: Fact, own: set[str]) -> None:
        """On the branch `main` each commit changes its own files."""
        blank = dict.fromkeys(own, "")
        if {**fact.files, **blank} != {**self._main, **blank}:
            self._problem(fact, f"changes more than {' and '.join(sorted(own))}")
        self._main = fact.files

    def _check_policy(self, fact: Fact, record: PolicyRecord) -> None:
        self._check_parents(fact)
        self._check_texts(fact, record)
        self._check_main(fact, {POLICY_FILE})
        if record.number != self._policy + 1:
            self._problem(fact, f"is policy {record.number} after {self._policy}")
        if record.request is not None:
            asked = self._requests.get(record.request)
            if asked is None or (asked.aim, asked.digest, asked.policy) != (Aim.POLICY, record.digest, self._policy):
                self._problem(fact, f"is not what request {record.request} asked for")
        self._policy = record.number

    def _check_note(
        self,
        fact: Fact,
        record: EvidenceRecord | ResultRecord | RequestRecord | DecisionRecord | SignatureRecord,
    ) -> None:
        self._check_parents(fact)
        self._check_texts(fact, record)
        if isinstance(record, EvidenceRecord | ResultRecord | SignatureRecord):
            if (record.bundle, record.version) not in self._releases:
                self._problem(fact, f"is about {record.bundle}@v{record.version}, which does not exist")
            elif (
                not isinstance(record, EvidenceRecord)
                and self._releases[record.bundle, record.version].digest != record.digest
            ):
                self._problem(fact, "is about another digest than the release has")
        elif isinstance(record, RequestRecord):
            if record.number != len(self._requests) + 1:
                self._problem(fact, f"is request {record.number} after {len(self._requests)}")
            self._requests[record.number] = record.binding
        elif self._requests.get(record.number) != record.binding:
            self._problem(fact, f"decides what request {record.number} did not ask for")

    def _check_texts(self, fact: Fact, record: Record) -> None:
        try:
            texts_of(record, fact.files)
        except PinsetError as error:
            self._problem(fact, error.message)

    def _check_parents(self, fact: Fact, *more: str, first: tuple[str, ...] = ()) -> None:
        tip = self._tips.get(fact.ref)
        if fact.parents != ((tip.commit,) if tip else first) + more:
            self._problem(fact, "does not follow the commit before it on its branch")

    def _check_sealed(self, fact: Fact, record: ReleaseRecord | ComponentRecord) -> None:
        release = isinstance(record, ReleaseRecord)
        if not fact.files:
            self._empty[str(record.which)] = fact, record.digest
            return
        files = dict(fact.files)
        manifest = files.pop(sealed.MANIFEST if release else sealed.COMPONENT, "")
        self.texts += len(files)
        try:
            sealed.verify(sealed.Sealed(manifest, files), record.digest)
        except PinsetError as error:
            self._problem(fact, error.message)
            return
        content = sealed.parse(manifest)
        if isinstance(record, ReleaseRecord):
            named = content.get("bundle")
            wrong = not self._bundles.has(record.bundle, named)
        else:
            named = f"{content.get('kind')}/{content.get('name')}"
            wrong = named != f"{record.kind}/{record.name}"
        if wrong:
            self._problem(fact, f"holds the manifest of {named}")

    def _check_bundle(self, fact: Fact, record: BundleRecord) -> None:
        self._check_parents(fact)
        for what in self._bundles.add(record, fact.files):
            self._problem(fact, what)

    def _check_purge(self, fact: Fact, record: PurgeRecord) -> None:
        """A tombstone names what is empty, and the commits that its purge wrote anew."""
        self._check_parents(fact)
        try:
            tombstone = tombstones.read(fact.files, record.tombstone)
        except PinsetError as error:
            self._problem(fact, error.message)
            return
        wrong = tombstones.differs(tombstone, record, self._serials[bisect_left(self._serials, record.first) :])
        if wrong is not None:
            self._problem(fact, wrong)
        for gone in tombstone.gone:
            _, digest = self._empty.pop(gone.ref, (None, ""))
            if digest != gone.digest:
                self._problem(fact, f"purges {gone.ref}, which is whole, or another, or was never there")

    def _check_version(self, fact: Fact, record: ReleaseRecord | ComponentRecord) -> None:
        self._check_parents(fact)
        tip = self._tips.get(fact.ref)
        before = tip.record if tip else None
        if isinstance(before, ReleaseRecord | ComponentRecord) and record.version <= before.version:
            self._problem(fact, f"has version {record.version} after {before.version}")
        if before is not None and not isinstance(before, type(record)):
            self._problem(fact, "follows a commit of another kind")
        if record.label is not None:
            key = (fact.ref, record.label.lower())
            if key in self._labels:
                self._problem(fact, f"has the label {record.label} a second time")
            self._labels.add(key)
        if isinstance(record, ReleaseRecord):
            self.releases += 1
            for what in self._bundles.released(record.bundle):
                self._problem(fact, what)
            self._releases[record.bundle, record.version] = _Release(fact.commit, fact.tree, record.digest)

    def _check_move(self, fact: Fact, record: MoveRecord) -> None:
        self.moves += 1
        tip = self._tips.get(fact.ref)
        before = tip.record if tip and isinstance(tip.record, MoveRecord) else None
        if record.seq != (before.seq if before else 0) + 1:
            self._problem(fact, f"has seq {record.seq} after {before.seq if before else 0}")
        if record.from_version != (before.to_version if before else None):
            self._problem(fact, "does not come from what the alias served")
        if (record.action is Action.RETIRE) != (record.to_version is None):
            self._problem(fact, f"is a {record.action}, and goes to {record.to_version or 'nothing'}")
        if record.to_version is None:
            self._check_parents(fact)
            if fact.files:
                self._problem(fact, "retires the alias and still holds files")
        elif (release := self._releases.get((record.bundle, record.to_version))) is None:
            self._problem(fact, f"goes to v{record.to_version}, which does not exist")
        else:
            self._check_parents(fact, release.commit, first=(ROOT,))
            if fact.tree != release.tree:
                self._problem(fact, f"does not hold what v{record.to_version} holds")
        if (record.policy or 0) != self._policy:
            self._problem(fact, f"is under policy {record.policy or 0}, and {self._policy} is in force")
        if record.glass and not self._policy:
            self._problem(fact, "breaks the glass of no policy")
        if record.request is not None and not _fulfils(record, self._requests.get(record.request)):
            self._problem(fact, f"is not what request {record.request} asked for")
        self._check_back(fact, record, before)
        self._served.add((fact.ref, record.to_version, record.back))

    def _check_back(self, fact: Fact, record: MoveRecord, before: MoveRecord | None) -> None:
        rollback = record.action is Action.ROLLBACK
        if not rollback and record.back != (before.seq if before else None):
            self._problem(fact, "has a Back that is not the move before it")
        if rollback and (fact.ref, record.to_version, record.back) not in self._served:
            self._problem(fact, "rolls back to nothing that the alias served")
        if rollback and record.bars != record.from_version:
            self._problem(fact, "does not bar what it left behind")
        if not rollback and record.bars is not None:
            self._problem(fact, f"bars v{record.bars}, which only a rollback does")

    def _problem(self, fact: Fact, what: str) -> None:
        self.problems.append((f"{fact.ref} {fact.commit[:12]}", what))


def _fulfils(move: MoveRecord, asked: Binding | None) -> bool:
    """Whether a move is what a request was about: the alias as it was then, to the same, under the same policy."""
    return asked is not None and (
        move.bundle,
        move.alias,
        move.from_version,
        move.seq,
        move.to_version,
        move.policy or 0,
    ) == (
        asked.bundle,
        asked.alias,
        asked.from_version,
        asked.from_seq + 1,
        asked.to_version,
        asked.policy,
    )
