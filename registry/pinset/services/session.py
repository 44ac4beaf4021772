"""Writing: the one way in which anything changes.

A write is acknowledged after: objects durable → intent durable → refs moved by compare-and-swap and read back →
catalog rows and visible serial durable. Wherever a process dies, the next one that gets the lock either finishes
the write (a ref has moved: all its objects are there) or forgets it (none has).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pinset import signing
from pinset.domain import keys as k
from pinset.domain import messages
from pinset.domain.access import EVERYTHING
from pinset.domain.keyring import Keyring
from pinset.domain.names import show
from pinset.domain.records import FORMAT, REGISTRY_FILE, FoundingRecord, KeyRecord, Record, Stamp
from pinset.errors import Conflict, IdempotencyMismatch, Integrity, PinsetError, Unavailable, UnknownFormat
from pinset.ports.catalog import Entry, Intent
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf
from pinset.services.attempts import trying
from pinset.services.discretion import discreet
from pinset.services.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pinset.domain.access import Grant
    from pinset.ports.catalog import Catalog, CatalogReader, CatalogWriter
    from pinset.ports.clock import Clock
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller
    from pinset.ports.sights import Sights
    from pinset.ports.state import State
    from pinset.ports.store import Store, StoredCommit

R = TypeVar("R", bound=Record)
_REFS_AT_ONCE: Final = 500
ASIDE: Final = "see all that others moved: pinset verify; put it aside: pinset repair"
_BATCH: Final = 100
_OTHER_KEY: Final = "put the folder keys/ of this registry back, or restore a backup (pinset restore)"
_DAMAGED: Final = (
    "see what else is wrong: pinset verify; upgrade pinset if a newer one wrote this, else restore a backup"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The ports that every use case is given."""

    store: Store
    catalog: Catalog
    state: State
    clock: Clock
    sights: Sights
    grants: tuple[Grant, ...] = EVERYTHING
    """What whoever reads may: see `LocalRegistry.seen_by`. Who writes is the `Caller`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One write: its id, and the fingerprint of the request where a retry must find it again."""

    id: str
    request: str | None


