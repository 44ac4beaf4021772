"""The record of a purge, to keys and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.records import PurgeRecord, Stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.messages.releases import Described


def purge(record: PurgeRecord) -> Described:
    """Content was removed for good."""
    first, more = record.purged[0], len(record.purged) - 1
    return (
        f"purge {first}" + (f" and {more} more" if more else ""),
        record.reason,
        {
            "Purged": " ".join(record.purged),
            "Tombstone": record.tombstone,
            "First-Rewritten": str(record.first),
            "Head-Before": record.head,
        },
    )


def build_purge(stamp: Stamp, keys: Mapping[str, str], words: str) -> PurgeRecord:
    """The inverse of `purge`."""
    return PurgeRecord(
        stamp=stamp,
        purged=tuple(keys["Purged"].split()),
        tombstone=keys["Tombstone"],
        first=int(keys["First-Rewritten"]),
        head=keys["Head-Before"],
        reason=words,
    )
