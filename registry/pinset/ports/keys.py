"""The registry's keys as its users see them: near and far alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.domain.answers import keys as k
    from pinset.ports.registry import Caller


class Keys(Protocol):
    """Public keys, and what was signed with them."""

    def all(self) -> k.KeysAnswer:
        """Every key, the oldest first."""

    def add(
        self, caller: Caller, name: str, public: str, *, purpose: str, person: str, reason: str = ""
    ) -> k.KeyChange:
        """Make an author's or an evaluation's public key known. Raises InvalidInput, AlreadyExists."""

    def retire(self, caller: Caller, name: str, *, compromised: bool = False, reason: str = "") -> k.KeyChange:
        """Let a key count no more from now on.

        compromised: what it signed before counts no more either. Raises NotFound, Refused for the key that the
        registry signs with.
        """

    def sign(self, caller: Caller, reference: str, signature: str) -> k.SignedAnswer:
        """Record an author's signature of a release: armored, of `pinset.signing.statement`, by a key that is known.

        Raises Untrusted for any other.
        """

    def signatures(self, reference: str) -> answers.Page[k.SignatureAnswer]:
        """The signatures of a release, newest first."""
