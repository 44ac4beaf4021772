"""SQLite: how the catalog's file is opened, and how a new one takes the place of the old.

``catalog.sqlite`` is a link to ``catalog.<n>.sqlite``. SQLite names its write-ahead log after the link's target, so a
rebuild is made aside under the next number and put in place by renaming one link: readers have the old file with
its log, or the new one with its own, never a mixture.

SQLite notices neither a log that was cut off, zeroed or lost (it goes on with what was before) nor an older file
in the file's place. So ``catalog.serial`` holds a witness: which registry this is, and the newest write that was ever
shown. It is written after the catalog and read before it, so no sound catalog is ever behind it. A file is examined
by SQLite when it is first opened; what its rows hold is proven by their sums.

Read-write connections open and close only under the store's lock, all others are ``mode=ro``: before 3.51.3 two
connections that checkpoint at once can corrupt a database, and a plain reader that closes last checkpoints.
"""

from __future__ import annotations

import os
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pinset.catalog import again, witness
from pinset.catalog import tables as t
from pinset.catalog.engine import examine, sqlite_engine
from pinset.catalog.reading import SqlReader
from pinset.catalog.sql import SqlWriter, build, format_of, translated
from pinset.catalog.watch import Watch
from pinset.durable import sync, way_out
from pinset.errors import Integrity, ReadOnly, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from pinset.ports.catalog import CatalogReader, CatalogWriter, Entry, FilesOf, Head, Mark, RowsAgain

NAME: Final = "catalog.sqlite"
_WITNESS: Final = "catalog.serial"
_VISIBLE: Final = "SELECT registry_id, epoch, serial FROM meta"
_INHERITED: Final[list[Engine]] = []
_Key = tuple[int, int, int]
"""Device and inode of the file, and the process that opened it."""
_EXAMINED: Final = 64 * 1024 * 1024
"""Bytes of the largest file that is examined when it is opened: 2 ms each million. `pinset verify` examines all."""


