"""Files that processes of one user share: read where they are that user's, locked for a moment."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_SECONDS: Final = 2.0
"""How long a process that has the lock is waited for: it may be stopped."""
_SYSTEM: Final = 0
_PAUSE: Final = 0.01


def read_own(path: Path) -> bytes:
    """A file that this user, or the system's, wrote, and that is no pipe to wait at. Raises OSError."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - a descriptor
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid not in (_SYSTEM, os.geteuid()):
            raise PermissionError(errno.EPERM, "it is no file of this user", str(path))
        return file.read()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A block that one process at a time is in. Raises OSError where another one does not leave it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        _lock(descriptor)
        yield
    finally:
        # A copy of the process that was made meanwhile has the descriptor too: to close it here unlocks nothing.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    until = time.monotonic() + LOCK_SECONDS
    while not _is_taken(descriptor):
        if time.monotonic() > until:
            raise TimeoutError(errno.ETIMEDOUT, "another process keeps its lock")
        time.sleep(_PAUSE)


def _is_taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
