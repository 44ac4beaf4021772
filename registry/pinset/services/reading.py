"""Reading: references to rows, rows to answers. All of one answer is of one serial."""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pinset.domain import messages, names, provenance
from pinset.domain.access import Verb
from pinset.domain.commits import is_signed
from pinset.domain.document import SCHEMA, content_of, file_digests
from pinset.domain.records import BundleRecord
from pinset.domain.references import Reference, Selector, SelectorKind, parse_component
from pinset.errors import Archived, ContentPurged, InvalidInput, InvalidReference, NotFound, Unavailable
from pinset.services import naming
from pinset.services.discretion import discreet
from pinset.services.naming import Named
from pinset.services.recovering import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pinset.domain import answers
    from pinset.domain.answers.purging import PurgedAnswer
    from pinset.domain.records import PurgeRecord
    from pinset.domain.references import ComponentReference
    from pinset.ports.catalog import CatalogReader, ComponentRow, MoveRow, ReleaseRow
    from pinset.services.session import Context


R = TypeVar("R")
A = TypeVar("A")


@contextmanager
def view(context: Context) -> Iterator[CatalogReader]:
    """One consistent view; a catalog that is missing is rebuilt first.

    A write that was cut off was never acknowledged: it is not seen until the next writer has settled it.
    """
    with opened(context) as reader, discreet(context.grants):
        known: Any = Named(reader)
        found: CatalogReader = known
        yield found


def permit(context: Context, reference: Reference, reader: CatalogReader | None = None) -> None:
    """Raises PermissionDenied where who reads may not read what a reference names: one alias, or any release.

    reader: of the view that is open; None where none is.
    """
    selector = reference.selector
    alias = selector.text if selector.kind is SelectorKind.ALIAS else ""
    naming.permit(context, Verb.READ, reference.bundle, alias, reader=reader)


def find_release(reader: CatalogReader, reference: Reference) -> tuple[ReleaseRow, MoveRow | None]:
    """The release that a reference names now, and the move it was found by where it names an alias."""
    bundle, selector = reference.bundle, reference.selector
    if selector.kind is SelectorKind.ALIAS:
        move = served(reader, bundle, selector.text)
        row = reader.release(bundle, move.record.to_version or 0)
        if row is None:
            raise Unavailable(f"{reference} serves a release that the catalog lacks", hint="run `pinset reindex`")
        return row, move
    found = select(reader, bundle, selector)
    if found is None:
        need_bundle(reader, bundle)
        hint = f"see what there is: pinset releases {bundle}"
        if selector.text.isdigit() and len(selector.text) < 10 and reader.release(bundle, int(selector.text)):
            hint = f"did you mean {bundle}@v{int(selector.text)}? a version is written with a v"
        raise NotFound(f"there is no {reference}", hint=hint)
    return found, None


def select(reader: CatalogReader, bundle: str, selector: Selector) -> ReleaseRow | None:
    """The release that a selector other than an alias names; None where there is none."""
    match selector.kind:
        case SelectorKind.VERSION:
            return reader.release(bundle, selector.version)
        case SelectorKind.LABEL:
            return reader.release_by_label(bundle, selector.text)
        case SelectorKind.LATEST:
            return reader.latest(bundle)
        case SelectorKind.DIGEST:
            rows = reader.releases_by_digest(bundle, selector.text)
            if len({row.record.digest for row in rows}) > 1:
                found = ", ".join(f"v{row.record.version}" for row in rows)
                raise InvalidReference(
                    f"{selector} fits several releases of {bundle}: {found}", hint="give more digits, or a version"
                )
            return rows[0] if rows else None
        case SelectorKind.ALIAS:
            move = reader.alias(bundle, selector.text)
            return reader.release(bundle, move.record.to_version) if move and move.record.to_version else None


def served(reader: CatalogReader, bundle: str, alias: str) -> MoveRow:
    """The newest move of an alias that serves something. Raises NotFound naming the aliases there are."""
    move = reader.alias(bundle, alias)
    if move is not None and move.record.to_version is not None:
        return move
    need_bundle(reader, bundle)
    if move is not None:
        hint = f"make it serve again: pinset promote {bundle}@latest {alias}"
        raise NotFound(f"the alias {bundle}@{alias} is retired", hint=hint)
    there = [row.record.alias for row in reader.aliases(bundle) if row.record.to_version is not None]
    hint = "its aliases are " + ", ".join(there) if there else f"it has none yet: pinset promote {bundle}@v1 {alias}"
    near = {"near": there, "bundle": bundle} if there else {}
    raise NotFound(f"the alias {bundle}@{alias} does not exist", hint=hint, details=near)


def need_bundle(reader: CatalogReader, bundle: str) -> None:
    """Raises NotFound, naming bundles of a similar name, where the bundle has no release."""
    if reader.bundle(bundle) is None:
        raise no_bundle(reader, bundle, bundle)


