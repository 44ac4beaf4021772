"""A lock between processes on one file, for the state's read-write connections."""

from __future__ import annotations

import fcntl
import os
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pinset.errors import Busy, ReadOnly

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WAIT_SECONDS: Final = 10.0


@contextmanager
def flock(path: Path, *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock. Raises Busy when another holds it all the time, ReadOnly where the file cannot be made."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ReadOnly(f"{path} cannot be opened: {error.strerror}", hint="check its owner and permissions") from error
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy(f"another process holds {path.name}", hint="try again") from None
                time.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - jitter
        yield
    finally:
        os.close(descriptor)
