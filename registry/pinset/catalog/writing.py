"""Records become rows. The same for a write and for a rebuild, so both give the identical catalog."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import sqlite

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
    values = {"serial": stamp.serial, "id": entry.commit, "ref": record.ref, "operation": stamp.operation}
    _insert(connection, t.Commit, {**values, "message": messages.encode(record)})
    _put(connection, t.Ref, {"name": record.ref}, {"commit": entry.commit})
    match record:
        case FoundingRecord():
            values = {"format": t.CATALOG_FORMAT, "registry_id": record.registry_id, "epoch": record.epoch}
            _put(connection, t.Meta, {"id": 1}, {**values, "serial": 0, "commit": "", "at": 0})
        case ReleaseRecord():
            _apply_release(connection, entry, record)
        case ComponentRecord():
            _apply_component(connection, entry, record)
        case MoveRecord():
            _apply_move(connection, record)
        case EvidenceRecord():
            yanked = record.reason if record.verdict is Verdict.YANK else None
            _update(connection, t.Release, {"bundle": record.bundle, "version": record.version}, {"yanked": yanked})
            _touch(connection, record.bundle, stamp.at)
    _update(connection, t.Meta, {"id": 1}, {"serial": stamp.serial, "commit": entry.commit, "at": stamp.at})


def _apply_release(connection: Connection, entry: Entry, record: ReleaseRecord) -> None:
    manifest = _keep_texts(connection, entry.files, sealed.MANIFEST, record.digest)
    values = {"bundle": record.bundle, "version": record.version, "digest": record.digest}
    label = record.label.lower() if record.label is not None else None
    _insert(connection, t.Release, {**values, "label": label, "serial": record.stamp.serial, "yanked": None})
    known = connection.execute(_RELEASES, {"name": record.bundle}).scalar()
    values = {"releases": (known or 0) + 1, "newest": record.version, "changed_at": record.stamp.at}
    _put(connection, t.Bundle, {"name": record.bundle}, values)
    for key, pin in manifest.get("components", {}).items():
        used = {"bundle": record.bundle, "version": record.version, "key": key, "component_version": pin["version"]}
        _insert(connection, t.Uses, used)


def _apply_component(connection: Connection, entry: Entry, record: ComponentRecord) -> None:
    _keep_texts(connection, entry.files, sealed.COMPONENT, record.digest)
    key = f"{record.kind}/{record.name}"
    _update(connection, t.Component, {"key": key, "newest": True}, {"newest": False})
    values = {"key": key, "version": record.version, "digest": record.digest, "serial": record.stamp.serial}
    label = record.label.lower() if record.label is not None else None
    _insert(connection, t.Component, {**values, "label": label, "newest": True})


def _apply_move(connection: Connection, record: MoveRecord) -> None:
    where = {"bundle": record.bundle, "alias": record.alias}
    values = {"seq": record.seq, "to_version": record.to_version, "serial": record.stamp.serial}
    _insert(connection, t.Move, {**where, **values})
    key = {"bundle": record.bundle, "name": record.alias}
    _put(connection, t.Alias, key, {"version": record.to_version, "serial": record.stamp.serial})
    if record.bars is not None:
        _keep(connection, t.Bar, [_summed(t.Bar, {**where, "version": record.bars})])
    if record.to_version is not None:
        connection.execute(_LIFT, {**where, "version": record.to_version})
    _touch(connection, record.bundle, record.stamp.at)


def _touch(connection: Connection, bundle: str, at: int) -> None:
    _update(connection, t.Bundle, {"name": bundle}, {"changed_at": at})


def _keep_texts(connection: Connection, files: Mapping[str, str], name: str, digest: str) -> dict[str, Any]:
    texts = dict(files)
    manifest = texts.pop(name, None)
    if manifest is None:
        raise Integrity(f"a commit has no {name}", hint="run `pinset verify`")
    sealed.verify(sealed.Sealed(manifest, texts), digest)
    content = sealed.parse(manifest)
    listed = content["files"]
    _keep(connection, t.Manifest, [{"digest": digest, "text": manifest}])
    _keep(connection, t.Text, [{"sha256": listed[path]["sha256"], "text": text} for path, text in texts.items()])
    return content


def _summed(table: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    return {**values, "sum": tables.sum_of(table.__table__, values)}


def _insert(connection: Connection, table: Any, values: dict[str, Any]) -> None:
    """Insert a row, given whole."""
    connection.execute(_add(table), _summed(table, values))


def _update(connection: Connection, table: Any, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Change some values of the row that holds the others, where there is one. A row that is damaged is refused."""
    found = connection.execute(_find(table, tuple(key)), {f"of_{name}": value for name, value in key.items()}).first()
    if found is None:
        return
    row = sound(table, found._asdict())
    changed = _summed(table, {**row, **values})
    at = {f"of_{column.name}": row[column.name] for column in table.__table__.primary_key.columns}
    statement = _change(table, tuple(at))
    connection.execute(statement, {**at, **{name: changed[name] for name in (*values, "sum")}})


def sound(table: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A row's values without its sum. Raises Integrity where they are not those that were written."""
    held = values.pop("sum")
    if held != tables.sum_of(table.__table__, values):
        raise Integrity(f"the catalog is damaged: a row of {table.__tablename__}", hint="run `pinset reindex`")
    return values


def _put(connection: Connection, table: Any, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Insert a row, or update it where its key is there. Key and values are all there is in it."""
    row = _summed(table, {**key, **values})
    statement = _upsert(connection.dialect.name, table, tuple(key), (*values, "sum"))
    connection.execute(statement, row)


def _keep(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows that never change, but for those that are there."""
    if rows:
        connection.execute(_insert_new(connection.dialect.name, table), rows)


# Statements are made once: making one costs more than running it.

_RELEASES: Final = select(t.Bundle.releases).where(t.Bundle.name == bindparam("name"))
_LIFT: Final = delete(t.Bar).where(
    *(column == bindparam(column.key) for column in (t.Bar.bundle, t.Bar.alias, t.Bar.version))
)


@cache
def _add(table: Any) -> Any:
    return insert(table)


@cache
def _change(table: Any, key: tuple[str, ...]) -> Any:
    """An update of the columns it is given where each column is what its ``of_<column>`` of the key says."""
    return update(table).where(*(getattr(table, name[3:]) == bindparam(name) for name in key))


@cache
def _find(table: Any, key: tuple[str, ...]) -> Any:
    return select(table.__table__).where(*(getattr(table, name) == bindparam(f"of_{name}") for name in key))


@cache
def _upsert(dialect: str, table: Any, key: tuple[str, ...], values: tuple[str, ...]) -> Any:
    statement = _insert_of(dialect)(table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={name: statement.excluded[name] for name in values}
    )


@cache
def _insert_new(dialect: str, table: Any) -> Any:
    return _insert_of(dialect)(table).on_conflict_do_nothing()


def _insert_of(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 30 ms that nobody on SQLite needs

        return postgresql.insert
    return sqlite.insert


def keep_intent(connection: Connection, operation: str, moves: list[tuple[str, str | None, str]]) -> None:
    """Keep an intent, in the place of any other."""
    connection.execute(delete(t.IntentTable))
    _insert(connection, t.IntentTable, {"id": 1, "body": json.dumps({"operation": operation, "moves": moves})})
