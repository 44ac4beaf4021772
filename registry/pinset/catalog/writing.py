"""Records become rows. The same for a write and for a rebuild, so both give the identical catalog."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pinset.catalog import tables
from pinset.domain import messages, sealed
from pinset.domain.records import (
    ComponentRecord,
    EvidenceRecord,
    FoundingRecord,
    MoveRecord,
    ReleaseRecord,
    Verdict,
)
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinset.ports.catalog import Entry

t: Any = tables
"""SQLModel types columns as the values they hold, and SQLAlchemy wants columns."""


def apply(connection: Connection, entry: Entry) -> None:
    """Add one commit. Entries come in the order of their serials. Raises Integrity for texts that do not fit."""
    record, stamp = entry.record, entry.record.stamp
    connection.execute(
        insert(t.Commit).values(
            serial=stamp.serial,
            id=entry.commit,
            ref=record.ref,
            operation=stamp.operation,
            message=messages.encode(record),
        )
    )
    _put(connection, t.Ref, {"name": record.ref}, {"commit": entry.commit})
    match record:
        case FoundingRecord():
            _put(
                connection,
                t.Meta,
                {"id": 1},
                {"format": t.CATALOG_FORMAT, "registry_id": record.registry_id, "epoch": record.epoch}
                | {"serial": stamp.serial, "commit": entry.commit, "at": stamp.at},
            )
        case ReleaseRecord():
            _apply_release(connection, entry, record)
        case ComponentRecord():
            _apply_component(connection, entry, record)
        case MoveRecord():
            _apply_move(connection, record)
        case EvidenceRecord():
            yanked = record.reason if record.verdict is Verdict.YANK else None
            same = (t.Release.bundle == record.bundle, t.Release.version == record.version)
            connection.execute(update(t.Release).where(*same).values(yanked=yanked))
            _touch(connection, record.bundle, stamp.at)
    connection.execute(update(t.Meta).values(serial=stamp.serial, commit=entry.commit, at=stamp.at))


def _apply_release(connection: Connection, entry: Entry, record: ReleaseRecord) -> None:
    manifest = _keep_texts(connection, entry.files, sealed.MANIFEST, record.digest)
    connection.execute(
        insert(t.Release).values(
            bundle=record.bundle,
            version=record.version,
            label=record.label.lower() if record.label is not None else None,
            digest=record.digest,
            serial=record.stamp.serial,
        )
    )
    known = connection.execute(select(t.Bundle.releases).where(t.Bundle.name == record.bundle)).scalar()
    values = {"releases": (known or 0) + 1, "newest": record.version, "changed_at": record.stamp.at}
    _put(connection, t.Bundle, {"name": record.bundle}, values)
    for key, pin in manifest.get("components", {}).items():
        connection.execute(
            insert(t.Uses).values(
                bundle=record.bundle, version=record.version, key=key, component_version=pin["version"]
            )
        )


def _apply_component(connection: Connection, entry: Entry, record: ComponentRecord) -> None:
    _keep_texts(connection, entry.files, sealed.COMPONENT, record.digest)
    key = f"{record.kind}/{record.name}"
    connection.execute(update(t.Component).where(t.Component.key == key, t.Component.newest).values(newest=False))
    connection.execute(
        insert(t.Component).values(
            key=key,
            version=record.version,
            label=record.label.lower() if record.label is not None else None,
            digest=record.digest,
            serial=record.stamp.serial,
            newest=True,
        )
    )


def _apply_move(connection: Connection, record: MoveRecord) -> None:
    where = {"bundle": record.bundle, "alias": record.alias}
    connection.execute(
        insert(t.Move).values(**where, seq=record.seq, to_version=record.to_version, serial=record.stamp.serial)
    )
    _put(
        connection,
        t.Alias,
        {"bundle": record.bundle, "name": record.alias},
        {"version": record.to_version, "serial": record.stamp.serial},
    )
    if record.bars is not None:
        _keep(connection, t.Bar, {**where, "version": record.bars})
    if record.to_version is not None:
        lifted = (t.Bar.bundle == record.bundle, t.Bar.alias == record.alias, t.Bar.version == record.to_version)
        connection.execute(delete(t.Bar).where(*lifted))
    _touch(connection, record.bundle, record.stamp.at)


def _touch(connection: Connection, bundle: str, at: int) -> None:
    connection.execute(update(t.Bundle).where(t.Bundle.name == bundle).values(changed_at=at))


def _keep_texts(connection: Connection, files: Mapping[str, str], name: str, digest: str) -> dict[str, Any]:
    texts = dict(files)
    manifest = texts.pop(name, None)
    if manifest is None:
        raise Integrity(f"a commit has no {name}", hint="run `pinset verify`")
    sealed.verify(sealed.Sealed(manifest, texts), digest)
    content = sealed.parse(manifest)
    _keep(connection, t.Manifest, {"digest": digest, "text": manifest})
    listed = content["files"]
    for path, text in texts.items():
        _keep(connection, t.Text, {"sha256": listed[path]["sha256"], "text": text})
    return content


def _put(connection: Connection, table: Any, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or update it where its key is there."""
    statement = _insert(connection, table).values(**key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def _keep(connection: Connection, table: Any, values: dict[str, Any]) -> None:
    """Insert a row that never changes, unless it is there."""
    connection.execute(_insert(connection, table).values(**values).on_conflict_do_nothing())


def _insert(connection: Connection, table: Any) -> Any:
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def intent_body(operation: str, moves: list[tuple[str, str | None, str]]) -> str:
    """An intent as it is kept."""
    return json.dumps({"operation": operation, "moves": moves})