def no_bundle(reader: CatalogReader, asked: str, like: str) -> NotFound:
    """That there is no bundle of the name that was asked for, and which have a name like another one."""
    alike = _alike(like, tuple(row.name for row in reader.bundles(limit=1000)))
    begun = [row.name for row in reader.bundles(query=like.split(".", maxsplit=1)[0][:4], limit=5)]
    near = list(dict.fromkeys([*alike, *begun]))[:5]
    hint = "is it one of " + ", ".join(near) + "?" if near else "see what there is: pinset list"
    return NotFound(f"there is no bundle {names.show(asked)}", hint=hint, details={"near": near} if near else {})


@lru_cache(maxsize=64)
def _alike(like: str, known: tuple[str, ...]) -> list[str]:
    """The names that are most like one. A program that goes on asking for what is not there costs one comparison."""
    return difflib.get_close_matches(like, known, n=3, cutoff=0.7)


def find_component(reader: CatalogReader, reference: ComponentReference) -> ComponentRow | None:
    """The version of a component that a reference names; None where there is none."""
    kind, name, selector = reference.kind, reference.name, reference.selector
    match selector.kind:
        case SelectorKind.VERSION:
            return reader.component(kind, name, selector.version)
        case SelectorKind.LABEL:
            return reader.component_by_label(kind, name, selector.text)
        case SelectorKind.DIGEST:
            rows = reader.components_by_digest(kind, name, selector.text)
            return rows[0] if rows else None
        case _:
            return newest_component(reader, kind, name)


def newest_component(reader: CatalogReader, kind: str, name: str) -> ComponentRow | None:
    """The newest version of a component that was not purged."""
    before: int | None = None
    while rows := reader.component_versions(kind, name, before=before, limit=10):
        for row in rows:
            if row.purged is None:
                return row
            before = row.record.version
    return None


def component_key(text: str) -> tuple[str, str, ComponentReference | None]:
    """``kind/name`` or ``kind/name@selector`` as kind, name and the whole reference where there is a selector."""
    if "@" in text:
        reference = parse_component(text)
        return reference.kind, reference.name, reference
    kind, slash, name = text.partition("/")
    if not slash:
        raise InvalidReference(f"{names.show(text)} names no component", hint="write kind/name: guardrails/pii-redact")
    return names.component_kind(kind), names.component_name(name), None


def now(context: Context, reader: CatalogReader) -> int:
    """The time, microseconds: never before the newest write, wherever the clock was set to."""
    return max(context.clock.now(), reader.head().at)


def time(at: int) -> str:
    """Microseconds as answers carry times."""
    return messages.format_time(at)


def release_head(reader: CatalogReader, row: ReleaseRow, move: MoveRow | None, asked: str) -> answers.ReleaseHead:
    """What the release document and the sealed form say alike.

    asked: the name of the bundle that was asked for. A fetch is answered in it, so that whoever fetches by a name of
    before sees what it always saw.
    """
    head, record = reader.head(), row.record
    found: answers.ReleaseHead = {
        "schema": SCHEMA,
        "registry": head.registry_id,
        "epoch": head.epoch,
        "ref": f"{asked}@v{record.version}",
        "bundle": asked,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": row.commit,
        "serial": record.stamp.serial,
        "published_at": time(record.stamp.at),
        "published_by": record.stamp.actor,
        "message": record.message,
        "source": provenance.shown(record.source),
        "rollback_to": record.rollback_to,
        "yanked": row.yanked,
        "alias": None
        if move is None
        else {
            "name": move.record.alias,
            "seq": move.record.seq,
            "revision": move.commit,
            "moved_at": time(move.record.stamp.at),
            "split": None,
        },
    }
    if record.bundle != asked:
        found["renamed"] = record.bundle
    known = naming.named(reader).names(asked)
    if len(known) > 1:
        found["names"] = list(known)
    return found


def release_answer(reader: CatalogReader, row: ReleaseRow, move: MoveRow | None, asked: str) -> answers.ReleaseAnswer:
    """The release document. asked: as for `release_head`."""
    form = reader.sealed_release(row.record.bundle, row.record.version)
    return {**release_head(reader, row, move, asked), "content": content_of(form), "files": file_digests(form)}


def sealed_answer(reader: CatalogReader, row: ReleaseRow, move: MoveRow | None, asked: str) -> answers.SealedAnswer:
    """The sealed form, with what proves it: see `proof_of`. asked: as for `release_head`."""
    form = reader.sealed_release(row.record.bundle, row.record.version)
    return {
        **release_head(reader, row, move, asked),
        "manifest": form.manifest,
        "files": dict(form.files),
        "proof": proof_of(reader, row, move, asked),
    }


