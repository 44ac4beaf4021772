"""The catalog on any SQL engine that SQLAlchemy and these tables know: SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, delete, select
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from pinset import durable
from pinset.catalog import again, passages, tables, writing
from pinset.catalog.engine import NO_ROOM
from pinset.catalog.reading import SqlReader
from pinset.catalog.rows import Rows
from pinset.errors import Integrity, ReadOnly, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection, Engine

    from pinset.ports.catalog import CatalogReader, CatalogWriter, Entry, FilesOf, Head, Intent, Mark, RowsAgain

t: Any = tables
"""SQLModel types columns as the values they hold, and SQLAlchemy wants columns."""


class SqlWriter(SqlReader):
    """Implements `ports.catalog.CatalogWriter`: each change is one durable transaction.

    testify: is told the newest write as soon as it can be seen.
    """

    def __init__(self, connection: Connection, testify: Callable[[Head], None] | None = None) -> None:
        super().__init__(connection)
        self._testify = testify
        self._staged: Sequence[Entry] | None = None

    def begin(self, intent: Intent) -> None:
        """Make the intent durable."""
        writing.keep_intent(
            self._connection,
            intent.operation,
            [(m.ref, m.expected, m.new) for m in intent.moves],
            rewrites=intent.rewrites,
        )
        self._connection.commit()

    def drop_intent(self) -> None:
        """Forget the intent."""
        self._connection.execute(delete(t.IntentTable))
        self._connection.commit()

    def stage(self, entries: Sequence[Entry]) -> None:
        """Write the rows in a transaction that is not committed."""
        with translated(), self._all_or_nothing():
            rows = Rows(self._connection)
            for entry in entries:
                writing.apply(rows, entry)
            writing.refuse_empty(rows)
            _flush(self._connection, rows)
            self._connection.execute(delete(t.IntentTable))
            self._staged = entries

    def unstage(self) -> None:
        """Roll back what was staged."""
        if self._staged is not None:
            self._staged = None
            with suppress(SQLAlchemyError):
                self._connection.rollback()

    def apply(self, entries: Sequence[Entry]) -> None:
        """Add commits, forget the intent, raise the visible serial: all or nothing."""
        if self._staged is not entries:
            self.unstage()
            self.stage(entries)
        with translated():
            with self._all_or_nothing():
                head = self.head() if self._testify else None
                self._connection.commit()
                self._staged = None
            if self._testify is not None and head is not None:
                self._testify(head)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._staged = None
            with suppress(SQLAlchemyError):
                self._connection.rollback()
            raise


class SqlCatalog:
    """Implements `ports.catalog.Catalog` on an engine of its own, for PostgreSQL and for memory.

    url: as SQLAlchemy takes it. The engine's transactions must be snapshots; `reading` asks for them.
    """

    def __init__(self, url: str) -> None:
        self._engine = self._make_engine(url)

    def _make_engine(self, url: str) -> Engine:
        return create_engine(url, isolation_level="REPEATABLE READ")

    @contextmanager
    def reading(self) -> Iterator[CatalogReader]:
        """A consistent view."""
        with translated(), self._engine.connect() as connection:
            self._check(connection)
            yield SqlReader(connection)

    @contextmanager
    def writing(self) -> Iterator[CatalogWriter]:
        """A connection that may write."""
        with translated(), self._engine.connect() as connection:
            self._check(connection)
            yield SqlWriter(connection)

    def usable(self) -> bool:
        """Whether there is a catalog of this format."""
        try:
            with translated(), self._engine.connect() as connection:
                return format_of(connection) == tables.CATALOG_FORMAT
        except (Unavailable, Integrity):
            return False

    def rebuild(self, entries: Iterable[Entry]) -> None:
        """Build the catalog anew in one transaction."""
        with translated(), self._engine.begin() as connection:
            t.CATALOG.drop_all(connection)
            build(connection, entries)

    def mark(self) -> Mark | None:
        """Such an engine tells nobody in microseconds."""
        return None

    @contextmanager
    def again(self, files: FilesOf) -> Iterator[RowsAgain]:
        """The rows made again."""
        with closing(again.RowsAgain(self.reading, files)) as made:
            yield made

    def sweep(self) -> None:
        """Nothing to do: what was rebuilt took the place of the old tables."""

    wants_checkpoint = False

    def checkpoint(self) -> None:
        """Nothing to do: the engine sees to it."""

    def examine(self) -> None:
        """The engine examines its own files."""

    def shown(self) -> int:
        """The serial of the newest write; 0 where that is not known."""
        try:
            with self.reading() as reader:
                return reader.head().serial
        except (Unavailable, Integrity):
            return 0

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()

    def _check(self, connection: Connection) -> None:
        if format_of(connection) != t.CATALOG_FORMAT:
            raise Unavailable("the catalog is of another format", hint="run `pinset reindex`")


def build(connection: Connection, entries: Iterable[Entry]) -> None:
    """Tables and all rows, within the caller's transaction."""
    t.CATALOG.create_all(connection)
    rows = Rows(connection)
    for entry in entries:
        writing.apply(rows, entry)
        if rows.many:
            _flush(connection, rows)
    writing.refuse_empty(rows)
    _flush(connection, rows)


def _flush(connection: Connection, rows: Rows) -> None:
    """Write rows, and the words of the texts that they brought."""
    rows.flush()
    passages.keep_words(connection, rows.take_said())


def format_of(connection: Connection) -> int | None:
    """The format of the catalog behind a connection; None where it holds none."""
    try:
        found: int | None = connection.execute(select(t.Meta.format)).scalar()
    except DatabaseError:
        connection.rollback()
        return None
    return found


@contextmanager
def translated(what: str = "the catalog", way_out: str = "run `pinset reindex`") -> Iterator[None]:
    """The engine's exceptions as ours. way_out: for a file that is damaged."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        orig = getattr(error, "orig", None) or error
        text = str(orig)
        if getattr(orig, "sqlite_errorname", "") in NO_ROOM or "disk is full" in text:
            raise ReadOnly(f"{what} cannot be written: the disk is full", hint=durable.FREE_SPACE) from error
        if "readonly" in text or "full" in text or "disk I/O" in text:
            raise ReadOnly(f"{what} cannot be written: {text}", hint="free space, or check permissions") from error
        if "malformed" in text or "not a database" in text:
            raise Integrity(f"{what} is damaged: {text}", hint=way_out) from error
        if "locked" in text:
            raise Unavailable(f"{what} is busy", hint="try again") from error
        raise Unavailable(f"{what} cannot be read: {text}", hint=way_out) from error
    except OSError as error:
        hint = durable.way_out(error, "check the disk and the system's log, then try again")
        raise Unavailable(f"{what} cannot be reached: {error.strerror or error}", hint=hint) from error
