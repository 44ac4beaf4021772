"""Notes: what is recorded about the registry or about a release, beside what is published and moved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from pinset.domain.records import (
    POLICY_FILE,
    Aim,
    BundleRecord,
    DecisionRecord,
    EvidenceRecord,
    FoundingRecord,
    KeyRecord,
    PolicyRecord,
    PurgeRecord,
    RequestRecord,
    ResultRecord,
    SignatureRecord,
)
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.records import Record


class Note(NamedTuple):
    """What a note is found by. bundle: '' for the registry. number: of a policy or a request; the epoch, of a founding and of a key of the registry."""

    bundle: str
    version: int | None
    number: int | None


def note_of(record: Record) -> Note | None:
    """What a record is found by; None for one that is no note."""
    match record:
        case FoundingRecord() | KeyRecord():
            return Note("", None, record.epoch)
        case EvidenceRecord() | ResultRecord() | SignatureRecord():
            return Note(record.bundle, record.version, None)
        case PolicyRecord():
            return Note("", None, record.number)
        case PurgeRecord() | BundleRecord():
            return Note(getattr(record, "bundle", ""), None, None)
        case RequestRecord() | DecisionRecord():
            return Note(record.binding.bundle, record.binding.to_version, record.number)
        case _:
            return None


def digest_of_text(text: str) -> str:
    """The digest that names a text: ``sha256:`` and hex."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def texts_of(record: Record, files: Mapping[str, str]) -> dict[str, str]:
    """The texts of a note that can be asked for, by SHA-256 (hex). Raises Integrity where they are not those it names."""
    wanted, found = None, ""
    match record:
        case PolicyRecord():
            wanted, found = record.digest, files.get(POLICY_FILE, "")
        case RequestRecord() if record.binding.aim is Aim.POLICY:
            wanted, found = record.binding.digest, files.get(POLICY_FILE, "")
        case ResultRecord() if record.report is not None:
            wanted, found = record.report, next(iter(files.values()), "")
    if wanted is None:
        return {}
    if digest_of_text(found) != wanted:
        raise Integrity("a commit holds another text than it names", hint="run `pinset verify`")
    return {wanted.removeprefix("sha256:"): found}
