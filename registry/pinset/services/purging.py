"""Purge: remove a text that must not be there from every release, from the history, and from the disk.

What holds the text loses all of its content; its version, label and digest stay taken. Each later commit names the one
before it, so they are all written anew, with what they say unchanged. Then all branches move by one intent. Before the
first has moved nothing has happened; after it the next writer finishes what is left: see `recovering.settled`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pinset.domain import keys as k
from pinset.domain import messages, names, sealed, tombstones
from pinset.domain.access import Verb
from pinset.domain.records import PURGES_REF, ComponentRecord, MoveRecord, PurgeRecord, ReleaseRecord
from pinset.domain.references import parse, parse_component
from pinset.errors import Conflict, Integrity, InvalidInput, NotFound, PinsetError, Refused, StillServed, Unavailable
from pinset.ports.store import Files, NewCommit, RefMove, TreeOf
from pinset.services import keyrings, naming, reading, recovering
from pinset.services import session as sessions
from pinset.services.attempts import trying
from pinset.services.discretion import discreet
from pinset.services.resigning import Resigner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers.purging import PurgeAnswer
    from pinset.domain.records import Record
    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import CatalogReader, ComponentRow, Head, ReleaseRow
    from pinset.ports.progress import Progress
    from pinset.ports.registry import Caller
    from pinset.ports.store import StoredCommit, Written
    from pinset.services.session import Context, Session

    Row = ReleaseRow | ComponentRow

BEYOND_REACH: Final = (
    "backups, clones and mirrors of this registry that were made before: remove them, or make them anew",
    "applications that hold it keep it until they ask again, which they do within an hour, or at once where they listen",
    "what was printed, logged, copied or sent to a model provider; and reasons, messages and reports that quote it",
    "the digests stay, so whoever knows all the rest of a text can try out what was in it: change what was secret",
)
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to go. texts: by their SHA-256 (hex). rows: what holds them, and at which paths, by serial."""

    texts: Mapping[str, str]
    rows: Sequence[tuple[Row, tuple[str, ...]]]

    @property
    def refs(self) -> tuple[str, ...]:
        """Names of all that is purged."""
        return tuple(str(row.record.which) for row, _ in self.rows)

    def keyed(self, session: Session) -> _Plan:
        """The same as git knows it: by the first names of bundles."""
        return _Plan(self.texts, [(session.keyed_row(row), paths) for row, paths in self.rows])

    @property
    def first(self) -> int:
        """The serial of the oldest."""
        return self.rows[0][0].record.stamp.serial

    @property
    def gone(self) -> tuple[tombstones.Gone, ...]:
        """As a tombstone has it."""
        return tuple(
            tombstones.Gone(str(row.record.which), row.record.label, row.record.digest, paths)
            for row, paths in self.rows
        )


@dataclass(slots=True)
class _Rewritten:
    """A history that is being written anew. anew: new commits by the old ones. before: serials and old commits."""

    anew: dict[str, str] = field(default_factory=dict)
    before: list[tuple[int, str]] = field(default_factory=list)
    last: str | None = None

    def of(self, commit: str) -> str:
        """What a commit is now."""
        return self.anew.get(commit, commit)


