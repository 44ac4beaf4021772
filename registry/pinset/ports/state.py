"""The state: what git cannot hold and no reindex can rebuild. Tokens, answers to retries, the audit log's own rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from pinset.domain.auditing import Outcome, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pinset.domain.access import Grant
    from pinset.ports.catalog import Mark
    from pinset.ports.store import Damage

ATTEMPTS: Final = 10_000
"""How many refused attempts are kept of those whose credential is known, and as many of those whose is not."""
TARGET: Final = 200
"""Characters of an attempt's texts that are kept: anybody may send any."""
_DETAIL: Final = 500
_DETAILS: Final = 12
_SHORTEST_KEY: Final = 20
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


class Kind(StrEnum):
    """What a row of the audit log is. Of each kind apart only so many are kept, but for what was done: that stays."""

    DONE = "done"
    REFUSED = "refused"
    ANONYMOUS = "anonymous"
    """Refused, and nobody knows whom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A row of the audit log: a change or a look that was refused, or something done that is not in git.

    actor, person, via, address: who, whose credential, which one, and from where, each '' where that is not known.
    target: the path or the words of what was asked. code, detail: of the refusal. details: plain values, such as the
    reference that was asked for. count: how many there were of which this row tells. number: given by the state, rising.
    """

    at: int
    actor: str
    action: str
    target: str
    code: str
    detail: str
    kind: Kind = Kind.REFUSED
    person: str = ""
    via: str = ""
    address: str = ""
    bundle: str = ""
    alias: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    number: int = 0

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return Outcome.DONE if self.kind is Kind.DONE else Outcome.REFUSED

    @property
    def holder(self) -> str:
        """Who counts for how many are kept: whose credential it is, and of strangers the address."""
        return self.address if self.kind is Kind.ANONYMOUS else self.actor

    def cleaned(self) -> Attempt:
        """The same as it may be kept: no keys, nothing that cannot be printed, and none of it long."""
        texts: dict[str, Any] = {name: clean(getattr(self, name)) for name in _TEXTS}
        told = {clean(str(key)): _plain(value) for key, value in list(self.details.items())[:_DETAILS]}
        return replace(self, detail=clean(self.detail, _DETAIL), details=told, **texts)

    def fits(self, wanted: Wanted) -> bool:
        """Whether it is asked for."""
        if wanted.since is not None and self.at < wanted.since:
            return False
        if wanted.until is not None and self.at >= wanted.until:
            return False
        if wanted.outcome not in (None, self.outcome) or (
            wanted.person and wanted.person != (self.person or self.actor)
        ):
            return False
        if wanted.bundle and self.bundle not in (wanted.bundle, *wanted.formerly):
            return False
        return all(getattr(wanted, name) in ("", getattr(self, name)) for name in ("alias", "actor", "action"))


_TEXTS: Final = ("actor", "action", "target", "code", "person", "via", "address", "bundle", "alias")


def clean(text: str, most: int = TARGET) -> str:
    """Text as the audit log keeps it: keys of providers and tokens hidden, what cannot be printed left out, cut off."""
    if text.isascii() and text.isprintable() and len(text) < _SHORTEST_KEY:
        return text
    from pinset.domain.text.detectors import hide_keys  # noqa: PLC0415 - patterns that looking at a release does not need

    printable = "".join(each for each in text[: most * 4] if each.isprintable())
    return hide_keys(printable)[:most]


def _plain(value: Any) -> Any:
    """A value of the details, as JSON has it."""
    if value is None or isinstance(value, bool | int):
        return value
    return clean(value if isinstance(value, str) else json.dumps(value, default=str))


class State(Protocol):
    """The state of one registry. Every method is one durable transaction.

    A row that is not what was written is never given: what would give it raises Integrity, and the rest goes on.
    """

    def prepare(self) -> None:
        """Make what is needed to write, so that no later request waits for that. Raises ReadOnly, Unavailable, Integrity."""

    def add_token(self, token: TokenRow, record: Callable[[TokenRow], Attempt] | None = None) -> None:
        """Keep a new token. Raises AlreadyExists where a token that is not revoked has the name.

        record: makes the row of the audit log, which is kept in the same transaction: both, or neither.
        """

    def token(self, token_id: str) -> TokenRow | None:
        """A token by its id, revoked and expired ones included."""

    def tokens(self) -> Sequence[TokenRow]:
        """All tokens, newest first. Raises Integrity where one of them is damaged or lost."""

    def has_tokens(self) -> bool:
        """Whether there is a token that nobody revoked.

        One that has expired, or is damaged or lost, counts: nobody may profit by that.
        """

    def revoke_token(
        self, name: str, at: int, record: Callable[[TokenRow], Attempt] | None = None, *, last: bool = True
    ) -> TokenRow:
        """Revoke the token of that name. Raises NotFound where none that is not revoked has it.

        Where only damaged ones have that name or id, they are removed; of the answer only name and time are true.
        record: as of `add_token`. last: whether also where no other is left, else PermissionDenied.
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

    def forget_answers(self) -> None:
        """Forget every kept answer, so that nothing of them is left in any file. A retry finds in git what was written."""

    def add_attempt(self, attempt: Attempt) -> None:
        """Keep a row of the audit log, cleaned, under the next number.

        Of refused attempts `ATTEMPTS` are kept, and as many of those by strangers. Where there are more, the oldest of
        whoever has most goes: nobody can flush what another did.
        """

    def attempts(
        self,
        wanted: Wanted | None = None,
        *,
        before: int | None = None,
        after: int = 0,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> Sequence[Attempt]:
        """Rows of the audit log that are asked for, newest first; before, after: numbers, both exclusive."""

    def check(self) -> Sequence[Damage]:
        """Everything that is wrong, each with its way out."""

    def drop_damaged(self) -> int:
        """Remove the answers and attempts that are damaged; how many. Tokens are only ever revoked by their name."""

    def backup(self, target: Path) -> None:
        """A consistent copy as a file of its own. Raises AlreadyExists where the target exists."""

    def close(self) -> None:
        """Release connections. Idempotent."""
