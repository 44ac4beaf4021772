"""The kinds of records of keys and signatures, to keys and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.messages.text import number, one_line, optional
from pinset.domain.records.keys import KeyAction, KeyRecord, Purpose, SignatureRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.messages.releases import Described
    from pinset.domain.records import Stamp


def key(record: KeyRecord) -> Described:
    """A key is known from here on, or counts no more."""
    return (
        f"{record.action} key {record.name}",
        record.reason,
        {
            "Action": record.action.value,
            "Key-Name": record.name,
            "Purpose": record.purpose.value,
            "Key": record.public,
            "Key-Person": one_line(record.key_person) if record.key_person is not None else None,
            "Epoch": number(record.epoch),
            "Compromised": "yes" if record.compromised else None,
        },
    )


def build_key(stamp: Stamp, keys: Mapping[str, str], words: str) -> KeyRecord:
    """The inverse of `key`."""
    return KeyRecord(
        stamp=stamp,
        name=keys["Key-Name"],
        purpose=Purpose(keys["Purpose"]),
        public=keys["Key"],
        action=KeyAction(keys["Action"]),
        key_person=keys.get("Key-Person"),
        epoch=optional(keys, "Epoch"),
        compromised="Compromised" in keys,
        reason=words,
    )


def signature(record: SignatureRecord) -> Described:
    """A release was signed by an author."""
    return (
        f"sign {record.bundle} v{record.version} with {record.key}",
        "",
        {
            "Bundle": record.bundle,
            "Version": str(record.version),
            "Digest": record.digest,
            "Key-Name": record.key,
            "Signature": record.signature,
        },
    )


def build_signature(stamp: Stamp, keys: Mapping[str, str], words: str) -> SignatureRecord:  # noqa: ARG001 - all have it
    """The inverse of `signature`."""
    return SignatureRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        version=int(keys["Version"]),
        digest=keys["Digest"],
        key=keys["Key-Name"],
        signature=keys["Signature"],
    )
