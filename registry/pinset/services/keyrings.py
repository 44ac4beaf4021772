"""The keys that a registry knows, of its catalog or of its whole history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset import signing
from pinset.domain import keys as k
from pinset.domain.keyring import Keyring

if TYPE_CHECKING:
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.store import Store

_BATCH: Final = 100


def keyring_of(store: Store, *, unsigned: bool = False) -> Keyring:
    """The rule of signatures for the whole history of a store. unsigned: accept commits that nobody signed."""
    return Keyring(
        signer=signing.checks_commit,
        vouches=signing.vouches,
        own=frozenset(store.signing_keys()),
        unsigned=unsigned,
        whole=True,
    )


def keys_of(reader: CatalogReader) -> dict[str, k.Key]:
    """Every key that the registry knows, by name, the oldest first."""
    records: list[Record] = []
    before = None
    while batch := reader.notes(("registry", "key"), bundle="", before=before, limit=_BATCH):
        records += [record for _, record in batch]
        if len(batch) < _BATCH:
            break
        before = records[-1].stamp.serial
    return k.folded(reversed(records))
