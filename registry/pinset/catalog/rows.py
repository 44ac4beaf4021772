"""Rows on their way into the tables: gathered, each read at most once, then written with one statement a table and way.

One write gathers a handful, a rebuild thousands: what a statement costs is then shared by all of them.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.dialects import sqlite

from pinset.catalog import sums
from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_MOST_ROWS: Final = 4096
_MOST_TEXT: Final = 8 * 1024 * 1024

_Key = tuple[Any, ...]


class _Way(Enum):
    """How a row is written."""

    ADD = "it is not there yet"
    KEEP = "it never changes, and may be there"
    PUT = "it is there or not, and is so from now on"
    DROP = "it goes"


class Rows:
    """Rows of one transaction that are not written yet. Rows are given whole, but for their sums."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: dict[Any, dict[_Key, tuple[_Way, dict[str, Any]]]] = {}
        self._count = 0
        self._text = 0
        self._said: dict[int, str] = {}
        self.empty: set[str] = set()
        """Versions whose commits hold nothing, and that no tombstone has named yet."""

    @property
    def many(self) -> bool:
        """Whether it is time to write them, for want of memory."""
        return self._count >= _MOST_ROWS or self._text >= _MOST_TEXT

    def add(self, table: Any, values: dict[str, Any]) -> None:
        """A row that is not there yet."""
        if _key(table, values) in self._of(table):
            self.flush()  # the engine says that it is there
        self._hold(table, _Way.ADD, values)

    def keep(self, table: Any, values: dict[str, Any]) -> None:
        """A row that never changes, and may be there."""
        held = self._of(table).get(_key(table, values))
        if held is None:
            self._hold(table, _Way.KEEP, values)
        elif held[0] is _Way.DROP:
            self._hold(table, _Way.PUT, values)

    def put(self, table: Any, values: dict[str, Any]) -> None:
        """A row, in the place of the one that has its key, where there is one."""
        held = self._of(table).get(_key(table, values))
        self._hold(table, _Way.ADD if held is not None and held[0] is _Way.ADD else _Way.PUT, values)

    def change(self, table: Any, where: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Change some values of the row that holds the others, where there is one. A row that is damaged is refused."""
        row = self.find(table, where)
        if row is not None:
            self.put(table, {**row, **values})

    def drop(self, table: Any, key: dict[str, Any]) -> None:
        """Remove the row of that key, where there is one."""
        self._hold(table, _Way.DROP, key)

    def say(self, number: int, text: str) -> None:
        """The text of a passage, whose words are to be found where the passage is new."""
        self._said[number] = text

    def take_said(self) -> dict[int, str]:
        """The texts of passages, which are from now on for the caller to keep."""
        said, self._said = self._said, {}
        return said

    def find(self, table: Any, where: Mapping[str, Any]) -> dict[str, Any] | None:
        """The one row that holds these values, without its sum. Raises Integrity where it is damaged."""
        held = self._of(table)
        if set(where) == set(_key_names(table)):
            found = held.get(_key(table, where))
            if found is not None:
                return None if found[0] is _Way.DROP else found[1]
        else:
            for way, values in held.values():
                if way is not _Way.DROP and all(values[name] == value for name, value in where.items()):
                    return values
        row = self._connection.execute(_find(table, tuple(where)), where).first()
        if row is None:
            return None
        values = sound(table, row._asdict())
        return None if _key(table, values) in held else values

    def flush(self) -> None:
        """Write them."""
        held, self._held, self._count, self._text = self._held, {}, 0, 0
        for table, rows in held.items():
            ways: dict[_Way, list[dict[str, Any]]] = {}
            for way, values in rows.values():
                ways.setdefault(way, []).append(values if way is _Way.DROP else _summed(table, values))
            for way, gathered in ways.items():
                # One row as itself: for a list of one the engine would make ready for many.
                self._connection.execute(
                    _statement(self._connection.dialect.name, table, way),
                    gathered if len(gathered) > 1 else gathered[0],
                )

    def _of(self, table: Any) -> dict[_Key, tuple[_Way, dict[str, Any]]]:
        return self._held.setdefault(table, {})

    def _hold(self, table: Any, way: _Way, values: dict[str, Any]) -> None:
        held, key = self._of(table), _key(table, values)
        self._count += key not in held
        self._text += len(values.get("text", ""))
        held[key] = way, values


def sound(table: Any, values: dict[str, Any]) -> dict[str, Any]:
    """A row's values without its sum. Raises Integrity where they are not those that were written."""
    held = values.pop("sum")
    if held != sums.sum_of_row(table.__table__, values):
        raise Integrity(f"the catalog is damaged: a row of {table.__tablename__}", hint="run `pinset reindex`")
    return values


def _summed(table: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "sum": sums.sum_of_row(table.__table__, values)} if "sum" in table.__table__.columns else values


@cache
def _key_names(table: Any) -> tuple[str, ...]:
    return tuple(column.name for column in table.__table__.primary_key.columns)


def _key(table: Any, values: Mapping[str, Any]) -> _Key:
    return tuple(values[name] for name in _key_names(table))


# Statements are made once: making one costs more than running it.


@cache
def _find(table: Any, names: tuple[str, ...]) -> Any:
    return select(table.__table__).where(*(getattr(table, name) == bindparam(name) for name in names))


@cache
def _statement(dialect: str, table: Any, way: _Way) -> Any:
    if way is _Way.ADD:
        return insert(table)
    names = _key_names(table)
    if way is _Way.DROP:
        return delete(table).where(*(getattr(table, name) == bindparam(name) for name in names))
    statement = _insert_of(dialect)(table)
    if way is _Way.KEEP:
        return statement.on_conflict_do_nothing()
    changed = [column.name for column in table.__table__.columns if column.name not in names]
    return statement.on_conflict_do_update(
        index_elements=list(names), set_={name: statement.excluded[name] for name in changed}
    )


def _insert_of(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 30 ms that nobody on SQLite needs

        return postgresql.insert
    return sqlite.insert
