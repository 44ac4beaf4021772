"""Making files and directories durable: what a power cut leaves. And the way out where a disk has no room."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FREE_SPACE: Final = "free space on the disk, then try again"
NO_ROOM: Final[Mapping[int, str]] = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: "free space or raise the quota, then try again",
}
"""The way out by the number of a system error that says that there is no room."""


def way_out(error: OSError, otherwise: str) -> str:
    """The hint for a system call that failed: how to have room where there is none, else ``otherwise``."""
    return NO_ROOM.get(error.errno or 0, otherwise)


def sync(path: Path) -> None:
    """Make a file's bytes, or a directory's entries, durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(directory: Path) -> None:
    """Make a directory and those above it, each durable in the one that holds it. Raises OSError."""
    if not directory.is_dir():
        make_directories(directory.parent)
        with suppress(FileExistsError):
            directory.mkdir()
        if not directory.is_dir():
            raise NotADirectoryError(str(directory))
        sync(directory.parent)
