"""SQLite: how the catalog's file is opened, and how a new one takes the place of the old.

``catalog.sqlite`` is a link to ``catalog.<n>.sqlite``. SQLite names its write-ahead log after the link's target, so a
rebuild is made aside under the next number and put in place by renaming one link: readers have the old file with
its log, or the new one with its own, never a mixture.

Read-write connections open and close only under the store's lock, all others are ``mode=ro``: before 3.51.3 two
connections that checkpoint at once can corrupt a database, and a plain reader that closes last checkpoints.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

from pinset.catalog import tables as t
from pinset.catalog.reading import SqlReader
from pinset.catalog.sql import SqlWriter, build, format_of, translated
from pinset.durable import sync
from pinset.errors import Integrity, ReadOnly, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pinset.ports.catalog import CatalogReader, CatalogWriter, Entry

NAME: Final = "catalog.sqlite"
_BUSY_SECONDS: Final = 5.0


class SqliteCatalog:
    """Implements `ports.catalog.Catalog` in a registry's directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._link = self._directory / NAME
        self._readers: tuple[tuple[int, int, int], Engine] | None = None

    @contextmanager
    def reading(self) -> Iterator[CatalogReader]:
        """A consistent view. Raises Unavailable where there is no catalog of this format."""
        with translated(), self._reader().connect() as connection:
            if format_of(connection) != t.CATALOG_FORMAT:
                raise Unavailable("there is no catalog of this format", hint="run `pinset reindex`")
            yield SqlReader(connection)

    @contextmanager
    def writing(self) -> Iterator[CatalogWriter]:
        """A read-write connection, for the holder of the store's lock."""
        if not os.access(self._directory, os.W_OK):
            raise ReadOnly(f"{self._directory} cannot be written", hint="check its owner and permissions")
        with translated():
            engine = sqlite_engine(self._link, writable=True)
            with engine.connect() as connection:
                if format_of(connection) != t.CATALOG_FORMAT:
                    raise Unavailable("there is no catalog of this format", hint="run `pinset reindex`")
                connection.rollback()
                yield SqlWriter(connection)

    def usable(self) -> bool:
        """Whether there is a catalog of this format that can be opened."""
        with translated():
            if not self._link.exists():
                return False
        try:
            with self.reading():
                return True
        except (Unavailable, Integrity):
            return False

    def rebuild(self, entries: Iterable[Entry]) -> None:
        """Build a catalog aside and flip to it."""
        with translated():
            old = self._generation()
        target = self._directory / f"catalog.{old + 1}.sqlite"
        try:
            _remove(target)
            with translated():
                engine = sqlite_engine(target, writable=True, create=True)
                with engine.begin() as connection:
                    build(connection, entries)
            flip = self._directory / f"{NAME}.new"
            flip.unlink(missing_ok=True)
            flip.symlink_to(target.name)
            flip.replace(self._link)
            sync(self._directory)
        except OSError as error:
            with suppress(OSError):
                _remove(target)
            raise ReadOnly(
                f"the catalog cannot be written: {error.strerror}", hint="free space, or check permissions"
            ) from error
        except BaseException:
            with suppress(OSError):
                _remove(target)
            raise
        for stale in self._directory.glob("catalog.*.sqlite"):
            if stale != target:
                _remove(stale)

    def close(self) -> None:
        """Release connections."""
        if self._readers is not None:
            self._readers[1].dispose()
            self._readers = None

    def _reader(self) -> Engine:
        """The engine of the file that the link leads to now."""
        try:
            found = self._link.stat()
        except OSError as error:
            if not self._directory.exists():
                raise Unavailable(f"{self._directory} is gone", hint="put the registry back, or restore it") from error
            raise Unavailable("there is no catalog", hint="run `pinset reindex`") from error
        key = (found.st_dev, found.st_ino, os.getpid())
        if self._readers is None or self._readers[0] != key:
            self._readers = (key, sqlite_engine(self._link, writable=False))
        return self._readers[1]

    def _generation(self) -> int:
        """The number of the newest catalog file there is, in place or left behind."""
        numbers = [path.name.split(".")[1] for path in self._directory.glob("catalog.*.sqlite")]
        return max((int(number) for number in numbers if number.isdigit()), default=0)


def sqlite_engine(path: Path, *, writable: bool, create: bool = False) -> Engine:
    """An engine on one SQLite file whose connections open and close with their use.

    A reader's transaction is a snapshot; where the directory cannot be written and no log is left, the file is read
    as it lies.
    """
    mode = "rwc" if create else "rw" if writable else "ro"

    def connect() -> sqlite3.Connection:
        real = path.resolve() if path.exists() else path
        still = not writable and not os.access(real.parent, os.W_OK) and not real.with_name(real.name + "-wal").exists()
        uri = f"file:{quote(str(real))}?mode={mode}" + ("&immutable=1" if still else "")
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()
