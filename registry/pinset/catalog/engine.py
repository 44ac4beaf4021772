"""Connections to one SQLite file: how they are opened, what is read without a log, and how a file is examined."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from pinset.errors import Integrity

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

NO_ROOM: Final = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
"""How SQLite says that the disk is full: for a file, and for the memory that it shares by way of one."""
_BUSY_SECONDS: Final = 5.0
_KEPT: Final = 4
"""Readers' connections that are kept open; more are opened and closed with their use."""


def sqlite_engine(path: Path, *, writable: bool, create: bool = False, kept: bool = False) -> Engine:
    """An engine on one SQLite file whose connections open and close with their use, or are kept for the next one.

    While a reader's connection is kept, the log outlives the writers, and a write need not make a new one.
    A reader's transaction is a snapshot; where the directory cannot be written, or the disk is full, and no log is
    left, the file is read as it lies, by a connection for this one use.
    """
    mode = "rwc" if create else "rw" if writable else "ro"

    def opened(real: Path, more: str = "", kind: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(real))}?mode={mode}{more}",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=kind,
        )

    def connect() -> sqlite3.Connection:
        real = path.resolve() if path.exists() else path
        still = not writable and not os.access(real.parent, os.W_OK) and _has_no_log(real)
        connection = None if still else opened(real)
        if connection is not None and not writable:
            try:
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
            except sqlite3.Error as error:
                # Any other is raised again by whoever reads.
                if getattr(error, "sqlite_errorname", "") in NO_ROOM and _has_no_log(real):
                    connection.close()
                    connection = None
        connection = connection or opened(real, "&immutable=1", _Still)
        if writable:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    pool: dict[str, Any] = {"pool_size": _KEPT, "max_overflow": -1} if kept else {}
    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool if kept else NullPool, **pool)

    @event.listens_for(engine, "checkin")
    def _checkin(connection: Any, record: Any) -> None:
        if isinstance(connection, _Still):
            record.invalidate()  # it would never see what is written from now on

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def examine(connection: Connection, what: str, way_out: str) -> None:
    """Raises Integrity where SQLite finds its own file damaged: rows that no search finds, or finds twice."""
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise Integrity(f"{what} is damaged: {found}", hint=way_out)


class _Still(sqlite3.Connection):
    """A connection to a file that is taken as one that nobody changes."""


def _has_no_log(file: Path) -> bool:
    """Whether all that was written is in the file itself, so that it can be read without its log."""
    try:
        return file.with_name(file.name + "-wal").stat().st_size == 0
    except FileNotFoundError:
        return True