class LocalPurging:
    """Implements `pinset.ports.purging.Purging`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def purge(
        self,
        caller: Caller,
        reference: str,
        *,
        files: Sequence[str] = (),
        all_files: bool = False,
        reason: str,
        expect: Sequence[str] | None = None,
        progress: Progress | None = None,
    ) -> PurgeAnswer:
        """See the port."""
        words = messages.clean_words(reason)
        if not words:
            raise InvalidInput(
                "a purge wants a reason", hint="say it with -m TEXT, without the secret: everybody will read it"
            )
        if bool(files) == all_files:
            raise InvalidInput(
                "a purge wants to know what is to go", hint="name files (--file prompts/system.md), or say --all-files"
            )
        for path in files:
            names.file_path(path)
        _need_for(self._context, caller, reference)
        arguments = {"reference": reference, "files": sorted(files), "all_files": all_files, "reason": words}
        operation = sessions.operation_of(caller, "purge", arguments)
        wanted = None if all_files else tuple(files)
        with trying(self._context, caller, "purge", arguments):
            return _purge(self._context, caller, operation, reference, wanted, words, expect, progress)


def _purge(
    context: Context,
    caller: Caller,
    operation: sessions.Operation,
    reference: str,
    files: tuple[str, ...] | None,
    words: str,
    expect: Sequence[str] | None,
    progress: Progress | None,
) -> PurgeAnswer:
    with context.store.exclusive(), discreet(caller.grants):
        with recovering.settled(context) as catalog:
            caller.confirm()
            session = sessions.Session(context, catalog, caller, operation)
            before = session.done_before()
            if before:
                return _answer_again(session, sessions.only(PurgeRecord, before))
            plan = _plan(session.catalog, reference, files)
            _need_all(session.catalog, caller, plan)
            _refuse_served(session.catalog, plan)
            _refuse_more(plan, expect)
            head = catalog.head()
            if caller.dry_run:
                return _answer(_record(session, head, head.commit, plan, words, ""), head.commit, plan, None, None)
            written = _write(session, head, plan, words, progress)
        _finish(context, operation.id, progress)
        return written


def _plan(reader: CatalogReader, reference: str, files: tuple[str, ...] | None) -> _Plan:
    """What is to go, found by its content in the whole registry."""
    row, form, manifest = _find(reader, reference)
    held = {**form.files, manifest: form.manifest}
    for path in files or ():
        if path not in held:
            there = ", ".join(sorted(held)[:8])
            raise NotFound(f"{row.record.which} has no file {path}", hint=f"its files are {there}")
    texts = {sealed.sha256(held[path]): held[path] for path in (held if files is None else files)}
    plan = _Plan(texts, reader.holding(texts))
    if str(row.record.which) not in plan.refs:
        raise Integrity(f"the catalog does not find {row.record.which} by its own text", hint="run `pinset reindex`")
    return plan


def _find(reader: CatalogReader, reference: str) -> tuple[Row, Sealed, str]:
    """What a reference names, its texts, and what its sealed manifest is called."""
    if "/" in reference.partition("@")[0]:
        wanted = parse_component(reference)
        component = reading.find_component(reader, wanted)
        if component is None:
            raise NotFound(f"there is no {wanted}", hint=f"see what there is: pinset component show {wanted.key}")
        stored = reader.sealed_component(wanted.kind, wanted.name, component.record.version)
        return component, stored, sealed.COMPONENT
    release, _ = reading.find_release(reader, parse(reference, default=None))
    form = reader.sealed_release(release.record.bundle, release.record.version)
    return release, form, sealed.MANIFEST


def _need_for(context: Context, caller: Caller, reference: str) -> None:
    """Raises PermissionDenied, InvalidReference."""
    if "/" in reference.partition("@")[0]:
        caller.need(Verb.PURGE, parse_component(reference).key)
    else:
        naming.need(context, caller, Verb.PURGE, parse(reference, default=None).bundle)


def _need_all(reader: CatalogReader, caller: Caller, plan: _Plan) -> None:
    """Raises PermissionDenied where the text is also where the caller may not purge."""
    for row, _ in plan.rows:
        which = row.record.which.name
        if not naming.may_any(caller.grants, Verb.PURGE, reader, which):
            caller.need(Verb.PURGE, which)


def _refuse_served(reader: CatalogReader, plan: _Plan) -> None:
    served: list[tuple[str, str]] = []
    for bundle in sorted({row.record.bundle for row, _ in plan.rows if isinstance(row.record, ReleaseRecord)}):
        for version, aliases in sorted(reading.serving(reader, bundle).items()):
            if f"{bundle}@v{version}" in plan.refs:
                served += [(f"{bundle}@{alias}", f"{bundle}@v{version}") for alias in aliases]
    if not served:
        return
    told = ", ".join(f"{alias} serves {ref}" for alias, ref in served[:_SHOWN])
    more = f", and {len(served) - _SHOWN} more" if len(served) > _SHOWN else ""
    bundle, _, alias = served[0][0].partition("@")
    raise StillServed(
        f"it is served, and what is served cannot be purged: {told}{more}",
        hint=f"publish a release without it and promote that (pinset promote {bundle}@latest {alias}), "
        f"or roll back (pinset rollback {bundle}@{alias}), each of them",
        details={
            "served": [{"alias": place, "ref": ref} for place, ref in served],
            "purges": list(plan.refs),
        },
    )


def _refuse_more(plan: _Plan, expect: Sequence[str] | None) -> None:
    more = sorted(set(plan.refs) - set(expect)) if expect is not None else []
    if more:
        raise Conflict(
            f"more holds it than was expected: {', '.join(more[:_SHOWN])}",
            hint="look again what would be purged (--dry-run), and decide again",
            details={"purges": list(plan.refs)},
        )


def _write(session: Session, head: Head, plan: _Plan, words: str, progress: Progress | None) -> PurgeAnswer:
    """Write the history anew, and let all branches go there."""
    context, catalog, shown = session.context, session.catalog, plan
    plan = plan.keyed(session)
    refs = dict(context.store.refs())
    if refs != dict(catalog.refs()):
        raise Unavailable("the repository is ahead of the catalog", hint="run `pinset reindex`, then try again")
    keys = keyrings.keys_of(catalog)
    signer = k.signing(keys)
    resigner = Resigner(context.store, keys)
    rewritten = _rewrite(context, refs, plan, resigner, progress)
    if rewritten.last is None:
        raise Integrity("the repository has none of what is to be purged", hint="run `pinset verify`")
    files = tombstones.files_of(tombstones.Tombstone(tuple(sorted(plan.texts)), plan.gone, tuple(rewritten.before)))
    digest = f"sha256:{sealed.sha256(files[tombstones.FILE])}"
    record = _record(session, head, rewritten.last, plan, words, digest)
    tip = refs.get(PURGES_REF)
    parents = (rewritten.of(tip),) if tip else ()
    written = _commit(context, record, Files(files), parents, signer.public if signer else None)
    resigner.written(record, written)
    resigner.prove()
    commit = written.commit
    moves = [
        RefMove(ref, at, rewritten.of(at)) for ref, at in refs.items() if rewritten.of(at) != at and ref != PURGES_REF
    ]
    context.store.will_sweep()
    session.rewrite([*moves, RefMove(PURGES_REF, tip, commit)])
    return _answer(record, commit, shown, len(rewritten.before), session.operation.id)


def _rewrite(
    context: Context, refs: Mapping[str, str], plan: _Plan, resigner: Resigner, progress: Progress | None
) -> _Rewritten:
    """Write every commit from the first purged one on anew; nobody sees them before the branches move."""
    rewritten, texts, emptied = _Rewritten(), frozenset(plan.texts.values()), frozenset(plan.refs)
    for stored in context.store.scan(refs=refs, progress=progress):
        record = messages.decode(stored.message)
        empties = isinstance(record, ReleaseRecord | ComponentRecord) and str(record.which) in emptied
        if not empties:
            _refuse_text(stored, record, texts)
        serial, signer = record.stamp.serial, resigner.signer_for(record, stored)
        if serial < plan.first:
            resigner.kept(record, stored)
        else:
            anew = replace(record, stamp=replace(record.stamp, prev=rewritten.last))
            parents = tuple(rewritten.of(parent) for parent in stored.parents)
            tree: Files | TreeOf = TreeOf(stored.commit)
            if empties:
                tree = Files()
            elif isinstance(record, MoveRecord) and record.to_version is not None:
                tree = TreeOf(parents[-1])
            written = _commit(context, anew, tree, parents, signer)
            resigner.written(anew, written)
            rewritten.anew[stored.commit] = written.commit
            rewritten.before.append((serial, stored.commit))
        rewritten.last = rewritten.of(stored.commit)
    return rewritten


def _refuse_text(stored: StoredCommit, record: Record, texts: frozenset[str]) -> None:
    """Raises where a text that is to go is somewhere else too, from where nothing would remove it."""
    if texts.isdisjoint(stored.files.values()):
        return
    if isinstance(record, ReleaseRecord | ComponentRecord):
        raise Integrity(f"{record.which} holds the text, and the catalog does not know", hint="run `pinset reindex`")
    raise Refused(
        f"the same text is recorded by the {messages.kind_of(record)} of write {record.stamp.serial}, which is kept",
        hint="evidence and policies cannot be purged; ask for help at the project",
    )


def _commit(
    context: Context, record: Record, tree: Files | TreeOf, parents: tuple[str, ...], signer: str | None
) -> Written:
    stamp = record.stamp
    new = NewCommit(
        tree=tree,
        parents=parents,
        message=messages.encode(record),
        author=stamp.actor,
        at=stamp.at,
        signer=signer,
    )
    return context.store.write(new)


def _record(session: Session, head: Head, last: str, plan: _Plan, words: str, tombstone: str) -> PurgeRecord:
    stamp = replace(session.next_stamp(), prev=last)
    return PurgeRecord(
        stamp=stamp, purged=plan.refs, tombstone=tombstone, first=plan.first, head=head.commit, reason=words
    )


def _finish(context: Context, operation: str, progress: Progress | None) -> None:
    """Show the new history, and remove the old one. Whatever fails, the purge is made, and the next writer goes on."""
    try:
        recovering.rebuild(context, progress)
    except PinsetError as error:
        raise Unavailable(
            f"the purge is made, and the catalog still shows what was before: {error.message}",
            hint=f"do not repeat it; run `pinset reindex`, then `pinset gc` ({error.hint})",
            details={**error.details, "operation": operation, "made": True},
        ) from error
    try:
        recovering.sweep(context)
    except PinsetError as error:
        raise Unavailable(
            f"the purge is made, and its bytes are not gone from the disk yet: {error.message}",
            hint=f"do not repeat it; run `pinset gc` ({error.hint})",
            details={**error.details, "operation": operation, "made": True},
        ) from error


def _answer(record: PurgeRecord, commit: str, plan: _Plan, rewritten: int | None, operation: str | None) -> PurgeAnswer:
    return _told(record, commit, tuple(sorted(plan.texts)), plan.gone, rewritten, operation)


def _answer_again(session: Session, made: sessions.Written[PurgeRecord]) -> PurgeAnswer:
    """The first answer of a purge that happened already."""
    files = session.context.store.read(PURGES_REF, made.commit).files
    found = tombstones.read(files, made.record.tombstone)
    gone = [one._replace(ref=naming.called_ref(session.catalog, one.ref)) for one in found.gone]
    operation = made.record.stamp.operation
    return _told(made.record, made.commit, found.texts, gone, len(found.before), operation)


def _told(
    record: PurgeRecord,
    commit: str,
    texts: Sequence[str],
    gone: Sequence[tombstones.Gone],
    rewritten: int | None,
    operation: str | None,
) -> PurgeAnswer:
    return {
        "texts": list(texts),
        "purged": [
            {"ref": one.ref, "label": one.label, "digest": one.digest, "paths": list(one.paths)} for one in gone
        ],
        "first": record.first,
        "rewritten": rewritten,
        "head_before": record.head,
        "head": commit,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "reason": record.reason,
        "serial": record.stamp.serial,
        "beyond_reach": list(BEYOND_REACH),
        "operation": operation,
    }
