"""The record of a bundle itself, to keys and back. Texts of any characters are JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pinset.domain.records import BundleAction, BundleRecord, Stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.messages.releases import Described


def bundle(record: BundleRecord) -> Described:
    """A bundle was described, archived or renamed."""
    to = f" to {record.name}" if record.action is BundleAction.RENAME else ""
    described = json.dumps(record.description, ensure_ascii=False) if record.description else None
    return (
        f"bundle {record.action} {record.bundle}{to}",
        record.reason,
        {
            "Bundle": record.bundle,
            "Action": record.action.value,
            "Name": record.name,
            "Names": json.dumps(record.names, ensure_ascii=False) if record.names else None,
            "Owner": record.owner or None,
            "Description": described,
            "Archived": "yes" if record.archived else None,
        },
    )


def build_bundle(stamp: Stamp, keys: Mapping[str, str], words: str) -> BundleRecord:
    """The inverse of `bundle`."""
    return BundleRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        action=BundleAction(keys["Action"]),
        name=keys["Name"],
        names=_names(keys["Names"]) if "Names" in keys else (),
        owner=keys.get("Owner", ""),
        description=json.loads(keys["Description"]) if "Description" in keys else "",
        archived="Archived" in keys,
        reason=words,
    )


def _names(text: str) -> tuple[str, ...]:
    names = json.loads(text)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("Names is no list of texts")
    return tuple(names)
