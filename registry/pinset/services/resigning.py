"""Signing a history anew: with which key each commit that a purge writes is signed, and a proof that it will count.

A commit is signed with the key that it was signed with before, as long as the private half of that is here and it was
not stolen; else with another one that counted then; else with the key of now, and the purge vouches for it: see
`domain.keyring`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain import keys as k
from pinset.domain import messages
from pinset.domain.keyring import names
from pinset.domain.records import Purpose
from pinset.errors import Integrity, ReadOnly
from pinset.services import keyrings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.keyring import Keyring
    from pinset.domain.records import Record
    from pinset.ports.store import Store, StoredCommit, Written

_BACK: Final = (
    "put the folder keys/ back from a backup; without one, make the registry anew from a clone, and purge there: "
    "pinset init DIR --from CLONE"
)


class Resigner:
    """Is told the commits of a registry in the order of their serials, and those that are written in their place.

    keys: all that the registry knows now. before, after: the rule of signatures, for the history as it is and as it
    will be.
    """

    def __init__(self, store: Store, keys: Mapping[str, k.Key]) -> None:
        self._here = frozenset(store.signing_keys())
        self._stolen = {key.public for key in keys.values() if key.compromised}
        self._now = k.signing(keys)
        # What nobody signed was taken in knowingly: see `recovering.rebuild`.
        self._before: Keyring = keyrings.keyring_of(store, unsigned=True)
        self._after: Keyring = keyrings.keyring_of(store)

    def signer_for(self, record: Record, stored: StoredCommit) -> str | None:
        """The public key that a commit is to be signed with; None for one of before the registry signed.

        Raises Integrity for a commit that is not signed as it must be.
        """
        active = self._before.keys
        what = self._before.add(record, stored.raw)
        if what is not None:
            raise Integrity(f"{stored.ref} {stored.commit[:12]} {what}", hint="see what else is wrong: pinset verify")
        signer = self._before.signer_of_last
        if signer is None and k.signing(active) is None:
            return None
        # What makes a key known says so by the word of another one, even if that was stolen later.
        may = self._here if names(record) else self._here - self._stolen
        own = [key for key in active.values() if key.purpose is Purpose.REGISTRY and key.active]
        newest = [key.public for key in sorted(own, key=lambda key: -key.since)]
        now = self._now.public if self._now else None
        return next((one for one in (signer, *newest) if one in may), now)

    def kept(self, record: Record, stored: StoredCommit) -> None:
        """A commit stays as it is."""
        self._after.add(record, stored.raw)

    def written(self, record: Record, written: Written) -> None:
        """A commit was written anew, or is the purge's own."""
        what = self._after.add(record, f"{written.head}\n\n{messages.encode(record)}")
        if what is not None:
            raise Integrity(f"{record.ref} {written.commit[:12]} {what}", hint="see what is wrong: pinset verify")

    def prove(self) -> None:
        """Raises Integrity, ReadOnly where the history that was written would not count as the registry's own."""
        for where, what in [*self._before.finish(), *self._after.finish()]:
            raise ReadOnly(
                f"a commit of {where} would be one that {what}: the private half of the key that signed it is not here",
                hint=_BACK,
            )
