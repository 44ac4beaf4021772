"""The kinds of records that are published, served and yanked, to keys and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.messages.text import number, one_line, optional
from pinset.domain.records import (
    Action,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    ReleaseRecord,
    Stamp,
    Verdict,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Described = tuple[str, str, dict[str, str | None]]
    """A subject, the author's words, and the keys of a record beyond its stamp's."""


def founding(record: FoundingRecord) -> Described:
    """The registry was made, or moved house."""
    return (
        f"registry {record.registry_id}, epoch {record.epoch}",
        record.reason,
        {
            "Registry": record.registry_id,
            "Epoch": str(record.epoch),
            "Key-Name": record.key_name,
            "Key": record.key,
        },
    )


def build_founding(stamp: Stamp, keys: Mapping[str, str], words: str) -> FoundingRecord:
    """The inverse of `founding`."""
    return FoundingRecord(
        stamp=stamp,
        registry_id=keys["Registry"],
        epoch=int(keys["Epoch"]),
        reason=words,
        key=keys.get("Key"),
        key_name=keys.get("Key-Name"),
    )


def release(record: ReleaseRecord) -> Described:
    """A release was published."""
    label = f" ({record.label})" if record.label else ""
    return (
        f"publish {record.bundle} v{record.version}{label}",
        record.message,
        {
            "Bundle": record.bundle,
            "Version": str(record.version),
            "Label": record.label,
            "Digest": record.digest,
            "Source": one_line(record.source) if record.source is not None else None,
            "Rollback-To": number(record.rollback_to),
            "Made-From": str(record.made_from) if record.made_from is not None else None,
            "Made-From-Digest": record.made_from_digest,
            "Allowed": " ".join(record.allowed) or None,
            "Allow-Reason": one_line(record.allow_reason) or None,
        },
    )


def build_release(stamp: Stamp, keys: Mapping[str, str], words: str) -> ReleaseRecord:
    """The inverse of `release`."""
    return ReleaseRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        version=int(keys["Version"]),
        label=keys.get("Label"),
        digest=keys["Digest"],
        message=words,
        source=keys.get("Source"),
        rollback_to=optional(keys, "Rollback-To"),
        made_from=Version.parse(keys["Made-From"]) if "Made-From" in keys else None,
        made_from_digest=keys.get("Made-From-Digest"),
        allowed=tuple(keys.get("Allowed", "").split()),
        allow_reason=keys.get("Allow-Reason", ""),
    )


def component(record: ComponentRecord) -> Described:
    """A version of a shared component was published."""
    label = f" ({record.label})" if record.label else ""
    return (
        f"publish {record.kind}/{record.name} v{record.version}{label}",
        record.message,
        {
            "Component": f"{record.kind}/{record.name}",
            "Version": str(record.version),
            "Label": record.label,
            "Digest": record.digest,
            "Allowed": " ".join(record.allowed) or None,
            "Allow-Reason": one_line(record.allow_reason) or None,
        },
    )


def build_component(stamp: Stamp, keys: Mapping[str, str], words: str) -> ComponentRecord:
    """The inverse of `component`."""
    kind, _, name = keys["Component"].partition("/")
    return ComponentRecord(
        stamp=stamp,
        kind=kind,
        name=name,
        version=int(keys["Version"]),
        label=keys.get("Label"),
        digest=keys["Digest"],
        message=words,
        allowed=tuple(keys.get("Allowed", "").split()),
        allow_reason=keys.get("Allow-Reason", ""),
    )


def move(record: MoveRecord) -> Described:
    """An alias was moved."""
    was = f"v{record.from_version}" if record.from_version else "nothing"
    now = f"v{record.to_version}" if record.to_version else "nothing"
    return (
        f"{record.action} {record.bundle}@{record.alias}: {was} -> {now}",
        record.reason,
        {
            "Bundle": record.bundle,
            "Alias": record.alias,
            "Seq": str(record.seq),
            "Action": record.action.value,
            "From": number(record.from_version),
            "To": number(record.to_version),
            "Back": number(record.back),
            "Bars": number(record.bars),
            "Again": "yes" if record.again else None,
            "Policy": number(record.policy),
            "Promotion-Request": number(record.request),
            "Break-Glass": "yes" if record.glass else None,
        },
    )


def build_move(stamp: Stamp, keys: Mapping[str, str], words: str) -> MoveRecord:
    """The inverse of `move`."""
    return MoveRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        alias=keys["Alias"],
        seq=int(keys["Seq"]),
        action=Action(keys["Action"]),
        from_version=optional(keys, "From"),
        to_version=optional(keys, "To"),
        back=optional(keys, "Back"),
        reason=words,
        bars=optional(keys, "Bars"),
        again="Again" in keys,
        policy=optional(keys, "Policy"),
        request=optional(keys, "Promotion-Request"),
        glass="Break-Glass" in keys,
    )


def evidence(record: EvidenceRecord) -> Described:
    """A release was yanked, or that was taken back."""
    return (
        f"{record.verdict} {record.bundle} v{record.version}",
        record.reason,
        {"Bundle": record.bundle, "Version": str(record.version), "Verdict": record.verdict.value},
    )


def build_evidence(stamp: Stamp, keys: Mapping[str, str], words: str) -> EvidenceRecord:
    """The inverse of `evidence`."""
    return EvidenceRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        version=int(keys["Version"]),
        verdict=Verdict(keys["Verdict"]),
        reason=words,
    )
