"""Objects of the repository, read so that damage is an error and never a hang, a crash or a flood.

A loose file is inflated and hashed here, before libgit2 could see it: one that is cut off makes libgit2 loop for
ever. What is in packs is read by libgit2 under a size limit, and hashed again.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, cast, get_args

from pinset.gitstore.objects import OBJECT_LIMIT, Kind, object_id
from pinset.gitstore.scanning import MISSING, damaged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.errors import Integrity

_HEADER_LIMIT: Final = 32
_KINDS: Final = frozenset(get_args(Kind))


class CheckedObjects:
    """Every object under one ``objects`` directory, its hash checked on each read."""

    def __init__(self, directory: Path, read_packed: Callable[[str, int], tuple[str, bytes]]) -> None:
        self._directory = directory
        self._prefix = str(directory)
        self._read_packed = read_packed

    def loose_path(self, wanted: str) -> Path:
        """Where the object is, if it is loose."""
        return self._directory / wanted[:2] / wanted[2:]

    def __call__(self, wanted: str, /) -> tuple[Kind, bytes]:
        """Kind and bytes of an object. Raises Integrity where it is missing or not what its id says."""
        try:
            # Not by pathlib, which takes longer than to find that there is no such file: most are in packs.
            with open(f"{self._prefix}/{wanted[:2]}/{wanted[2:]}", "rb") as file:  # noqa: PTH123
                packed = file.read()
        except FileNotFoundError:
            return self._from_pack(wanted)
        try:
            kind, data = inflate(packed)
        except (ValueError, zlib.error) as error:
            raise damaged("object", wanted, str(error)) from error
        return _checked(wanted, kind, data)

    def _from_pack(self, wanted: str) -> tuple[Kind, bytes]:
        try:
            kind, data = self._read_packed(wanted, OBJECT_LIMIT)
        except LookupError as error:
            raise damaged("object", wanted, MISSING) from error
        except ValueError as error:
            raise damaged("object", wanted, str(error)) from error
        return _checked(wanted, kind, data)


def inflate(packed: bytes, limit: int = OBJECT_LIMIT) -> tuple[str, bytes]:
    """Kind and bytes of a loose object's file. ValueError or zlib.error where it is cut off, too long or too large."""
    stream = zlib.decompressobj()
    data = stream.decompress(packed, limit + _HEADER_LIMIT)
    if not stream.eof or stream.unused_data:
        raise ValueError("the file is cut off, too large, or has bytes after its end")
    header, nul, body = data.partition(b"\0")
    kind, _, size = header.decode("latin-1").partition(" ")
    if not nul or size != str(len(body)):
        raise ValueError("its length is not what its header says")
    return kind, body


def _checked(wanted: str, kind: str, data: bytes) -> tuple[Kind, bytes]:
    known = cast("Kind", kind)
    if kind not in _KINDS or object_id(known, data) != wanted:
        raise damaged("object", wanted, "its bytes are not those its id was made of")
    return known, data


def is_missing(error: Integrity) -> bool:
    """Whether the error says that the object is not there at all."""
    return error.details.get("missing") is True
