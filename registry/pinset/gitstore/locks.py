"""The one writer's lock: over threads, and over processes by flock. It falls with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pinset.errors import Busy, Unavailable
from pinset.gitstore.faults import system_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_SECONDS: Final = (0.001, 0.05)
"""The first and the longest pause between two tries."""


class ThreadLock:
    """A lock that gives up after ``wait_seconds`` and knows its holder."""

    def __init__(self, wait_seconds: float = 10.0) -> None:
        self._wait = wait_seconds
        self._lock = threading.Lock()
        self._holder: int | None = None

    @contextmanager
    def held(self, *, wait: bool = True) -> Iterator[None]:
        """The lock. wait: False to be refused at once. Raises Busy."""
        if self._holder == threading.get_ident():
            raise RuntimeError("the writer's lock is held by this thread already")
        seconds = self._wait if wait else 0.0
        if not self._lock.acquire(timeout=seconds):
            raise busy(seconds)
        self._holder = threading.get_ident()
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()

    def require(self) -> None:
        """Raise RuntimeError unless this thread holds the lock."""
        if self._holder != threading.get_ident():
            raise RuntimeError("this is allowed only under `exclusive`")


class FileLock:
    """flock on a file, with a thread lock beside it: flock alone does not part the threads of one process.

    The file stays open between two uses, so that it can be handed to a child process: an flock lasts until every
    process that inherited it has closed it, or one has released it.
    """

    def __init__(self, path: Path, wait_seconds: float = 10.0) -> None:
        self._path = path
        self._wait = wait_seconds
        self._threads = ThreadLock(wait_seconds)
        self._descriptor: int | None = None
        self._process = os.getpid()
        self.since = 0.0
        """When the lock was taken last, in seconds since 1970."""
        self.generation = 0
        """Rises whenever the file is opened anew; 0 while it never was."""

    @contextmanager
    def held(self, *, wait: bool = True) -> Iterator[None]:
        """The lock. wait: False to be refused at once. Raises Busy, ReadOnly, Unavailable."""
        self._forget_other_process()
        seconds = self._wait if wait else 0.0
        deadline = time.monotonic() + seconds
        with self._threads.held(wait=wait):
            self._take(deadline, seconds)
            self.since = time.time()
            try:
                yield
            finally:
                self._release()

    def _release(self) -> None:
        try:
            fcntl.flock(self.fileno(), fcntl.LOCK_UN)
        except OSError as error:
            self.close()  # the child that inherited it ends before the next write
            raise system_error(error, f"the lock {self._path} cannot be released") from error

    def require(self) -> None:
        """Raise RuntimeError unless this thread holds the lock."""
        self._threads.require()

    def fileno(self) -> int:
        """The open lock file, opened now if need be. Raises ReadOnly, Unavailable."""
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except FileNotFoundError as error:
                raise Unavailable(
                    f"{self._path.parent} is gone", hint="put the registry back, or restore it"
                ) from error
            except OSError as error:
                raise system_error(error, f"the lock {self._path} cannot be opened") from error
            self.generation += 1
        return self._descriptor

    def close(self) -> None:
        """Close the file. Idempotent; the lock can be used again afterwards."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, deadline: float, seconds: float) -> None:
        pause, longest = _POLL_SECONDS
        while not self._try():
            left = deadline - time.monotonic()
            if left <= 0:
                raise busy(seconds)
            time.sleep(min(left, pause * random.uniform(0.5, 1.5)))  # noqa: S311 - jitter, no secret
            pause = min(pause * 2, longest)

    def _try(self) -> bool:
        """One try, on the file that is at the path now: a restored registry has a new one."""
        descriptor = self.fileno()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise system_error(error, f"the lock {self._path} cannot be taken") from error
        try:
            if os.path.samestat(os.fstat(descriptor), os.stat(self._path)):  # noqa: PTH116 - beside fstat
                return True
        except FileNotFoundError:
            pass
        except OSError as error:
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough where a child inherited it
            self.close()
            raise system_error(error, f"the lock {self._path} cannot be looked at") from error
        self.close()
        return False

    def _forget_other_process(self) -> None:
        # After a fork the file is shared with the parent, and the parent's lock would pass for ours.
        if self._process != os.getpid():
            self._process = os.getpid()
            self._threads = ThreadLock(self._wait)
            self.close()


def busy(seconds: float) -> Busy:
    """The error for a lock that another writer held for so many seconds."""
    return Busy(
        f"another writer has held the registry for {seconds:g} seconds",
        hint="try again; if it stays so, look for a pinset process that hangs and end it",
        details={"waited": seconds},
    )
