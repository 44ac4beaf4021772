"""Records become rows. The same for a write and for a rebuild, so both give the identical catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete

from pinset.catalog import changes, passages, spellings, tables
from pinset.catalog.rows import Rows
from pinset.domain import messages, notes, sealed, tombstones
from pinset.domain.records import (
    BundleRecord,
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    PurgeRecord,
    ReleaseRecord,
    Verdict,
    Version,
)
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinset.domain.records import Record
    from pinset.ports.catalog import Entry

t: Any = tables
"""SQLModel types columns as the values they hold, and SQLAlchemy wants columns."""
_UNSAID: Final[Mapping[str, Any]] = {"names": "", "owner": "", "description": "", "archived": False}
_NEW_BUNDLE: Final[Mapping[str, Any]] = {"releases": 0, "newest": 0, **_UNSAID}


def apply(rows: Rows, entry: Entry) -> None:
    """Gather the rows of one commit. Entries come in the order of their serials. Raises Integrity for unfit texts.

    A release without any text waits for the tombstone that names it: see `refuse_empty`.
    """
    record, stamp = entry.record, entry.record.stamp
    values = {"serial": stamp.serial, "id": entry.commit, "ref": record.ref, "operation": stamp.operation}
    rows.add(t.Commit, {**values, "head": entry.head, "message": messages.encode(record)})
    manifest = _apply_texts(rows, entry)
    derive(rows, entry, manifest)
    if isinstance(record, ReleaseRecord | ComponentRecord) and manifest is not None:
        for passage in passages.of(record, manifest):
            path = passage["path"]
            rows.say(passage["id"], entry.files[path] if path else passages.said_of(record))


def derive(rows: Rows, entry: Entry, manifest: Mapping[str, Any] | None) -> None:
    """Gather all rows of one commit but the commit itself, its texts and their words.

    entry: of a purge with its files; else without. manifest: of a version; None of one that has no texts any more.
    """
    record, stamp = entry.record, entry.record.stamp
    rows.put(t.Ref, {"name": record.ref, "commit": entry.commit})
    if stamp.change is not None:
        rows.add(t.Changed, {"serial": stamp.serial, "name": stamp.change, "about": changes.about(record)})
    match record:
        case FoundingRecord():
            values = {"format": t.CATALOG_FORMAT, "registry_id": record.registry_id, "epoch": record.epoch}
            rows.put(t.Meta, {"id": 1, **values, "serial": 0, "commit": "", "at": 0})
            _note(rows, record)
        case ReleaseRecord():
            _apply_release(rows, record, manifest)
        case ComponentRecord():
            _apply_component(rows, record, manifest)
        case MoveRecord():
            _apply_move(rows, record)
        case BundleRecord():
            _note(rows, record)
            _apply_bundle(rows, record)
        case PurgeRecord():
            _note(rows, record)
            _apply_purge(rows, entry, record)
        case _:
            _note(rows, record)
    rows.change(t.Meta, {"id": 1}, {"serial": stamp.serial, "commit": entry.commit, "at": stamp.at})


def _apply_texts(rows: Rows, entry: Entry) -> Mapping[str, Any] | None:
    """Keep the texts of a commit; of a version its manifest, None of one that was purged."""
    record = entry.record
    if isinstance(record, ReleaseRecord | ComponentRecord):
        name = sealed.MANIFEST if isinstance(record, ReleaseRecord) else sealed.COMPONENT
        return _keep_texts(rows, entry.files, name, record.digest) if entry.files else None
    for digest, text in notes.texts_of(record, entry.files).items():
        rows.keep(t.Text, {"sha256": digest, "text": text})
    return None


def _note(rows: Rows, record: Record) -> None:
    """What was recorded about the registry or about a release."""
    note = notes.note_of(record)
    if note is None:
        raise Integrity(f"the catalog has no place for a {messages.kind_of(record)}", hint="upgrade pinset")
    rows.add(t.Note, {"serial": record.stamp.serial, "kind": messages.kind_of(record), **note._asdict()})
    if isinstance(record, EvidenceRecord):
        yanked = record.reason if record.verdict is Verdict.YANK else None
        rows.change(t.Release, {"bundle": record.bundle, "version": record.version}, {"yanked": yanked})
    if note.bundle:
        _touch(rows, note.bundle, record.stamp.at)


def _apply_release(rows: Rows, record: ReleaseRecord, manifest: Mapping[str, Any] | None) -> None:
    values = {"bundle": record.bundle, "version": record.version, "digest": record.digest}
    label = record.label.lower() if record.label is not None else None
    rows.add(t.Release, {**values, "label": label, "serial": record.stamp.serial, "yanked": None, "purged": None})
    known = rows.find(t.Bundle, {"key": record.bundle}) or {"key": record.bundle, **_NEW_BUNDLE, "name": record.bundle}
    counts = {"releases": known["releases"] + 1, "newest": record.version}
    rows.put(t.Bundle, {**known, **counts, "changed_at": record.stamp.at})
    held = _held(rows, record, manifest)
    _keep_passages(rows, record, held)
    for key, pin in held.get("components", {}).items():
        used = {"bundle": record.bundle, "version": record.version, "key": key, "component_version": pin["version"]}
        rows.add(t.Uses, used)


def _apply_component(rows: Rows, record: ComponentRecord, manifest: Mapping[str, Any] | None) -> None:
    _keep_passages(rows, record, _held(rows, record, manifest))
    key = f"{record.kind}/{record.name}"
    rows.change(t.Component, {"key": key, "newest": True}, {"newest": False})
    values = {"key": key, "version": record.version, "digest": record.digest, "serial": record.stamp.serial}
    label = record.label.lower() if record.label is not None else None
    rows.add(t.Component, {**values, "label": label, "newest": True, "purged": None})


def _keep_passages(rows: Rows, record: ReleaseRecord | ComponentRecord, manifest: Mapping[str, Any]) -> None:
    for passage in passages.of(record, manifest):
        rows.keep(t.Passage, passage)


def _apply_move(rows: Rows, record: MoveRecord) -> None:
    where = {"bundle": record.bundle, "alias": record.alias}
    values = {"seq": record.seq, "to_version": record.to_version, "serial": record.stamp.serial}
    rows.add(t.Move, {**where, **values})
    _touch(rows, record.bundle, record.stamp.at)
    bundle = rows.find(t.Bundle, {"key": record.bundle})
    key = {"bundle": record.bundle, "name": record.alias, "shown": bundle["name"] if bundle else record.bundle}
    rows.put(t.Alias, {**key, "version": record.to_version, "serial": record.stamp.serial, "at": record.stamp.at})
    if record.bars is not None:
        rows.keep(t.Bar, {**where, "version": record.bars})
    if record.to_version is not None:
        rows.drop(t.Bar, {**where, "version": record.to_version})


def _apply_bundle(rows: Rows, record: BundleRecord) -> None:
    known = rows.find(t.Bundle, {"key": record.bundle})
    if known is None:
        raise Integrity(f"there is a record of {record.bundle}, which has no release", hint="run `pinset verify`")
    names = spellings.kept(record.names)
    said = {"names": names, "owner": record.owner, "description": record.description, "archived": record.archived}
    rows.put(t.Bundle, {**known, **said, "name": record.name})
    rows.add(t.Said, {"bundle": record.bundle, "serial": record.stamp.serial, **said})
    if names != known["names"]:
        _respell(rows, record.bundle, spellings.told(known["names"]), record.names)
    if record.name == known["name"]:
        return
    for name in (record.bundle, record.name):
        if rows.find(t.Name, {"name": name}) is None:
            rows.add(t.Name, {"name": name, "bundle": record.bundle, "serial": record.stamp.serial})
    for alias in rows.all(t.Alias, {"bundle": record.bundle}):
        rows.put(t.Alias, {**alias, "shown": record.name})


def _respell(rows: Rows, bundle: str, before: tuple[str, ...], now: tuple[str, ...]) -> None:
    for spelling in before:
        held = rows.find(t.Spelling, {"spelling": spelling})
        if spelling not in now and held is not None and held["bundle"] == bundle:
            rows.drop(t.Spelling, {"spelling": spelling})
    for spelling in now:
        rows.put(t.Spelling, {"spelling": spelling, "bundle": bundle})


def _apply_purge(rows: Rows, entry: Entry, record: PurgeRecord) -> None:
    serial = record.stamp.serial
    for sha256 in tombstones.read(entry.files, record.tombstone).texts:
        rows.keep(t.PurgedText, {"sha256": sha256, "serial": serial})
    for ref in record.purged:
        if ref not in rows.empty:
            raise Integrity(f"a tombstone names {ref}, which is whole or was never there", hint="run `pinset verify`")
        rows.empty.discard(ref)
        name, version = Version.parse(ref)
        table: Any = t.Component if "/" in name else t.Release
        key = {"key" if "/" in name else "bundle": name, "version": version}
        rows.change(table, key, {"purged": serial})
        if "/" not in name:
            _touch(rows, name, record.stamp.at)


def refuse_empty(rows: Rows) -> None:
    """Raises Integrity where a release has no texts and no tombstone says that it was purged."""
    if rows.empty:
        raise Integrity(f"{min(rows.empty)} has no content, and was not purged", hint="run `pinset verify`")


def _held(rows: Rows, record: ReleaseRecord | ComponentRecord, manifest: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The manifest of a version; of one that was purged nothing, which its tombstone must say."""
    if manifest is None:
        rows.empty.add(str(record.which))
        return {}
    return manifest


def _touch(rows: Rows, bundle: str, at: int) -> None:
    rows.change(t.Bundle, {"key": bundle}, {"changed_at": at})


def _keep_texts(rows: Rows, files: Mapping[str, str], name: str, digest: str) -> dict[str, Any]:
    texts = dict(files)
    manifest = texts.pop(name, None)
    if manifest is None:
        raise Integrity(f"a commit has no {name}", hint="run `pinset verify`")
    sealed.verify(sealed.Sealed(manifest, texts), digest)
    content = sealed.parse(manifest)
    listed = content["files"]
    rows.keep(t.Manifest, {"digest": digest, "text": manifest})
    for path, text in texts.items():
        rows.keep(t.Text, {"sha256": listed[path]["sha256"], "text": text})
    return content


def keep_intent(
    connection: Connection, operation: str, moves: list[tuple[str, str | None, str]], *, rewrites: bool
) -> None:
    """Keep an intent, in the place of any other."""
    connection.execute(delete(t.IntentTable))
    rows = Rows(connection)
    rows.add(
        t.IntentTable, {"id": 1, "body": json.dumps({"operation": operation, "moves": moves, "rewrites": rewrites})}
    )
    rows.flush()
