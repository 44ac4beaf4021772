"""Whether a row of a SQLite file has changed, told in two microseconds: what a cache asks before every answer."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from weakref import WeakSet

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.ports.catalog import Mark

_NUMBERS: Final = count(1)
_WATCHES: Final[WeakSet[Watch]] = WeakSet()
_INHERITED: Final[list[sqlite3.Connection]] = []
ABSENT: Final = ("absent",)
"""The mark of a file that is not there."""


class Watch:
    """Watches one file, which may be replaced. Threads may share it. question: SQL that finds the one row that counts.

    SQLite counts, for one connection, how often others changed what it sees (``PRAGMA data_version``), whichever process
    they were in. A commit is counted from the moment on from which a reader sees it, so while the count stays a new
    reader would find what was found; when it has risen the row is read again.
    """

    def __init__(self, path: Path, question: str) -> None:
        self._path, self._question = str(path), question
        self._told: tuple[int, int, Any] = (0, 0, None)
        """Connection and count, and the row that was found under them."""
        self._turn, self._looking = threading.Lock(), threading.Lock()
        _WATCHES.add(self)
        self._file: tuple[int, int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        self._number = 0

    def mark(self) -> Mark | None:
        """Equal to an earlier one where nothing has changed in between; None where that cannot be told."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - half of this method's time with a Path
        except FileNotFoundError:
            return ABSENT
        except OSError:
            return None
        connection = self._connection
        if connection is None or self._file != (found.st_dev, found.st_ino, os.getpid()):
            connection = self._opened(found)
        if connection is None:
            return None
        try:
            with self._looking:
                return self._row(connection, self._number)
        except (sqlite3.Error, TypeError):
            return None

    def _row(self, connection: sqlite3.Connection, number: int) -> tuple[int, Any]:
        """The number of the connection, and the row.

        The connection's number, not the file's: a system gives that of a file that is gone to another one. For one
        thread at a time: while another one reads by the same connection, SQLite shows both what it showed that one.
        """
        count = connection.execute("PRAGMA data_version").fetchone()[0]
        told = self._told
        if told[:2] != (number, count):
            # The count was read first: a row that is newer than it is read again, one that is older is not kept.
            told = self._told = (number, count, connection.execute(self._question).fetchone())
        return (number, told[2])

    def close(self) -> None:
        """Release the connection. Idempotent; `mark` opens another one."""
        with self._turn:
            self._forget()

    def _opened(self, found: os.stat_result) -> sqlite3.Connection | None:
        key = (found.st_dev, found.st_ino, os.getpid())
        with self._turn:
            if self._connection is not None and self._file == key:
                return self._connection
            self._forget()
            try:
                connection = sqlite3.connect(
                    f"file:{quote(os.path.realpath(self._path))}?mode=ro",
                    uri=True,
                    timeout=0,
                    isolation_level=None,
                    check_same_thread=False,
                )
                connection.execute("PRAGMA data_version").fetchone()
                still = os.stat(self._path)  # noqa: PTH116 - as above
            except (OSError, sqlite3.Error):
                return None
            if (still.st_dev, still.st_ino) != key[:2]:  # replaced meanwhile: which one is open is not known
                connection.close()
                return None
            self._file, self._number, self._connection = key, next(_NUMBERS), connection
            return connection

    def _forget(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None or self._file is None:
            return
        if self._file[2] != os.getpid():
            _INHERITED.append(connection)  # the parent's: closing it here could drop the parent's locks
            return
        with suppress(sqlite3.Error), self._looking:
            connection.close()

    def _unlock(self) -> None:
        self._turn, self._looking = threading.Lock(), threading.Lock()


def _unlock_all() -> None:
    """In a forked process: a lock that a thread of the parent held would never be free."""
    for watch in _WATCHES:
        watch._unlock()  # noqa: SLF001 - it is ours


os.register_at_fork(after_in_child=_unlock_all)
