"""What is done before anything is read or written: the catalog is made usable, and a write that was cut off is settled.

Wherever a process dies, the next one that gets the lock either finishes the write (a ref has moved: all its objects
are there) or forgets it (none has).
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pinset import signing
from pinset.domain import messages
from pinset.domain.keyring import Keyring
from pinset.domain.names import show
from pinset.domain.records import FORMAT, REGISTRY_FILE, FoundingRecord
from pinset.errors import Integrity, PinsetError, Unavailable, UnknownFormat
from pinset.ports.catalog import Entry, Intent
from pinset.ports.store import RefMove, whole
from pinset.services.keyrings import keyring_of, keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinset.ports.catalog import CatalogReader, CatalogWriter
    from pinset.ports.progress import Progress
    from pinset.ports.store import Store, StoredCommit
    from pinset.services.session import Context

ASIDE: Final = "see all that others moved: pinset verify; put it aside: pinset repair"
_REFS_AT_ONCE: Final = 500
_OTHER_KEY: Final = "put the folder keys/ of this registry back, or restore a backup (pinset restore)"
_DAMAGED: Final = (
    "see what else is wrong: pinset verify; upgrade pinset if a newer one wrote this, else restore a backup"
)


def ready(context: Context, progress: Progress | None = None) -> None:
    """Rebuild the catalog where there is none that can be used. Only under the store's lock."""
    if not context.catalog.usable():
        rebuild(context, progress)


@contextmanager
def opened(context: Context) -> Iterator[CatalogReader]:
    """One consistent view of the catalog, which is rebuilt first where none can be used."""
    with ExitStack() as stack:
        try:
            reader = stack.enter_context(context.catalog.reading())
        except (Unavailable, Integrity):
            with context.store.exclusive():
                ready(context)
            reader = stack.enter_context(context.catalog.reading())
        yield reader


def settle(context: Context, progress: Progress | None = None) -> None:
    """Make the catalog usable, and finish or forget a write that was cut off. Only under the store's lock."""
    with settled(context, progress):
        pass


@contextmanager
def settled(context: Context, progress: Progress | None = None) -> Iterator[CatalogWriter]:
    """A connection to a catalog that is current, and nothing is half done. Only under the store's lock."""
    ready(context, progress)
    with ExitStack() as stack:
        catalog = stack.enter_context(context.catalog.writing())
        if repair(context, catalog):
            stack.close()
            rebuild(context, progress)
            catalog = stack.enter_context(context.catalog.writing())
        if context.store.unswept:
            stack.close()
            # Where it cannot be done now it stays due, and verify says so: nothing else has to wait for it.
            with suppress(PinsetError):
                sweep(context)
            catalog = stack.enter_context(context.catalog.writing())
        yield catalog


def rebuild(context: Context, progress: Progress | None = None, *, unsigned: bool = False) -> int:
    """Build the catalog anew from git alone; how many commits it has. Only under the store's lock.

    unsigned: take in commits that nobody signed, such as those that were pushed by git.

    Raises Integrity where git has lost a commit: what remains looks whole, and is older than what was served.
    """
    count, shown = 0, context.catalog.shown()
    keyring = keyring_of(context.store, unsigned=unsigned)

    def entries() -> Iterator[Entry]:
        nonlocal count
        serial, commit = 0, None
        for stored in context.store.scan(progress=progress):
            entry = _own_entry(context.store, keyring, stored)
            if entry.record.stamp.prev != commit:
                raise _lost(f"{entry.commit} follows {entry.record.stamp.prev or 'nothing'}, which is on no branch")
            yield entry
            serial, commit = entry.record.stamp.serial, entry.commit
            count += 1
        if serial < shown:
            raise _lost(f"its newest write is {serial}, and {shown} was made and shown")
        for where, what in keyring.finish():
            raise Integrity(f"a commit of {where} {what}", hint=ASIDE, details={"reason": "foreign", "ref": where})
        end = keyring.foreign_end()
        if end is not None:
            raise Integrity(end, hint=_OTHER_KEY, details={"reason": "foreign"})

    context.catalog.rebuild(entries())
    return count


