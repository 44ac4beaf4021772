"""Messages on the pipes between the store and its child: four bytes of length, then JSON."""

from __future__ import annotations

import json
import os
import struct
from typing import Any, Final

FRAME_LIMIT: Final = 512 * 1024 * 1024
LENGTH: Final = struct.Struct(">I")


def pack(message: dict[str, Any]) -> bytes:
    """The bytes of one message."""
    body = json.dumps(message, separators=(",", ":")).encode("ascii")
    return LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> dict[str, Any]:
    """The message of a body, without its length."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message


def read(descriptor: int) -> dict[str, Any] | None:
    """The next message, waiting for it; None at the end of the pipe."""
    head = _exactly(descriptor, LENGTH.size)
    body = _exactly(descriptor, LENGTH.unpack(head)[0]) if head else b""
    return unpack(body) if body else None


def write(descriptor: int, message: dict[str, Any]) -> None:
    """Write the message, waiting for room."""
    left = memoryview(pack(message))
    while left:
        left = left[os.write(descriptor, left) :]


def _exactly(descriptor: int, size: int) -> bytes:
    """So many bytes, or none where the pipe ends before."""
    got = bytearray()
    while len(got) < size:
        piece = os.read(descriptor, size - len(got))
        if not piece:
            return b""
        got += piece
    return bytes(got)
