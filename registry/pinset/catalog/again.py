"""The rows made again: what the catalog must hold beside commits and texts, made of its commits aside.

A row carries a sum, which tells damage; who may write the file can make a new one. So a proof makes the rows again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import create_engine, select
from sqlalchemy.pool import StaticPool

from pinset.catalog import questions as q
from pinset.catalog import writing
from pinset.catalog.questions import t
from pinset.catalog.rows import Rows
from pinset.catalog.sums import sum_of_row
from pinset.domain import messages, sealed
from pinset.domain.commits import id_of
from pinset.domain.names import show
from pinset.domain.records import ComponentRecord, PurgeRecord, ReleaseRecord
from pinset.errors import Integrity, PinsetError
from pinset.ports.catalog import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from pinset.domain.records import Record
    from pinset.ports.catalog import FilesOf, Wrong

_GIVEN: Final = frozenset(table.__table__ for table in (t.IntentTable, t.Commit, t.Manifest, t.Text))
"""Tables that are not made of the commits: texts are proven by their digests, and whoever makes rows again reads the commits."""
_BATCH: Final = 50


class RowsAgain:
    """Implements `ports.catalog.RowsAgain`. Nothing of it is left when it is closed."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Any]], files: FilesOf) -> None:
        self._reading, self._files = reading, files
        # In memory: a proof must not want a disk with room. Texts, which are most of a catalog, are not in it.
        self._engine = create_engine("sqlite://", poolclass=StaticPool)
        self._made = self._engine.connect()
        t.CATALOG.create_all(self._made)
        self._rows = Rows(self._made)
        self._serial = 0
        self._commit: str | None = None

    def take(self) -> tuple[Sequence[tuple[str, Record]], list[Wrong]]:
        """The next commits of the catalog, and what is wrong with them; none: all of them were taken."""
        with self._reading() as reader:
            return self._take(reader.connection)

    def differences(self) -> list[Wrong]:
        """What was written since all were taken, and every row that is not as the commits make it."""
        with self._reading() as reader:
            wrong: list[Wrong] = []
            while (taken := self._take(reader.connection))[0] or taken[1]:
                wrong += taken[1]
            self._rows.flush()
            wrong += [(which, "has no content, and was not purged") for which in sorted(self._rows.empty)]
            tables = (one for one in t.CATALOG.sorted_tables if one not in _GIVEN)
            return wrong + [one for table in tables for one in self._compared(reader.connection, table)]

    def _take(self, connection: Connection) -> tuple[Sequence[tuple[str, Record]], list[Wrong]]:
        found: list[tuple[str, Record]] = []
        wrong: list[Wrong] = []
        for row in connection.execute(q.RECORDS, {"after": self._serial, "limit": _BATCH}).all():
            before, self._serial = self._commit, row.commits__serial
            where, self._commit = f"write {self._serial}", row.commits__id
            try:
                commit = q.part(row, t.Commit)
                record = messages.decode(commit["message"])
                wrong += [(where, what) for what in _wrong(commit, record, before)]
                files = self._files(record.ref, commit["id"]) if isinstance(record, PurgeRecord) else {}
                entry = Entry(commit=commit["id"], record=record, files=files)
                writing.derive(self._rows, entry, _manifest(connection, record))
            except PinsetError as error:
                wrong.append((where, error.message))
            else:
                found.append((commit["id"], record))
        if self._rows.many:
            self._rows.flush()
        return found, wrong

    def _compared(self, connection: Connection, table: Any) -> Iterator[Wrong]:
        names = [column.name for column in table.primary_key.columns]
        made = self._made.execute(select(*(table.c[name] for name in names), table.c.sum))
        expected = {tuple(row[:-1]): row[-1] for row in made}
        for row in connection.execute(select(table)):
            values = row._asdict()
            key, held = tuple(values[name] for name in names), values.pop("sum")
            wanted = expected.pop(key, None)
            if wanted is None:
                yield _where(table, key), "is made by no commit"
            elif not held == wanted == sum_of_row(table, values):
                yield _where(table, key), "is not as the commits make it"
        for key in expected:
            yield _where(table, key), "is not there, and the commits make it"

    def close(self) -> None:
        """Forget it all."""
        self._made.close()
        self._engine.dispose()


def _wrong(commit: Mapping[str, Any], record: Record, before: str | None) -> Iterator[str]:
    stamp = record.stamp
    if id_of(q.raw(dict(commit))) != commit["id"]:
        yield "is not the text whose id it has"
    if stamp.prev != before:
        yield f"follows {stamp.prev}, and before it comes {before}"
    if (stamp.serial, record.ref, stamp.operation) != (commit["serial"], commit["ref"], commit["operation"]):
        yield "is found by other names than its own"


def _manifest(connection: Connection, record: Record) -> Mapping[str, Any] | None:
    """The manifest of a version, proven by its digest; None where there is none, and of what is no version."""
    if not isinstance(record, ReleaseRecord | ComponentRecord):
        return None
    text = connection.execute(q.MANIFEST, {"digest": record.digest}).scalar()
    if text is None:
        return None
    if not isinstance(text, str) or sealed.digest_of(text) != record.digest:
        raise Integrity(f"the catalog's manifest of {record.digest} is damaged", hint="run `pinset reindex`")
    return sealed.parse(text)


def _where(table: Any, key: tuple[Any, ...]) -> str:
    return f"{table.name} {show('/'.join(map(str, key)), 120)}"