def proof_of(reader: CatalogReader, row: ReleaseRow, move: MoveRow | None, asked: str) -> dict[str, str | None]:
    """The commits that prove a release, as git has them: text whose SHA-1 is their id.

    release, move: signed; of one that is not signed the id alone. epoch: the signed commit that says which epoch the
    registry is in, None where there is none. name: the signed commit that gave the bundle the name that was asked for; not there
    for its first name, which the others say.
    """
    found = reader.notes(("registry", "key"), bundle="", number=reader.head().epoch, limit=1)
    epoch = reader.raw(found[0][1].stamp.serial) if found else ""
    return {
        "release": row.raw if is_signed(row.raw) else row.commit,
        "move": None if move is None else move.raw if is_signed(move.raw) else move.commit,
        "epoch": epoch if is_signed(epoch) else None,
        **({"name": _giving(reader, asked)} if naming.named(reader).given(asked) is not None else {}),
    }


def _giving(reader: CatalogReader, name: str) -> str | None:
    """A signed commit that says that a bundle has a name: the one that gave it, or one of later that says so."""
    given = naming.named(reader).given(name)
    serials = [given] if given is not None else []
    if not any(is_signed(reader.raw(serial)) for serial in serials):  # given before the registry signed
        said = [record for _, record in reader.notes(["bundle"], bundle=name, limit=100)]
        serials = [one.stamp.serial for one in said if isinstance(one, BundleRecord) and one.name == name]
    return next((raw for raw in map(reader.raw, serials) if is_signed(raw)), None)


def purged_answer(purge: PurgeRecord | None) -> PurgedAnswer | None:
    """That something was purged, as summaries carry it."""
    if purge is None:
        return None
    return {"at": time(purge.stamp.at), "by": purge.stamp.actor, "reason": purge.reason}


def refuse_archived(reader: CatalogReader, bundle: str) -> None:
    """Raises Archived for a bundle that was taken out of use: nothing new is made of it."""
    row = reader.bundle(bundle)
    if row is not None and row.archived:
        raise Archived(
            f"the bundle {row.name} is archived",
            hint=f"take it into use again: pinset bundle unarchive {row.name} -m TEXT",
            details={"bundle": row.name},
        )


def refuse_purged(row: ReleaseRow | ComponentRow) -> None:
    """Raises ContentPurged for a release, or a version of a component, that was purged: nothing new can be made of it."""
    if row.purged is not None:
        which = row.record.which
        raise ContentPurged(
            f"{which} was purged: {row.purged.reason}",
            hint="its content is gone for good; take another one, or publish it without what had to go",
            details={"ref": str(which), "digest": row.record.digest},
        )


def summary_answer(row: ReleaseRow, aliases: Sequence[str]) -> answers.ReleaseSummary:
    """A release in a list."""
    record = row.record
    return {
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "commit": row.commit,
        "serial": record.stamp.serial,
        "published_at": time(record.stamp.at),
        "published_by": record.stamp.actor,
        "message": record.message,
        "source": provenance.shown(record.source),
        "rollback_to": record.rollback_to,
        "yanked": row.yanked,
        "purged": purged_answer(row.purged),
        "allowed": list(record.allowed),
        "allow_reason": record.allow_reason,
        "aliases": list(aliases),
        "made_from": None
        if record.made_from is None
        else {
            "ref": str(record.made_from),
            "version": record.made_from.number,
            "digest": record.made_from_digest or "",
        },
        "change": record.stamp.change,
    }


def serving(reader: CatalogReader, bundle: str) -> dict[int, list[str]]:
    """The aliases of a bundle by the version they serve now."""
    return by_version(reader.aliases(bundle))


def by_version(moves: Iterable[MoveRow]) -> dict[int, list[str]]:
    """The aliases that moves are of, by the version they moved to."""
    found: dict[int, list[str]] = {}
    for row in moves:
        if row.record.to_version is not None:
            found.setdefault(row.record.to_version, []).append(row.record.alias)
    return found


def number(cursor: str | None) -> int | None:
    """A cursor that is a number. Raises InvalidInput for anything else."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise bad_cursor(cursor)
    return int(cursor)


def bad_cursor(cursor: str) -> InvalidInput:
    """The error for a cursor that no page gave."""
    return InvalidInput(f"{names.show(cursor)} is not a cursor", hint="pass what `next` of the page before said")


def page(rows: Sequence[R], limit: int, make: Callable[[R], A], cursor: Callable[[R], str]) -> answers.Page[A]:
    """A page of at most ``limit`` items from rows of which one more was asked for, to see whether there are more."""
    shown = rows[:limit]
    return {"items": [make(row) for row in shown], "next": cursor(shown[-1]) if len(rows) > limit and shown else None}