def operation_of(caller: Caller, verb: str, arguments: Mapping[str, Any]) -> Operation:
    """The operation of a call: with an Idempotency-Key the same every time, else new."""
    if caller.key is None:
        return Operation(f"op_{secrets.token_hex(12)}", None)
    identity = hashlib.sha256(json.dumps([caller.actor, caller.key]).encode()).hexdigest()
    asked = json.dumps([verb, arguments], sort_keys=True, default=str, ensure_ascii=True)
    return Operation(f"op_{identity[:24]}", hashlib.sha256(asked.encode()).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Written(Generic[R]):
    """A record and the commit that holds it; in a dry run the commit is ''."""

    record: R
    commit: str


@dataclass(slots=True)
class Session:
    """One writer's turn: the lock is held, the catalog is current, nothing is half done.

    In a dry run everything is decided and nothing is written.
    """

    context: Context
    catalog: CatalogWriter
    caller: Caller
    operation: Operation
    _moves: list[RefMove] = field(default_factory=list)
    _entries: list[Entry] = field(default_factory=list)
    _time: tuple[int, int] | None = None
    _keys: dict[str, k.Key] | None = None
    made: bool = False
    """Whether something was written: from then on no failure may pass for a refusal."""

    @property
    def operation_id(self) -> str | None:
        """What the operation is called in answers; None in a dry run, which leaves nothing to look up."""
        return None if self.caller.dry_run else self.operation.id

    @property
    def seen(self) -> CatalogReader:
        """The catalog, with what was staged among its notes."""
        reader: Any = Staged(self.catalog, self._entries)
        found: CatalogReader = reader
        return found

    @property
    def now(self) -> int:
        """The time of this write (microseconds): what decides is judged at it. Setting the clock back does not lower it."""
        staged = len(self._entries)
        if self._time is None or self._time[0] != staged:
            last = self._entries[-1].record.stamp.at if staged else self.catalog.head().at
            self._time = staged, max(self.context.clock.now(), last + 1)
        return self._time[1]

    def done_before(self) -> list[tuple[str, Record]]:
        """The commits of this operation where it happened already; a retry answers by them."""
        found = list(self.catalog.operation(self.operation.id))
        if found and found[0][1].stamp.request != self.operation.request:
            raise IdempotencyMismatch(
                "the Idempotency-Key was used before for another request", hint="use a new key for each request"
            )
        return found

    def next_stamp(self) -> Stamp:
        """The stamp of the commit that is staged next: what is judged before it is judged at its time."""
        head = self.catalog.head()
        last = self._entries[-1].record.stamp if self._entries else None
        return Stamp(
            serial=(last.serial if last else head.serial) + 1,
            prev=self._entries[-1].commit if self._entries else head.commit,
            at=self.now,
            actor=self.caller.actor,
            operation=self.operation_id or "",
            request=self.operation.request,
            person=self.caller.recorded_person,
            via=self.caller.via or None,
            registry=head.registry_id,
        )

    def stage(
        self,
        make: Callable[[Stamp], R],
        tree: Files | TreeOf,
        parents: Callable[[str | None], tuple[str, ...]],
        files: Mapping[str, str] | None = None,
    ) -> Written[R]:
        """Make one commit durable; nobody sees it before `commit`.

        make: the record of a stamp. parents: the commit's parents, given the commit its ref is at now.
        """
        record = make(self.next_stamp())
        if self.caller.dry_run:
            return self._staged(Entry(commit="", record=record, files={}), record)
        staged = [move.new for move in self._moves if move.ref == record.ref]
        at = staged[-1] if staged else self.catalog.ref(record.ref)
        written = self.context.store.write(
            NewCommit(
                tree=tree,
                parents=parents(at),
                message=messages.encode(record),
                author=self.caller.actor,
                at=record.stamp.at,
                signer=self._signer(record),
            )
        )
        self._moves.append(RefMove(record.ref, at, written.commit))
        return self._staged(Entry(commit=written.commit, record=record, files=files or {}, head=written.head), record)

    def _signer(self, record: Record) -> str | None:
        """The public key that a commit is signed with: the registry's newest, for the first of all that one itself."""
        if self._keys is None:
            self._keys = keys_of(self.catalog)
        key = k.signing(self._keys)
        if isinstance(record, KeyRecord):
            self._keys = k.after(self._keys, record)
            key = key or k.signing(self._keys)
        return key.public if key is not None else None

    def _staged(self, entry: Entry, record: R) -> Written[R]:
        self._entries.append(entry)
        return Written(record, entry.commit)

    def commit(self) -> None:
        """Make what was staged happen, all of it. Raises Unavailable where it cannot be known whether it did."""
        if not self._moves:
            return
        intent = Intent(self.operation.id, tuple(self._moves))
        self.catalog.begin(intent)
        try:
            self.context.store.move(self._moves, meanwhile=self._ready)
        except PinsetError as error:
            self.catalog.unstage()
            error.details["operation"] = self.operation.id
            if self._is_made(intent, error):
                self._show(self._entries)
                return
            if isinstance(error, Conflict):
                raise Unavailable(
                    "the repository is not as the registry left it: somebody else moved a branch",
                    hint="see what and who: pinset verify; put it aside: pinset repair; then try again",
                    details=error.details,
                ) from error
            raise
        self._show(self._entries)

    def rewrite(self, moves: Sequence[RefMove]) -> None:
        """Let all these refs go to a history that was written anew. The catalog is to be rebuilt after it.

        Raises as `commit` does.
        """
        intent = Intent(self.operation.id, tuple(moves), rewrites=True)
        self.catalog.begin(intent)
        try:
            _move(self.context.store, moves)
        except PinsetError as error:
            error.details["operation"] = self.operation.id
            if not self._is_made(intent, error):
                raise
        self.made = True

    def _ready(self) -> None:
        """Prepare what is shown once the refs have moved. What hinders it is said then."""
        with suppress(PinsetError):
            self.catalog.stage(self._entries)

    def _is_made(self, intent: Intent, failed: PinsetError) -> bool:
        """Whether the write that ``failed`` is made after all. Raises Unavailable where that cannot be known now."""
        try:
            return settle_intent(self.context.store, self.catalog, intent)
        except PinsetError as error:
            details = {**error.details, **failed.details, "operation": self.operation.id, "unknown": True}
            raise Unavailable(
                f"it is not known whether the write is made: {failed.message}; then {error.message}",
                hint=f"the next write or start finds out; look then, before you repeat it ({error.hint})",
                details=details,
            ) from error

    def _show(self, entries: list[Entry]) -> None:
        """Let everybody see what is in git for good. Where that fails the write is made all the same."""
        try:
            self.catalog.apply(entries)
        except PinsetError as error:
            raise Unavailable(
                f"the write is made, and nobody sees it yet: {error.message}",
                hint=f"do not repeat it: it shows as soon as the catalog can be written ({error.hint})",
                details={**error.details, "operation": self.operation.id, "made": True},
            ) from error
        self.made = True


@contextmanager
def writing(
    context: Context,
    caller: Caller,
    verb: str,
    arguments: Mapping[str, Any],
    about: Mapping[str, Any] | None = None,
) -> Iterator[Session]:
    """A session for one write. Raises Busy, ReadOnly, Unavailable where there can be none.

    What is refused within is in the audit log before it is told. about: what that is to say beside the arguments.
    """
    with trying(context, caller, verb, {**arguments, **(about or {})}):
        yield from _session(context, caller, operation_of(caller, verb, arguments))


def _session(context: Context, caller: Caller, operation: Operation) -> Iterator[Session]:
    session = None
    try:
        with context.store.exclusive(), discreet(caller.grants), settled(context) as catalog:
            caller.confirm()
            session = Session(context, catalog, caller, operation)
            yield session
    except PinsetError as error:
        if session is None or not session.made:
            raise
        raise Unavailable(
            f"the write is made, and its answer is lost: {error.message}",
            hint=f"do not repeat it: look at what is there ({error.hint})",
            details={**error.details, "operation": operation.id, "made": True},
        ) from error


def ready(context: Context, progress: Progress | None = None) -> None:
    """Rebuild the catalog where there is none that can be used. Only under the store's lock."""
    if not context.catalog.usable():
        rebuild(context, progress)


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


def entry_of(stored: StoredCommit) -> Entry:
    """A stored commit as the catalog takes it. Raises Integrity where its message is not one of ours."""
    record = messages.decode(stored.message)
    if record.ref != stored.ref:
        raise Integrity(f"the commit {stored.commit} is on {stored.ref} and says it is on {record.ref}", hint=_DAMAGED)
    if isinstance(record, FoundingRecord) and not record.files.items() <= stored.files.items():
        raise UnknownFormat(f"{REGISTRY_FILE} of {stored.commit} is not of format {FORMAT}", hint=_DAMAGED)
    return Entry(commit=stored.commit, record=record, files=stored.files, head=stored.head)


def only(kind: type[R], found: Iterable[tuple[str, Record]]) -> Written[R]:
    """The one commit of a kind among those of an operation that was made before."""
    for commit, record in found:
        if isinstance(record, kind):
            return Written(record, commit)
    raise AssertionError(f"the operation wrote a {kind.__name__}")


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
    moved to where it is: whoever moved it may have died, or failed, before that was durable.
    """
    at = {move.ref: store.ref(move.ref) for move in intent.moves}
    if all(at[move.ref] != move.new for move in intent.moves):
        catalog.drop_intent()
        return False
    _move(
        store,
        [RefMove(move.ref, move.new if at[move.ref] == move.new else move.expected, move.new) for move in intent.moves],
    )
    return True


def _move(store: Store, moves: Sequence[RefMove]) -> None:
    """Move refs that may be more than one operation of the store has time for."""
    for at in range(0, len(moves), _REFS_AT_ONCE):
        store.move(moves[at : at + _REFS_AT_ONCE])
