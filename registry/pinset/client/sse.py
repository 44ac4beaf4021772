"""Server-sent events: bytes in whatever pieces they come, into blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST: Final = 4 * 1024 * 1024
"""Bytes of a block: far more than the longest reason makes it."""


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two empty lines. event, data: empty in a beat. id, retry (milliseconds): None where it says none."""

    event: str
    id: str | None
    data: str
    retry: int | None = None


def blocks(pieces: Iterable[bytes]) -> Iterator[Block]:
    """The whole blocks of a stream; what is not whole when it ends is dropped. Raises Unavailable for one that is too long."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece.replace(b"\r\n", b"\n")).split(b"\n\n")
        if len(rest) > MOST:
            raise Unavailable(f"an event has over {MOST:,} bytes", hint="is that address a registry's?")
        for text in whole:
            yield _block(text)


def _block(text: bytes) -> Block:
    event, ident, data, retry = "", None, list[str](), None
    for line in text.decode("utf-8", "replace").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "id":
            ident = value
        elif name == "data":
            data.append(value)
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value)
    return Block(event, ident, "\n".join(data), retry)