class SqliteCatalog:
    """Implements `ports.catalog.Catalog` in a registry's directory.

    keep_writer: keep the read-write connection too from one write to the next, which saves each a sync. For a process
    that never forks and ends with `checkpoint`: closed anywhere else, the connection could tidy up a log in use.
    """

    def __init__(self, directory: Path, *, keep_writer: bool = False) -> None:
        self._directory = directory.absolute()
        self._link = self._directory / NAME
        self._engines: tuple[_Key, Engine, Engine] | None = None
        self._watch = Watch(self._link, _VISIBLE)
        self._written = False
        self._keep_writer = keep_writer

    @contextmanager
    def reading(self) -> Iterator[CatalogReader]:
        """A consistent view. Raises Unavailable where there is no catalog of this format."""
        shown = self._witness()
        with translated(), self._engine(writable=False).connect() as connection:
            if format_of(connection) != t.CATALOG_FORMAT:
                raise Unavailable("there is no catalog of this format", hint="run `pinset reindex`")
            reader = SqlReader(connection)
            _refuse_older(reader, shown)
            yield reader

    @contextmanager
    def writing(self) -> Iterator[CatalogWriter]:
        """A read-write connection, for the holder of the store's lock."""
        if not os.access(self._directory, os.W_OK):
            raise ReadOnly(f"{self._directory} cannot be written", hint="check its owner and permissions")
        with translated(), self._engine(writable=True).connect() as connection:
            if format_of(connection) != t.CATALOG_FORMAT:
                raise Unavailable("there is no catalog of this format", hint="run `pinset reindex`")
            connection.rollback()
            self._written = True
            yield SqlWriter(connection, self._testify)

    def examine(self) -> None:
        """Examine the whole file, whatever its size. Raises Integrity, Unavailable."""
        with translated(), self._engine(writable=False).connect() as connection:
            examine(connection, "the catalog", "run `pinset reindex`")

    @contextmanager
    def again(self, files: FilesOf) -> Iterator[RowsAgain]:
        """The rows made again."""
        with closing(again.RowsAgain(self.reading, files)) as made:
            yield made

    def shown(self) -> int:
        """The serial of the newest write that was ever shown, 0 where that is not known."""
        shown = self._witness()
        return shown[2] if shown else 0

    def mark(self) -> Mark | None:
        """The file, and the newest visible write in it."""
        return self._watch.mark()

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
            self._build(target, entries)
            self._flip_to(target)
        except OSError as error:
            raise ReadOnly(
                f"the catalog cannot be written: {error.strerror}",
                hint=way_out(error, "check the disk and the permissions, then try again"),
            ) from error
        with self.writing() as writer:
            self._testify(writer.head())
        self.sweep()

    def sweep(self) -> None:
        """Remove the files of catalogs that are not in place any more."""
        if not self._link.exists():
            return
        in_place = self._link.resolve()
        for stale in self._directory.glob("catalog.*.sqlite*"):
            if not stale.name.startswith(in_place.name):
                stale.unlink(missing_ok=True)

    def _build(self, target: Path, entries: Iterable[Entry]) -> None:
        """Make a file of a catalog; what comes of it half is removed."""
        try:
            _remove(target)
            with translated():
                engine = sqlite_engine(target, writable=True, create=True)
                with engine.begin() as connection:
                    build(connection, entries)
        except BaseException:
            with suppress(OSError):
                _remove(target)
            raise

    def _flip_to(self, target: Path) -> None:
        """Put a file in the place of the one before. Where that fails it stays: the link may lead to it already."""
        flip = self._directory / f"{NAME}.new"
        flip.unlink(missing_ok=True)
        flip.symlink_to(target.name)
        flip.replace(self._link)
        sync(self._directory)

    @property
    def wants_checkpoint(self) -> bool:
        """Whether this process has written, so that a log may be left beside the file."""
        return self._written

    def checkpoint(self) -> None:
        """Bring the log into the file, where nobody else uses it; for the holder of the store's lock."""
        self._watch.close()
        self._forget()
        with suppress(ReadOnly, Unavailable, Integrity), translated():
            # Who closes a read-write connection last tidies up, so no reader of ours may be open beside it.
            sqlite_engine(self._link, writable=True).connect().close()
        self._written = False

    def close(self) -> None:
        """Release connections."""
        self._watch.close()
        self._forget()

    def _forget(self) -> None:
        if self._engines is None:
            return
        (*_, process), *engines = self._engines
        if process != os.getpid():
            # Forked: the connections are the parent's, and closing them here could spoil its log.
            _INHERITED.extend(engines)
            engines = []
        self._engines = None
        for engine in engines:
            engine.dispose()

    def _engine(self, *, writable: bool) -> Engine:
        """The engine of the file that the link leads to now."""
        try:
            found = self._link.stat()
        except OSError as error:
            if not self._directory.exists():
                raise Unavailable(f"{self._directory} is gone", hint="put the registry back, or restore it") from error
            raise Unavailable("there is no catalog", hint="run `pinset reindex`") from error
        key = (found.st_dev, found.st_ino, os.getpid())
        if self._engines is None or self._engines[0] != key:
            self._forget()
            reader = sqlite_engine(self._link, writable=False, kept=True)
            if found.st_size <= _EXAMINED:
                with reader.connect() as connection:
                    examine(connection, "the catalog", "run `pinset reindex`")
            self._engines = (key, reader, sqlite_engine(self._link, writable=True, kept=self._keep_writer))
        _, reader, writer = self._engines
        return writer if writable else reader

    def _testify(self, head: Head) -> None:
        """Write the witness."""
        witness.write(self._directory / _WITNESS, f"{head.registry_id} {head.epoch} {head.serial:020d}")

    def _witness(self) -> tuple[str, int, int] | None:
        """Registry, epoch and serial as the witness has them; None where it is not there or was cut off itself."""
        said = witness.read(self._directory / _WITNESS)
        return (said[0], int(said[1]), int(said[2])) if said else None

    def _generation(self) -> int:
        """The number of the newest catalog file there is, in place or left behind."""
        numbers = [path.name.split(".")[1] for path in self._directory.glob("catalog.*.sqlite")]
        return max((int(number) for number in numbers if number.isdigit()), default=0)


def _refuse_older(reader: SqlReader, shown: tuple[str, int, int] | None) -> None:
    """Raises Unavailable for a catalog that lacks a write that was shown once."""
    if shown is None:
        return
    registry, epoch, serial = shown
    head = reader.head()
    if head.registry_id != registry or (head.epoch, head.serial) < (epoch, serial):
        raise Unavailable(
            f"the catalog ends at write {head.serial}, and {serial} was shown already", hint="run `pinset reindex`"
        )


def _remove(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).unlink()
