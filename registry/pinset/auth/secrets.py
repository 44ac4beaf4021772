"""What sessions of pages are sealed with: a file beside the repository, for its owner alone, the same for all workers.

It is made when a server with pages starts, and a new key is put before the others every month: what the old ones sealed
is good until it ends. Who removes the file ends all sessions with the next start. It is no part of a backup.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pinset.durable import sync
from pinset.errors import PermissionDenied, Unavailable
from pinset.signing.sealing import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

FILE: Final = "sessions.keys"
NEW_AFTER: Final = 30 * 86_400 * 1_000_000
KEPT: Final = 3 * NEW_AFTER
"""Microseconds. No session lasts so long."""
_OTHERS: Final = 0o077
_MOST: Final = 64 * 1024


def ready(directory: Path, now: int) -> None:
    """Have a key that is not too old. now: microseconds since 1970. Raises Unavailable, PermissionDenied."""
    known = [(at, key) for at, key in _read(directory / FILE) if now - at < KEPT]
    if not known or now - known[0][0] >= NEW_AFTER or known[0][0] > now:
        _write(directory / FILE, [(now, secrets.token_bytes(KEY_BYTES)), *known])


def made() -> str:
    """A key that is kept nowhere, in hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES)


def keys(directory: Path) -> tuple[bytes, ...]:
    """The keys, the newest first. Raises Unavailable where there is none, PermissionDenied where others may read them."""
    found = tuple(key for _, key in _read(directory / FILE))
    if not found:
        raise Unavailable(f"{directory / FILE} holds no key", hint="start the server again: it makes one")
    return found


def _read(path: Path) -> list[tuple[int, bytes]]:
    """The keys with when they were made. A line that is none is passed over: what it sealed is not read."""
    try:
        with path.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & _OTHERS:
                raise PermissionDenied(
                    f"{path} may be read by other users of this machine",
                    hint=f"remove it, and start the server again: rm {path}",
                )
            text = opened.read(_MOST).decode("ascii", "replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _failed(path, error) from error
    found = []
    for line in text.splitlines():
        at, _, digits = line.partition(" ")
        with suppress(ValueError):
            key = bytes.fromhex(digits)
            if len(key) == KEY_BYTES:
                found.append((int(at), key))
    return found


def _write(path: Path, known: Sequence[tuple[int, bytes]]) -> None:
    """Put the whole file in its place, durable: there is never half of one."""
    text = "".join(f"{at} {key.hex()}\n" for at, key in known)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")  # for its owner alone from the start
        try:
            with os.fdopen(handle, "w", encoding="ascii") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        sync(path.parent)
    except OSError as error:
        raise _failed(path, error) from error


def _failed(path: Path, error: OSError) -> Unavailable:
    why = error.strerror or str(error)
    return Unavailable(
        f"{path} cannot be used: {why}",
        hint="let the server's user read and write it, or serve without pages: --no-pages",
    )
