"""The state: what git cannot hold and no reindex can rebuild. Tokens, answers to retries, refused attempts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pinset.domain.access import Grant
    from pinset.ports.catalog import Mark
    from pinset.ports.store import Damage

ATTEMPTS: Final = 10_000
"""How many refused attempts are kept, the newest."""
TARGET: Final = 200
"""Characters of an attempt's target that are kept: anybody may send any."""
_REFUSALS: Final = 400
"""HTTP status from which an answer is a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """A credential. The secret is not kept, only its SHA-256 (32 bytes). Times in microseconds since 1970.

    grants: what it may do. person: whose it is, '' for one that bears its owner's name.
    """

    id: str
    name: str
    grants: tuple[Grant, ...]
    person: str = ""
    secret_sha256: bytes
    created_at: int
    expires_at: int | None
    revoked_at: int | None = None
    last_used_at: int | None = None

    @property
    def who(self) -> str:
        """Whose it is."""
        return self.person or self.name

    def usable(self, now: int) -> bool:
        """Whether it is neither revoked nor expired. now: microseconds since 1970."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the first request with an Idempotency-Key was answered.

    request: fingerprint of what was asked. operation: the write that the key makes, '' where the answer is not of it.
    """

    key: str
    principal: str
    request: str
    operation: str
    status: int
    body: str
    at: int

    @property
    def of_write(self) -> bool:
        """Whether it is the answer of a write that was made. A refusal is not, nor that nothing is to be changed."""
        return bool(self.operation) and self.status < _REFUSALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A change that was refused: who wanted what, and the code of the answer."""

    at: int
    actor: str
    action: str
    target: str
    code: str
    detail: str


class State(Protocol):
    """The state of one registry. Every method is one durable transaction.

    A row that is not what was written is never given: what would give it raises Integrity, and the rest goes on.
    """

    def prepare(self) -> None:
        """Make what is needed to write, so that no later request waits for that. Raises ReadOnly, Unavailable, Integrity."""

    def add_token(self, token: TokenRow) -> None:
        """Keep a new token. Raises AlreadyExists where a token that is not revoked has the name."""

    def token(self, token_id: str) -> TokenRow | None:
        """A token by its id, revoked and expired ones included."""

    def tokens(self) -> Sequence[TokenRow]:
        """All tokens, newest first. Raises Integrity where one of them is damaged or lost."""

    def has_tokens(self, now: int) -> bool:
        """Whether any token can be used at a time. One that is damaged or lost counts: nobody may profit by that."""

    def revoke_token(self, name: str, at: int) -> TokenRow:
        """Revoke the token of that name. Raises NotFound where none that is not revoked has it.

        Where only damaged ones have that name or id, they are removed; of the answer only name and time are true.
        """

    def mark(self) -> Mark | None:
        """What is kept now: as `ports.catalog.Catalog.mark`. While marks are equal no token was made or revoked."""

    def touch_token(self, token_id: str, at: int) -> None:
        """Remember that a token was used."""

    def answer(self, key: str, principal: str) -> Answer | None:
        """The kept answer to an Idempotency-Key of a principal."""

    def keep_answer(self, answer: Answer, *, forget_before: int) -> None:
        """Keep an answer, unless the key has one already; answers older than ``forget_before`` are forgotten.

        The answer of the write takes the place of one that is not.
        """

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a refused attempt, with the first `TARGET` characters of its target; only the newest `ATTEMPTS` are kept."""

    def attempts(self, *, limit: int = 100) -> Sequence[Attempt]:
        """Refused attempts, newest first."""

    def check(self) -> Sequence[Damage]:
        """Everything that is wrong, each with its way out."""

    def drop_damaged(self) -> int:
        """Remove the answers and attempts that are damaged; how many. Tokens are only ever revoked by their name."""

    def backup(self, target: Path) -> None:
        """A consistent copy as a file of its own. Raises AlreadyExists where the target exists."""

    def close(self) -> None:
        """Release connections. Idempotent."""
