"""Tar, as far as an export needs it: plain files under plain names, written and read as a stream.

What is written depends on nothing but names and bytes. What is read is judged by its head before any of it is held: a
program that reads every kind of tar can be led to write files, follow links, and fill the memory with names.
"""

from __future__ import annotations

import re
import tarfile
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from pinset.errors import Integrity

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK: Final = 512
LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one file."""
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)
_REGULAR: Final = (b"0", b"\0")
_KINDS: Final = {
    b"1": "a link",
    b"2": "a symbolic link",
    b"3": "a device",
    b"4": "a device",
    b"5": "a directory",
    b"6": "a pipe",
}
_AGAIN: Final = "export it again where it comes from (export --all --to tar)"


class TarFile(NamedTuple):
    """One file."""

    name: str
    data: bytes


class Writer:
    """Writes a tar to a stream, in the order in which files are added."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = 0

    def add(self, name: str, data: bytes) -> None:
        """Add a file. Its time, its owner and its rights are always the same."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        self._write(info.tobuf(tarfile.USTAR_FORMAT))
        self._write(data)
        self._write(bytes(-len(data) % BLOCK))

    def close(self) -> None:
        """Write the end of the tar. The stream stays open."""
        self._write(bytes(2 * BLOCK))
        self._write(bytes(-self._size % tarfile.RECORDSIZE))

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        self._size += len(data)


def read(stream: BinaryIO) -> Iterator[TarFile]:
    """Every file of a tar, one at a time. Raises Integrity, with the entry's name, for all that `Writer` does not write."""
    while True:
        head = _exactly(stream, BLOCK, "its end")
        if not any(head):
            return
        name, size = _entry(head)
        data = _exactly(stream, size, name)
        _exactly(stream, -size % BLOCK, name)
        yield TarFile(name, data)


def _entry(head: bytes) -> tuple[str, int]:
    """Name and size of an entry, by its head."""
    prefix = head[345:500].rstrip(b"\0") if head[257:263] == b"ustar\0" else b""
    raw = head[:100].rstrip(b"\0")
    name = (prefix + b"/" + raw if prefix else raw).decode("ascii", "replace")
    shown = name.encode("ascii", "backslashreplace").decode()[:200]
    if not _is_sound(head):
        raise _wrong(shown, "its head is damaged, or this is no tar")
    kind = head[156:157]
    if kind not in _REGULAR:
        what = _KINDS.get(kind, f"of a kind {kind.decode('ascii', 'replace')!r} that no export has")
        raise _wrong(shown, f"it is {what}, and no plain file")
    if not _NAME.fullmatch(name) or ".." in name:
        raise _wrong(shown, "its name is none of an export's")
    size = _octal(head[124:136])
    if size is None or size > LIMIT:
        raise _wrong(shown, f"it is larger than {LIMIT:,} bytes")
    return name, size


def _is_sound(head: bytes) -> bool:
    """Whether a head is what its own sum says."""
    return _octal(head[148:156]) == sum(head[:148]) + sum(head[156:]) + 8 * ord(" ")


def _octal(field: bytes) -> int | None:
    """A number of a head; None for one in another form, which a large size would be in."""
    digits = field.strip(b" \0")
    if not digits or not re.fullmatch(rb"[0-7]{1,12}", digits):
        return None
    return int(digits, 8)


def _exactly(stream: BinaryIO, size: int, name: str) -> bytes:
    pieces, left = [], size
    while left > 0:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            raise _wrong(name, "the file ends before it")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _wrong(name: str, why: str) -> Integrity:
    return Integrity(f"the tar is no export: {name}: {why}", hint=_AGAIN, details={"entry": name})
