"""Witnesses: small files beside a database that say the newest change it was seen with.

SQLite notices neither a log that was cut off nor an older file in its file's place. A witness is written after the
database and read before it, so that a sound database is never behind it. It is not synced: after a power cut it may
be older, or not there, and both are harmless.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write(path: Path, said: str) -> None:
    """Write a witness. It is a safeguard: where it cannot be written the database is as good as before."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.pwrite(descriptor, f"{said} {_sum(said)}\n".encode(), 0)
        finally:
            os.close(descriptor)


def read(path: Path) -> list[str] | None:
    """The words of a witness; None where it is not there or was cut off itself."""
    try:
        first, _, _ = path.read_bytes().decode("ascii").partition("\n")
    except (OSError, ValueError):
        return None
    said, _, proof = first.rpartition(" ")
    return said.split(" ") if proof == _sum(said) else None


def _sum(said: str) -> str:
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()
