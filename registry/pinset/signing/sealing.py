"""Texts that only this registry's servers can read, and nobody can change unnoticed: AES-256-GCM.

What a text is sealed for is bound into its key, so that one is never taken for another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
_NONCE: Final = 12


class Vault:
    """Seals with the first of its keys, and opens what any of them sealed. keys: of 32 random bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise AssertionError(f"a vault has keys of {KEY_BYTES} bytes")
        self._keys = tuple(keys)

    @classmethod
    def fresh(cls) -> Vault:
        """With a key that is gone with the process."""
        return cls([os.urandom(KEY_BYTES)])

    def seal(self, data: bytes, purpose: str) -> str:
        """Base64url without padding: a nonce, what is sealed, and its tag."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher(self._keys[0], purpose).encrypt(nonce, data, None)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, text: str, purpose: str) -> bytes | None:
        """What was sealed for that purpose; None where it was not, by these keys, or is no longer as it was."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see `_cipher`

        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for key in self._keys:
            try:
                return self._cipher(key, purpose).decrypt(sealed[:_NONCE], sealed[_NONCE:], None)
            except (InvalidTag, ValueError):
                continue
        return None

    def marks(self, data: bytes, purpose: str) -> list[bytes]:
        """A mark of 32 bytes that nobody else can make, by each key: the first is the one to give."""
        return [hmac.digest(_derived(key, purpose), data, "sha256") for key in self._keys]

    @staticmethod
    def _cipher(key: bytes, purpose: str) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers import aead  # noqa: PLC0415 - few processes seal anything

        return aead.AESGCM(_derived(key, purpose))


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), "sha256")
