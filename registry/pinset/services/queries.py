"""Looking: releases, aliases, histories, lists."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pinset.domain import names, provenance
from pinset.domain.access import (
    Verb,
    may_anywhere,
    permit,
    permit_anywhere,
    show_grants,
    verbs_of,
)
from pinset.domain.records import FORMAT
from pinset.domain.references import parse
from pinset.domain.sealed import MANIFEST
from pinset.errors import NotFound, PinsetError
from pinset.services import naming, reading
from pinset.services.discretion import discreet
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinset.domain import answers
    from pinset.domain.records import Record
    from pinset.domain.references import Reference
    from pinset.ports.catalog import CatalogReader, MoveRow, ReleaseRow
    from pinset.ports.registry import Caller
    from pinset.services.session import Context


def describe(context: Context) -> answers.RegistryAnswer:
    """Which registry this is."""
    with reading.view(context) as reader:
        head = reader.head()
    return {
        "id": head.registry_id,
        "epoch": head.epoch,
        "serial": head.serial,
        "head": head.commit,
        "changed_at": reading.time(head.at),
        "format": FORMAT,
        "version": VERSION,
    }


def whoami(context: Context, caller: Caller) -> answers.WhoAnswer:
    """Who asks."""
    with reading.view(context) as reader:
        registry = reader.head().registry_id
    return {
        "actor": caller.actor,
        "person": caller.who,
        "via": caller.via,
        "can": show_grants(caller.grants),
        "may": list(verbs_of(caller.grants)),
        "expires_at": None if caller.expires_at is None else reading.time(caller.expires_at),
        "registry": registry,
    }


def release(context: Context, reference: str) -> answers.ReleaseAnswer:
    """The release document."""
    with reading.view(context) as reader:
        wanted, row, move = _found(context, reader, reference)
        return reading.release_answer(reader, row, move, wanted.bundle)


def sealed(context: Context, reference: str) -> answers.SealedAnswer:
    """The sealed form."""
    with reading.view(context) as reader:
        wanted, row, move = _found(context, reader, reference)
        return reading.sealed_answer(reader, row, move, wanted.bundle)


def summary(context: Context, reference: str) -> answers.ReleaseSummary:
    """A release without its content."""
    with reading.view(context) as reader:
        _, row, _ = _found(context, reader, reference)
        bundle = row.record.bundle
        serving = reading.serving(reader, bundle).get(row.record.version, [])
        aliases = [name for name in serving if naming.may_any(context.grants, Verb.READ, reader, bundle, name)]
        first = naming.named(reader).key(bundle)
        return {**reading.summary_answer(row, aliases), **({"first_name": first} if first != bundle else {})}  # type: ignore[typeddict-item] # its keys


def file(context: Context, reference: str, path: str) -> str:
    """One file of a release as it is."""
    names.file_path(path)
    with reading.view(context) as reader:
        _, row, _ = _found(context, reader, reference)
        return file_of(reader, row, path)


def releases(
    context: Context, name: str, *, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.ReleaseSummary]:
    """Releases of a bundle, newest first."""
    naming.permit(context, Verb.READ, names.bundle_name(name))
    with reading.view(context) as reader:
        reading.need_bundle(reader, name)
        serving = reading.serving(reader, name)
        rows = reader.releases(name, before=reading.number(cursor), limit=limit + 1)
        return reading.page(
            rows,
            limit,
            lambda row: reading.summary_answer(row, serving.get(row.record.version, [])),
            lambda row: str(row.record.version),
        )


def aliases(context: Context, name: str) -> answers.Page[answers.AliasAnswer]:
    """Every alias of a bundle, retired ones included."""
    naming.permit(context, Verb.READ, names.bundle_name(name))
    with reading.view(context) as reader:
        reading.need_bundle(reader, name)
        return {"items": [alias_answer(reader, row) for row in reader.aliases(name)], "next": None}


def alias(context: Context, name: str, alias_name: str) -> answers.AliasAnswer:
    """One alias; a retired one has no version."""
    names.bundle_name(name)
    naming.permit(context, Verb.READ, name, names.alias_name(alias_name))
    with reading.view(context) as reader:
        return alias_answer(reader, reader.alias(name, alias_name) or reading.served(reader, name, alias_name))


def history(
    context: Context, name: str, alias_name: str | None = None, *, cursor: str | None = None, limit: int = 100
) -> answers.Page[answers.HistoryItem]:
    """Moves, newest first."""
    names.bundle_name(name)
    if alias_name is not None:
        names.alias_name(alias_name)
    naming.permit(context, Verb.READ, name, alias_name or "")
    with reading.view(context) as reader:
        reading.need_bundle(reader, name)
        if alias_name is not None and reader.alias(name, alias_name) is None:
            reading.served(reader, name, alias_name)  # raises, saying what there is
        rows = reader.moves(name, alias_name, before=reading.number(cursor), limit=limit + 1)
        return history_page(reader, rows, limit)


def resolve(context: Context, references: Sequence[str]) -> answers.ResolveAnswer:
    """Many references at one serial."""
    permit_anywhere(context.grants, Verb.READ)
    with reading.view(context) as reader:
        head = reader.head()
        items = [
            resolved(context, reader, text, lambda wanted: reading.find_release(reader, wanted)) for text in references
        ]
    return {"registry": head.registry_id, "epoch": head.epoch, "serial": head.serial, "items": items}


def operation(context: Context, name: str) -> answers.OperationAnswer:
    """What became of a write: done, or unknown where it never happened or has not yet."""
    with reading.view(context) as reader:
        found = reader.operation(name)
        seen = [one for one in found if _is_seen(context, reader, one[1])]
        told = naming.named(reader).keyed
    if found and not seen:
        permit(context.grants, Verb.READ)  # raises: it happened, and is nothing that may be read
    commits = [{"ref": told(record).ref, "commit": commit, "serial": record.stamp.serial} for commit, record in seen]
    return {"operation": name, "status": "done" if commits else "unknown", "commits": commits}


def file_of(reader: CatalogReader, row: ReleaseRow, path: str) -> str:
    """One file of a release as it is. Raises NotFound, naming files of a similar path."""
    stored = reader.sealed_release(row.record.bundle, row.record.version)
    if path == MANIFEST:
        return stored.manifest
    if path not in stored.files:
        raise no_file(f"{row.record.bundle}@v{row.record.version}", path, list(stored.files))
    return stored.files[path]


def no_file(reference: str, path: str, there: Sequence[str]) -> NotFound:
    """The error for a path that a release has not."""
    near = difflib.get_close_matches(path, there, n=5, cutoff=0.5)
    same = [other for other in there if other.rpartition("/")[2] == path.rpartition("/")[2]]
    first = list(dict.fromkeys([*same, *near]))[:5]
    hint = f"did you mean {', '.join(first)}?" if first else f"its files are {', '.join(sorted(there)[:8])}"
    return NotFound(f"{reference} has no file {path}", hint=hint)


def _found(context: Context, reader: CatalogReader, text: str) -> tuple[Reference, ReleaseRow, MoveRow | None]:
    """The release that a text names, if it may be read."""
    reference = parse(text)
    reading.permit(context, reference, reader)
    return reference, *reading.find_release(reader, reference)


def resolved(
    context: Context, reader: CatalogReader, text: str, find: Callable[[Reference], tuple[ReleaseRow, MoveRow | None]]
) -> answers.ResolveItem:
    """What a reference names, or why it names nothing that may be read. find: its release, and the move of its alias."""
    item: answers.ResolveItem = {
        "reference": text,
        "ref": None,
        "bundle": None,
        "version": None,
        "label": None,
        "digest": None,
        "seq": None,
        "revision": None,
        "error": None,
    }
    try:
        with discreet(context.grants):
            reference = parse(text)
            reading.permit(context, reference, reader)
            row, move = find(reference)
    except PinsetError as error:
        return {**item, "error": {"code": error.code, "message": error.message, "hint": error.hint}}
    record = row.record
    return {
        **item,
        "ref": f"{record.bundle}@v{record.version}",
        "bundle": record.bundle,
        "version": record.version,
        "label": record.label,
        "digest": record.digest,
        "seq": move.record.seq if move else None,
        "revision": move.commit if move else None,
    }


def _is_seen(context: Context, reader: CatalogReader, record: Record) -> bool:
    """Whether a record may be read: as its alias or its bundle; one of neither by who may read anything."""
    about = getattr(record, "binding", record)
    bundle, alias = getattr(about, "bundle", ""), getattr(about, "alias", "")
    if not bundle:
        return may_anywhere(context.grants, Verb.READ)
    return naming.may_any(context.grants, Verb.READ, reader, bundle, alias)


def alias_answer(reader: CatalogReader, row: MoveRow) -> answers.AliasAnswer:
    """An alias after a move."""
    record = row.record
    target = reader.release(record.bundle, record.to_version) if record.to_version else None
    return {
        "bundle": record.bundle,
        "alias": record.alias,
        "version": record.to_version,
        "label": target.record.label if target else None,
        "digest": target.record.digest if target else None,
        "seq": record.seq,
        "revision": row.commit,
        "moved_at": reading.time(record.stamp.at),
        "moved_by": record.stamp.actor,
        "reason": record.reason,
        "yanked": target.yanked if target else None,
        "split": None,
        "policy": record.policy,
        "request": record.request,
        "glass": record.glass,
    }


def history_page(reader: CatalogReader, rows: Sequence[MoveRow], limit: int) -> answers.Page[answers.HistoryItem]:
    """A page of a history from rows of one bundle. Each release that is moved to is looked at once."""
    known: dict[int, list[str]] = {}
    gone = reader.purged_versions(rows[0].record.bundle) if rows else frozenset()

    def authors(row: MoveRow) -> list[str]:
        version = row.record.to_version
        if version is None:
            return []
        if version not in known:
            found = reader.release(row.record.bundle, version)
            known[version] = (provenance.fields_of(found.record.source) or {}).get("authors", []) if found else []
        return known[version]

    return reading.page(
        rows, limit, lambda row: _move(row, authors(row), gone), lambda row: str(row.record.stamp.serial)
    )


def _move(row: MoveRow, authors: list[str], gone: frozenset[int]) -> answers.HistoryItem:
    record = row.record
    item: Any = {
        "bundle": record.bundle,
        "alias": record.alias,
        "action": record.action.value,
        "seq": record.seq,
        "from": record.from_version,
        "to": record.to_version,
        "back": record.back,
        "at": reading.time(record.stamp.at),
        "actor": record.stamp.actor,
        "reason": record.reason,
        "again": record.again,
        "authors": authors,
        "policy": record.policy,
        "request": record.request,
        "glass": record.glass,
        "revision": row.commit,
        "serial": record.stamp.serial,
        "purged": record.to_version in gone,
        "change": record.stamp.change,
    }
    found: answers.HistoryItem = item
    return found
