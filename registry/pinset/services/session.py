"""Writing: the one way in which anything changes.

A write is acknowledged after: objects durable → intent durable → refs moved by compare-and-swap and read back →
catalog rows and visible serial durable. What becomes of one that was cut off: see `recovering`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pinset.domain import keys as k
from pinset.domain import messages
from pinset.domain.access import EVERYTHING
from pinset.domain.records import KeyRecord, Record, Stamp
from pinset.errors import Conflict, IdempotencyMismatch, PinsetError, Unavailable
from pinset.ports.catalog import Entry, Intent
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf, whole
from pinset.services.attempts import trying
from pinset.services.discretion import discreet
from pinset.services.keyrings import keys_of
from pinset.services.naming import Named, named
from pinset.services.recovering import move_all, settle_intent, settled
from pinset.services.staged import Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pinset.domain.access import Grant
    from pinset.ports.catalog import Catalog, CatalogReader, CatalogWriter, ComponentRow, ReleaseRow
    from pinset.ports.clock import Clock
    from pinset.ports.costs import Costs
    from pinset.ports.registry import Caller
    from pinset.ports.sights import Sights
    from pinset.ports.state import State
    from pinset.ports.store import Store

R = TypeVar("R", bound=Record)
Row = TypeVar("Row", bound="ReleaseRow | ComponentRow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The ports that every use case is given."""

    store: Store
    catalog: Catalog
    state: State
    clock: Clock
    sights: Sights
    costs: Costs
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
    writer: CatalogWriter
    caller: Caller
    operation: Operation
    _moves: list[RefMove] = field(default_factory=list)
    _entries: list[Entry] = field(default_factory=list)
    _time: tuple[int, int] | None = None
    _keys: dict[str, k.Key] | None = None
    _named: Named | None = None
    made: bool = False
    """Whether something was written: from then on no failure may pass for a refusal."""

    @property
    def operation_id(self) -> str | None:
        """What the operation is called in answers; None in a dry run, which leaves nothing to look up."""
        return None if self.caller.dry_run else self.operation.id

    @property
    def catalog(self) -> CatalogReader:
        """The catalog, with bundles by any of their names."""
        if self._named is None:
            self._named = Named(self.writer)
        reader: Any = self._named
        found: CatalogReader = reader
        return found

    @property
    def seen(self) -> CatalogReader:
        """The catalog, with what was staged among its notes."""
        staged: Any = Staged(self.writer, self._entries)
        reader: Any = Named(staged)
        found: CatalogReader = reader
        return found

    def keyed(self, record: R) -> R:
        """A record as git keeps it: of its bundle's first name."""
        return named(self.catalog).keyed(record)

    def keyed_row(self, row: Row) -> Row:
        """A release, or a version of a component, as the store knows it."""
        given: Any = row
        found: Row = replace(given, record=self.keyed(given.record))
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
            change=self.caller.change,
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
        record = self.keyed(make(self.next_stamp()))
        if self.caller.dry_run:
            return self._staged(Entry(commit="", record=record, files={}))
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
        return self._staged(Entry(commit=written.commit, record=record, files=files or {}, head=written.head))

    def _signer(self, record: Record) -> str | None:
        """The public key that a commit is signed with: the registry's newest, for the first of all that one itself."""
        if self._keys is None:
            self._keys = keys_of(self.catalog)
        key = k.signing(self._keys)
        if isinstance(record, KeyRecord):
            self._keys = k.after(self._keys, record)
            key = key or k.signing(self._keys)
        return key.public if key is not None else None

    def _staged(self, entry: Entry) -> Written[Any]:
        self._entries.append(entry)
        return Written(named(self.catalog).shown(entry.record), entry.commit)

    def commit(self) -> None:
        """Make what was staged happen, all of it. Raises Unavailable where it cannot be known whether it did."""
        if not self._moves:
            return
        intent = Intent(self.operation.id, tuple(self._moves))
        self.writer.begin(intent)
        try:
            self.context.store.move(whole(self._moves), meanwhile=self._ready)
        except PinsetError as error:
            self.writer.unstage()
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
        self.writer.begin(intent)
        try:
            move_all(self.context.store, moves)
        except PinsetError as error:
            error.details["operation"] = self.operation.id
            if not self._is_made(intent, error):
                raise
        self.made = True

    def _ready(self) -> None:
        """Prepare what is shown once the refs have moved. What hinders it is said then."""
        with suppress(PinsetError):
            self.writer.stage(self._entries)

    def _is_made(self, intent: Intent, failed: PinsetError) -> bool:
        """Whether the write that ``failed`` is made after all. Raises Unavailable where that cannot be known now."""
        try:
            return settle_intent(self.context.store, self.writer, intent)
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
            self.writer.apply(entries)
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


def only(kind: type[R], found: Iterable[tuple[str, Record]]) -> Written[R]:
    """The one commit of a kind among those of an operation that was made before."""
    for commit, record in found:
        if isinstance(record, kind):
            return Written(record, commit)
    raise AssertionError(f"the operation wrote a {kind.__name__}")
