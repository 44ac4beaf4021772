"""Tokens as text: ``pst_<id>_<secret><checksum>``, so that secret scanners find them.

The secret is 256 random bits, so its plain SHA-256 is kept and compared in constant time. The checksum tells a
mistyped token from an unknown one without asking the state.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pinset.ports.state import TokenRow

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID: Final = 12
_SECRET: Final = 43
_CHECK: Final = 6
_TEXT: Final = re.compile(rf"pst_([0-9A-Za-z]{{{_ID}}})_([0-9A-Za-z]{{{_SECRET}}})([0-9A-Za-z]{{{_CHECK}}})")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token: its id, its text, shown once, and the hash that is kept."""

    id: str
    text: str
    sha256: bytes


def mint(*, id_bytes: bytes, secret_bytes: bytes) -> Minted:
    """The token made of random bytes: 9 for the id, 32 for the secret."""
    token_id = _encode(id_bytes, _ID)
    secret = _encode(secret_bytes, _SECRET)
    text = f"pst_{token_id}_{secret}{_checksum(token_id, secret)}"
    return Minted(token_id, text, hashlib.sha256(secret.encode()).digest())


def parse(text: str) -> tuple[str, bytes] | None:
    """The id and the secret's SHA-256 of a token's text; None for a text that is none or is mistyped."""
    match = _TEXT.fullmatch(text)
    if match is None or match[3] != _checksum(match[1], match[2]):
        return None
    return match[1], hashlib.sha256(match[2].encode()).digest()


def matches(row: TokenRow, parsed: tuple[str, bytes], now: int) -> bool:
    """Whether a parsed token is the kept one and may be used now (microseconds since 1970)."""
    same = is_of(row, parsed)
    return same and row.usable(now)


def is_of(row: TokenRow, parsed: tuple[str, bytes]) -> bool:
    """Whether a parsed token is the kept one, be it good for anything or not."""
    return hmac.compare_digest(row.secret_sha256, parsed[1]) and row.id == parsed[0]


def _checksum(token_id: str, secret: str) -> str:
    return _encode(zlib.crc32(f"{token_id}_{secret}".encode()).to_bytes(4, "big"), _CHECK)


def _encode(data: bytes, width: int) -> str:
    number, digits = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits.rjust(width, "0")[-width:]
