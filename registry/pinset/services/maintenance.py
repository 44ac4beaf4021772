"""Making, rebuilding, repacking and saving a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import keys, messages
from pinset.domain.records import KEYS_FILE, FoundingRecord, Stamp
from pinset.errors import AlreadyExists, Integrity
from pinset.ports.store import Files, NewCommit, RefMove
from pinset.services import foreign, keyrings, recovering, verifying

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.ports.progress import Progress
    from pinset.services.session import Context

FOUNDER = "pinset"
SERIAL_GAP = 1000
"""How far a registry that moved house jumps ahead, so that writes lost with the old one are never numbered again."""


def found(context: Context, registry_id: str) -> None:
    """Write the first commit of a new registry. Raises AlreadyExists where there is one."""
    with context.store.exclusive():
        if context.store.refs():
            raise AlreadyExists("the repository is not empty", hint="open it, or choose another directory")
        stamp = Stamp(serial=1, prev=None, at=context.clock.now(), actor=FOUNDER, operation="op_init")
        record = FoundingRecord(
            stamp=stamp,
            registry_id=registry_id,
            epoch=1,
            **_new_key(context, {}),
        )
        _write(context, record, None, {})
        recovering.rebuild(context)


def move_house(context: Context, reason: str) -> None:
    """Begin a new epoch: said once by a registry that was made from a backup or a clone."""
    with context.store.exclusive():
        recovering.rebuild(context)
        with context.catalog.reading() as reader:
            head, at, known = reader.head(), reader.ref("refs/heads/main"), keyrings.keys_of(reader)
        signing = keys.signing(known)
        # The private half of the one before is elsewhere: this registry signs with a key of its own.
        new = signing is None or signing.public not in context.store.signing_keys()
        stamp = Stamp(
            serial=head.serial + SERIAL_GAP,
            prev=head.commit,
            at=max(context.clock.now(), head.at + 1),
            actor=FOUNDER,
            operation=f"op_epoch_{head.epoch + 1}",
        )
        record = FoundingRecord(
            stamp=stamp,
            registry_id=head.registry_id,
            epoch=head.epoch + 1,
            reason=reason,
            **(_new_key(context, known) if new else {}),
        )
        _write(context, record, at, known)
        recovering.rebuild(context)


def reindex(context: Context, progress: Progress | None = None, *, unsigned: bool = False) -> int:
    """Rebuild the catalog from git alone; how many commits it has. unsigned: take in commits that nobody signed."""
    with context.store.exclusive():
        return recovering.rebuild(context, progress, unsigned=unsigned)


def gc(context: Context, progress: Progress | None = None) -> None:
    """Repack the repository beside readers and writers, and drop kept answers and attempts that are damaged.

    Raises Integrity for a damaged repository, which is left as it is.
    """
    verifying.refuse_damage(context.store.check(progress=progress))
    moved = foreign.look(context)
    if moved:
        # What the registry wrote hangs on no branch there, and would be dropped.
        raise Integrity(f"{moved[0]['ref']} {foreign.told(moved[0])}", hint=foreign.HINT)
    context.store.pack(progress=progress)
    context.state.drop_damaged()
    if context.store.unswept:
        with context.store.exclusive():
            recovering.sweep(context)


def _new_key(context: Context, known: Mapping[str, keys.Key]) -> dict[str, str]:
    """What a founding says of the key that begins with it."""
    return {"key": context.store.create_key(), "key_name": keys.next_name(known)}


def _write(context: Context, record: FoundingRecord, at: str | None, known: Mapping[str, keys.Key]) -> None:
    before = context.store.read(record.ref, at).files if at else {}
    signing = keys.signing(after := keys.after(known, record))
    named = {KEYS_FILE: keys.allowed_signers(after)} if record.key else {}
    written = context.store.write(
        NewCommit(
            tree=Files({**before, **record.files, **named}),
            parents=(at,) if at else (),
            message=messages.encode(record),
            author=FOUNDER,
            at=record.stamp.at,
            signer=signing.public if signing else None,
        )
    )
    context.store.move([RefMove(record.ref, at, written.commit)])
