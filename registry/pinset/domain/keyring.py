"""The rule of signatures: which key each commit of a registry must be signed with, checked one commit after another.

From the first commit that names a key of the registry's own, every commit is signed by one that is active there. A
commit that names the first key, or begins an epoch with a new one, is signed by that very key: whether it is the
registry's is told by the private halves at hand.

A purge writes commits anew, and signs them anew. A key whose private half is gone signs nothing more: then a commit is
signed with a key of later, and the purge's own commit vouches for it, if that key is active there. But no key vouches
for the commit that names it: else whoever has a key of his own could bring it in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pinset.domain import keys as k
from pinset.domain.commits import RawCommit, parse_raw
from pinset.domain.records import (
    FoundingRecord,
    KeyAction,
    KeyRecord,
    PurgeRecord,
    Purpose,
    ResultRecord,
    SignatureRecord,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.domain.records import Record

    Signer = Callable[[RawCommit], str | None]
    """The public key by which a commit is signed, None for none. ValueError for a signature that does not fit."""
    Vouches = Callable[[k.Key, str, SignatureRecord | ResultRecord], bool]
    """Whether a signature of an author or an evaluator is by a key, of the registry with that id."""


@dataclass(frozen=True, slots=True)
class _Late:
    """A commit that is signed with a key that was not active at its serial."""

    serial: int
    where: str
    signer: str


@dataclass(frozen=True, slots=True)
class _Purge:
    """A purge that may vouch for the commits from ``first`` to the one before it, by keys that were active at its own."""

    serial: int
    first: int
    active: frozenset[str]

    def reaches(self, serial: int) -> bool:
        return self.first <= serial < self.serial


@dataclass(slots=True)
class Keyring:
    """Commits in, in the order of their serials; what is wrong with the signature of each out.

    signer: checks signatures; None checks none. vouches: checks those of authors. own: public halves of the keys that
    can sign here, empty where that says nothing. unsigned: accept commits without a signature, such as those that were
    pushed by git. whole: all of a history is added, so that a purge that comes later may vouch for a commit; `finish` says
    for which none did.
    """

    signer: Signer | None = None
    vouches: Vouches | None = None
    own: frozenset[str] = frozenset()
    unsigned: bool = False
    whole: bool = False
    keys: dict[str, k.Key] = field(default_factory=dict)
    signed: int = 0
    """How many commits had a signature that counts."""
    begun: str | None = None
    """The key that a commit named and was signed with itself, of the newest such commit."""
    signer_of_last: str | None = None
    """The public key that the commit looked at last is signed with."""
    _registry: str = ""
    _late: list[_Late] = field(default_factory=list)
    _purges: list[_Purge] = field(default_factory=list)
    _began: set[str] = field(default_factory=set)
    _named_by: dict[str, str | None] = field(default_factory=dict)
    """Keys of the registry, and with which key the commit that names each is signed."""

    def add(self, record: Record, raw: str) -> str | None:
        """What is wrong with a commit's signature, or with what it says of keys; None where nothing is."""
        if isinstance(record, FoundingRecord):
            self._registry = record.registry_id
        what = self.check(record, raw) or self._wrong(record)
        named, signer = names(record), self.signer_of_last
        if named is not None:
            self._named_by.setdefault(named, signer)
        if isinstance(record, PurgeRecord) and signer is not None:
            self._purges.append(_Purge(record.stamp.serial, record.first, frozenset(self._active())))
        if isinstance(record, FoundingRecord | KeyRecord):
            self.keys = k.after(self.keys, record)
        return what

    def finish(self) -> list[tuple[str, str]]:
        """The commits that no purge vouches for, and should: on which branch, and what is wrong. Idempotent."""
        late = {one.serial: one for one in self._late}
        vouching: list[_Purge] = []
        for purge in reversed(self._purges):
            # Its own commit may be one that a later purge wrote anew.
            if purge.serial not in late or self._is_vouched(late[purge.serial], vouching):
                vouching.append(purge)
        return [(one.where, _stranger(one.signer)) for one in self._late if not self._is_vouched(one, vouching)]

    def check(self, record: Record, raw: str) -> str | None:
        """What is wrong with a commit's signature, by the keys that are known so far."""
        if self.signer is None:
            return None
        self.signer_of_last = None
        try:
            signer = self.signer_of_last = self.signer(parse_raw(raw))
        except ValueError as error:
            return f"has {error}"
        active = self._active()
        named = _begins_with(record, first=not active)
        if signer is None:
            return None if self.unsigned or not (active or named) else "is not signed by the registry"
        if signer not in (*active, named):
            if not self.whole:
                return _stranger(signer)
            self._late.append(_Late(record.stamp.serial, record.ref, signer))
        if signer in active or signer != named:
            self.signed += 1
            return None
        self.begun, self.signed = named, self.signed + 1
        self._began.add(signer)
        foreign = self.own and signer not in self.own and self._own_before()
        return f"begins with the key {k.fingerprint(signer)}, which is not this registry's" if foreign else None

    def _is_vouched(self, late: _Late, purges: list[_Purge]) -> bool:
        signer = late.signer
        return any(one.reaches(late.serial) and signer in one.active for one in purges) and self._is_rooted(signer)

    def _is_rooted(self, key: str) -> bool:
        """Whether one may go from a key to the one that named it, and so on, to one that began by itself as it may."""
        seen = {key}
        while key not in self._began:
            before = self._named_by.get(key)
            if before is None or before in seen:
                return False
            seen.add(before)
            key = before
        return True

    def is_stranger(self, raw: str) -> bool:
        """Whether a commit that is none of the registry's, whatever it says, is not signed by it either."""
        known = self._active() or self.own
        if self.signer is None or not known:
            return False
        try:
            return self.signer(parse_raw(raw)) not in known
        except ValueError:
            return True

    def _active(self) -> set[str]:
        return {key.public for key in self.keys.values() if key.purpose is Purpose.REGISTRY and key.active}

    def foreign_end(self) -> str | None:
        """What is wrong where the last key that was begun with is not among those that sign here."""
        if not self.own or self.begun is None or self.begun in self.own:
            return None
        return f"the registry begins with the key {k.fingerprint(self.begun)}, and its private half is not here"

    def _own_before(self) -> bool:
        return any(key.public in self.own for key in self.keys.values())

    def _wrong(self, record: Record) -> str | None:
        if isinstance(record, KeyRecord):
            return self._wrong_key(record)
        if self.vouches is None:
            return None
        if isinstance(record, SignatureRecord):
            return self._vouched(record, record.key, Purpose.AUTHOR, self.vouches)
        if isinstance(record, ResultRecord) and record.signer is not None:
            return self._vouched(record, record.signer, Purpose.EVIDENCE, self.vouches)
        return None

    def _vouched(
        self, record: SignatureRecord | ResultRecord, name: str, purpose: Purpose, vouches: Vouches
    ) -> str | None:
        key = self.keys.get(name)
        if key is None or not key.active or key.purpose is not purpose:
            return f"is signed with the key {name}, which is not known or counts no more"
        if not vouches(key, self._registry, record):
            return (
                f"holds a signature that is not {name}'s of this {'release' if purpose is Purpose.AUTHOR else 'result'}"
            )
        return None

    def _wrong_key(self, record: KeyRecord) -> str | None:
        known = self.keys.get(record.name)
        if record.action is KeyAction.ADD:
            if known is not None:
                return f"adds the key {record.name} a second time"
            if any(key.public == record.public for key in self.keys.values()):
                return f"adds a key as {record.name} that is there under another name"
            return None
        if known is None or not known.active or known.public != record.public:
            return f"retires the key {record.name}, which is not there or is retired"
        return None


def names(record: Record) -> str | None:
    """The key of the registry's own that a commit makes known."""
    if isinstance(record, FoundingRecord):
        return record.key
    if isinstance(record, KeyRecord) and record.purpose is Purpose.REGISTRY and record.action is KeyAction.ADD:
        return record.public
    return None


def _stranger(signer: str) -> str:
    return f"is signed with {k.fingerprint(signer)}, which is no active key of the registry"


def _begins_with(record: Record, *, first: bool) -> str | None:
    """The key that a commit may be signed with though nobody named it before."""
    return names(record) if first or isinstance(record, FoundingRecord) else None