def _lost(what: str) -> Integrity:
    return Integrity(
        f"the repository has lost a branch or the end of one: {what}",
        hint="see which: pinset verify; put it back: pinset repair; else restore a backup (pinset restore)",
        details={"reason": "lost"},
    )


def _own_entry(store: Store, keyring: Keyring, stored: StoredCommit) -> Entry:
    """A commit as the catalog takes it. Raises Integrity for one that the registry did not sign as it must be."""
    try:
        entry = entry_of(stored)
    except Integrity as error:
        if keyring.is_stranger(stored.raw):
            raise foreign(store, stored.ref, stored.commit, "is not signed by the registry") from error
        raise
    what = keyring.add(entry.record, stored.raw)
    if what is not None:
        raise foreign(store, stored.ref, stored.commit, what)
    return entry


def foreign(store: Store, ref: str, commit: str, what: str) -> Integrity:
    """The error for a commit that the registry did not write: which, and who it says wrote it."""
    return Integrity(
        f"{ref} {commit[:12]} {what}; it says it is by {show(store.peek(commit), 120)}",
        hint=ASIDE,
        details={"reason": "foreign", "ref": ref, "commit": commit},
    )


def entry_of(stored: StoredCommit) -> Entry:
    """A stored commit as the catalog takes it. Raises Integrity where its message is not one of ours."""
    record = messages.decode(stored.message)
    if record.ref != stored.ref:
        raise Integrity(f"the commit {stored.commit} is on {stored.ref} and says it is on {record.ref}", hint=_DAMAGED)
    if isinstance(record, FoundingRecord) and not record.files.items() <= stored.files.items():
        raise UnknownFormat(f"{REGISTRY_FILE} of {stored.commit} is not of format {FORMAT}", hint=_DAMAGED)
    return Entry(commit=stored.commit, record=record, files=stored.files, head=stored.head)


def repair(context: Context, catalog: CatalogWriter) -> bool:
    """Finish or forget the write that was under way when the last writer ended, where there was one.

    True where it was a purge that is made: the catalog is to be rebuilt then.
    """
    intent = catalog.intent()
    if intent is None or not settle_intent(context.store, catalog, intent):
        return False
    if intent.rewrites:
        return True
    keyring = Keyring(signer=signing.checks_commit, keys=keys_of(catalog))
    catalog.apply([_own_entry(context.store, keyring, context.store.read(move.ref, move.new)) for move in intent.moves])
    return False


def sweep(context: Context) -> None:
    """Remove what no branch names any more, from every file of the registry. Only under the store's lock."""

    def also() -> None:
        context.catalog.sweep()
        context.state.forget_answers()

    context.store.sweep(also)


def settle_intent(store: Store, catalog: CatalogWriter, intent: Intent) -> bool:
    """Bring the refs of a write that has begun to one of its two ends; whether it happened, and is to be shown.

    As soon as its first ref has moved the write counts as made, and the rest follows. A ref that is found moved is
    moved to where it is: whoever moved it may have died, or failed, before that was durable. A ref that several commits
    of the write are on is moved once, past all of them.
    """
    at = {move.ref: store.ref(move.ref) for move in intent.moves}
    if all(at[move.ref] != move.new for move in intent.moves):
        catalog.drop_intent()
        return False
    own = {(move.ref, move.new) for move in intent.moves}
    move_all(
        store,
        [
            RefMove(move.ref, at[move.ref] if (move.ref, at[move.ref]) in own else move.expected, move.new)
            for move in whole(intent.moves)
        ],
    )
    return True


def move_all(store: Store, moves: Sequence[RefMove]) -> None:
    """Move refs that may be more than one operation of the store has time for."""
    for at in range(0, len(moves), _REFS_AT_ONCE):
        store.move(moves[at : at + _REFS_AT_ONCE])
