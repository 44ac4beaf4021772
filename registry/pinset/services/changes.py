"""What became visible since a serial: for who keeps answers and must drop those that are no longer true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.exchange.spelling import dotted_name
from pinset.domain.names import is_bundle_name
from pinset.domain.records import BundleRecord, PurgeRecord, ReleaseRecord
from pinset.services import naming, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader
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
        if any(isinstance(record, PurgeRecord) for _, record in records):
            return Changes(identity, head.serial, None)  # every commit since has another id
        # A shared component belongs to no bundle, and changes no release: those hold it by value.
        changed = {name for _, record in records if (name := getattr(record, "bundle", None)) is not None}
        changed |= {one for _, record in records for name in _called(record) for one in _overtaken(reader, name)}
        known = naming.named(reader)
        known.learn(changed)
        every = frozenset(one for name in changed for one in known.names(name))
    return Changes(identity, head.serial, every)


def _called(record: Record) -> tuple[str, ...]:
    """What a record says that a bundle is called, which it may not have been called before."""
    match record:
        case BundleRecord():
            return (record.name, *record.names)
        case ReleaseRecord():
            return (record.bundle,)
        case _:
            return ()


def _overtaken(reader: CatalogReader, name: str) -> Iterator[str]:
    """The bundles that a name may have meant until it was given: ``team.x`` by ``team/x``, and ``team`` with its prompt ``x``."""
    of = name[: max(name.rfind("."), name.rfind("/"), 0)]
    yield from (one for one in map(dotted_name, (name, of)) if one is not None)
    if of and not is_bundle_name(of) and (row := reader.spelled(of)) is not None:
        yield row.name
