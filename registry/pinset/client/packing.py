"""Packed answers, unpacked a little at a time: a few kilobytes may unpack to more than there is memory."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ACCEPTED: Final = "gzip"
"""What is asked for; nothing else is unpacked."""
PIECE_BYTES: Final = 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


def unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of a gzip stream, at most `PIECE_BYTES` each. Raises ValueError for what is none, or not whole."""
    unpacking = zlib.decompressobj(_GZIP)
    for packed in pieces:
        rest = packed
        while rest and not unpacking.eof:
            yield _unpack(unpacking, rest)
            rest = unpacking.unconsumed_tail
    while not unpacking.eof:
        # What is left of a piece that was cut off may be inside still.
        piece = _unpack(unpacking, b"")
        if not piece:
            raise ValueError("a packed answer is not whole")
        yield piece


def _unpack(unpacking: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return unpacking.decompress(packed, PIECE_BYTES)
    except zlib.error as error:
        raise ValueError(f"a packed answer cannot be read: {error}") from error
