"""Making files and directories durable: what a power cut leaves. And the way out where a disk has no room."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FREE_SPACE: Final = "free space on the disk, then try again"


def way_out(error: OSError, otherwise: str) -> str:
    """The hint for a system call that failed: to free space where there is none, else ``otherwise``."""
    return FREE_SPACE if error.errno in {errno.ENOSPC, errno.EDQUOT} else otherwise


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
