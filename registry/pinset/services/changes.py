"""What became visible since a serial: for who keeps answers and must drop those that are no longer true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange.spelling import dotted_name
from pinset.domain.records import BundleRecord, PurgeRecord
from pinset.services import naming, reading

if TYPE_CHECKING:
    from pinset.services.session import Context

_MOST: Final = 500
"""Records that are looked at one by one; after more of them everything counts as changed."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The registry's identity (id, epoch), its newest serial, and the bundles that changed, by all their names.

    None for all of them.
    """

    identity: tuple[str, int]
    serial: int
    bundles: frozenset[str] | None


def changes(context: Context, after: int) -> Changes:
    """What changed after a serial, of one view."""
    with reading.view(context) as reader:
        head = reader.head()
        identity = (head.registry_id, head.epoch)
        if not after <= head.serial <= after + _MOST:
            return Changes(identity, head.serial, None)
        records = reader.records(after=after, limit=_MOST)
        # After a purge every commit since has another id; and what a bundle is called may have been another's spelling.
        if any(isinstance(record, (BundleRecord, PurgeRecord)) for _, record in records):
            return Changes(identity, head.serial, None)
        # A shared component belongs to no bundle, and changes no release: those hold it by value.
        changed = {name for _, record in records if (name := getattr(record, "bundle", None)) is not None}
        # A spelling counts before a bundle that is named like it: what was asked for by it may be another now.
        said = (record for _, record in records if isinstance(record, BundleRecord))
        changed |= {dotted for record in said for name in record.names if (dotted := dotted_name(name)) is not None}
        known = naming.named(reader)
        known.learn(changed)
        every = frozenset(one for name in changed for one in known.names(name))
    return Changes(identity, head.serial, every)
