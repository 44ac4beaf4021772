"""The SSHSIG format: what a signature says, and the bytes that it is made of. Text and bytes only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import textwrap
from dataclasses import dataclass
from typing import Final

from pinset.domain.keys import KIND, public_of, raw_of

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_HASH: Final = b"sha512"
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----\n"
_END: Final = "-----END SSH SIGNATURE-----\n"
_WIDTH: Final = 70


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed (a public key as OpenSSH writes it), for which namespace, and the 64 bytes of Ed25519."""

    public: str
    namespace: str
    raw: bytes


def signed_bytes(payload: bytes, namespace: str) -> bytes:
    """What Ed25519 signs for a payload."""
    parts = (namespace.encode(), b"", _HASH, hashlib.sha512(payload).digest())
    return _MAGIC + b"".join(map(_string, parts))


def encode(signature: Signature) -> str:
    """A signature with its armor, as ``ssh-keygen -Y sign`` writes it."""
    inner = _string(KIND.encode()) + _string(signature.raw)
    public = _string(KIND.encode()) + _string(raw_of(signature.public))
    parts = (public, signature.namespace.encode(), b"", _HASH, inner)
    blob = _MAGIC + struct.pack(">I", _VERSION) + b"".join(map(_string, parts))
    lines = textwrap.wrap(base64.b64encode(blob).decode("ascii"), _WIDTH)
    return _BEGIN + "".join(line + "\n" for line in lines) + _END


def decode(armored: str) -> Signature:
    """The inverse of `encode`. ValueError for anything else, also for other kinds of keys and hashes."""
    text = armored if armored.endswith("\n") else armored + "\n"
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise ValueError("that is no signature as ssh-keygen -Y sign makes it")
    try:
        blob = base64.b64decode(text[len(_BEGIN) : -len(_END)].replace("\n", ""), validate=True)
    except binascii.Error as error:
        raise ValueError("a signature that is not base64") from error
    if blob[:6] != _MAGIC or blob[6:10] != struct.pack(">I", _VERSION):
        raise ValueError("a signature of another format")
    public, namespace, reserved, hashed, inner = _strings(blob[10:], 5)
    kind, raw_public = _strings(public, 2)
    inner_kind, raw = _strings(inner, 2)
    if kind != KIND.encode() or inner_kind != kind or len(raw_public) != 32 or len(raw) != 64:
        raise ValueError("a signature by a key that is not Ed25519")
    if hashed != _HASH or reserved:
        raise ValueError("a signature with another hash than sha512")
    return Signature(public_of(raw_public), namespace.decode("utf-8"), raw)


def to_line(armored: str) -> str:
    """A signature as the value of a key: base64 in one line."""
    return "".join(armored.removeprefix(_BEGIN).removesuffix("\n").removesuffix(_END.strip()).split())


def from_line(line: str) -> str:
    """The inverse of `to_line`."""
    return _BEGIN + "".join(part + "\n" for part in textwrap.wrap(line, _WIDTH)) + _END


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _strings(data: bytes, count: int) -> list[bytes]:
    """So many strings and nothing after them."""
    found, at = [], 0
    for _ in range(count):
        if at + 4 > len(data):
            raise ValueError("a signature that is cut off")
        (length,) = struct.unpack(">I", data[at : at + 4])
        if at + 4 + length > len(data):
            raise ValueError("a signature that is cut off")
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    if at != len(data):
        raise ValueError("a signature with more behind it")
    return found
