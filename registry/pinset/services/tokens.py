"""Tokens: credentials are made, listed, checked and revoked."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.auth import tokens as format_of
from pinset.domain import names
from pinset.errors import InvalidInput, InvalidName, ReadOnly, Unauthenticated, Unavailable
from pinset.ports.state import Scope, TokenRow
from pinset.services import attempts, reading

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.ports.registry import Caller
    from pinset.ports.state import Attempt
    from pinset.services.session import Context

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}", re.ASCII)
_RESERVED: Final = frozenset({"local", "anonymous", "pinset"})
"""Actors that are no token: whoever bears such a name in the history was not one."""
CREATE: Final = "token-create"
REVOKE: Final = "token-revoke"
_DAY: Final = 86_400_000_000
_USED_AFTER: Final = 60_000_000
"""Microseconds between two notes of a token's use: reading must not become writing."""


def create_token(
    context: Context, caller: Caller, name: str, *, can: str, expires_in_days: int | None = 90
) -> answers.TokenAnswer:
    """Make a credential; the answer holds the secret, this once."""
    if not _NAME.fullmatch(name) or name in _RESERVED:
        hint = "use lower-case letters, digits and . _ @ - (at most 63)"
        raise InvalidName(f"{names.show(name)} cannot name a token", hint=hint)
    if can not in set(Scope):
        raise InvalidInput(f"{names.show(can)} is no scope", hint="one of " + ", ".join(Scope))
    if expires_in_days is not None and not 1 <= expires_in_days <= 3650:
        raise InvalidInput("a token lives 1 to 3650 days", hint="say --expires 90")
    now = context.clock.now()
    minted = format_of.mint(id_bytes=secrets.token_bytes(9), secret_bytes=secrets.token_bytes(32))
    row = TokenRow(
        id=minted.id,
        name=name,
        scope=Scope(can),
        secret_sha256=minted.sha256,
        created_at=now,
        expires_at=None if expires_in_days is None else now + expires_in_days * _DAY,
    )
    if caller.dry_run:
        return _answer(row)
    with attempts.trying(context, caller, CREATE, {"name": name}):
        context.state.add_token(row, lambda made: _record(context, caller, CREATE, made))
    return {**_answer(row), "token": minted.text}


def tokens(context: Context) -> answers.Page[answers.TokenAnswer]:
    """All credentials, without secrets."""
    return {"items": [_answer(row) for row in context.state.tokens()], "next": None}


def revoke_token(context: Context, caller: Caller, name: str) -> answers.TokenAnswer:
    """End a credential."""
    if caller.dry_run:
        found = [row for row in context.state.tokens() if row.name == name and row.revoked_at is None]
        if found:
            return _answer(found[0])
    now = context.clock.now()
    return _answer(context.state.revoke_token(name, now, lambda row: _record(context, caller, REVOKE, row)))


def _record(context: Context, caller: Caller, action: str, row: TokenRow) -> Attempt:
    """The row of the audit log of a credential that is made or ended. It never holds the secret."""
    made = attempts.attempt_of(context, caller, action, {})
    expires = None if row.expires_at is None else reading.time(row.expires_at)
    told = {"token": row.id, "can": row.scope.value} | ({"expires_at": expires} if action == CREATE else {})
    return replace(made, target=row.name, details=told)


def has_tokens(context: Context) -> bool:
    """Whether there is any token that could be used; without one the registry serves loopback only."""
    return context.state.has_tokens(context.clock.now())


def authenticate(context: Context, text: str) -> TokenRow:
    """The token that a text is. Raises Unauthenticated, saying no more than that."""
    parsed = format_of.parse(text)
    row = context.state.token(parsed[0]) if parsed else None
    now = context.clock.now()
    if parsed is None or row is None or not format_of.matches(row, parsed, now):
        raise Unauthenticated(
            "the token is not valid",
            hint="it may have expired or been revoked; whoever keeps the registry makes another: pinset token create",
        )
    if row.last_used_at is None or now - row.last_used_at > _USED_AFTER:
        with suppress(ReadOnly, Unavailable):  # a full disk stops writes, and reads go on
            context.state.touch_token(row.id, now)
    return row


def _answer(row: TokenRow) -> answers.TokenAnswer:
    return {
        "id": row.id,
        "name": row.name,
        "can": row.scope.value,
        "created_at": reading.time(row.created_at),
        "expires_at": None if row.expires_at is None else reading.time(row.expires_at),
        "revoked_at": None if row.revoked_at is None else reading.time(row.revoked_at),
        "last_used_at": None if row.last_used_at is None else reading.time(row.last_used_at),
    }
