"""Tokens: credentials are made, listed, checked and revoked."""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pinset.auth import tickets
from pinset.auth import tokens as format_of
from pinset.auth.identity import Identity
from pinset.domain import names
from pinset.domain.access import EVERYTHING, Verb, beyond, parse_grants, permit, show_grants, some
from pinset.errors import InvalidInput, InvalidName, PermissionDenied, ReadOnly, Unauthenticated, Unavailable
from pinset.ports.state import TokenRow
from pinset.services import attempts, reading

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.domain.access import Grant
    from pinset.ports.registry import Caller
    from pinset.ports.state import Attempt
    from pinset.services.session import Context

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}", re.ASCII)
_PERSON: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_RESERVED: Final = frozenset({"local", "anonymous", "pinset"})
"""Actors that are no token: whoever bears such a name in the history was not one."""
_CREDENTIALS: Final = ("token:", "oidc:")
"""What a caller came by who did not open the directory."""
CREATE: Final = "token-create"
REVOKE: Final = "token-revoke"
_SECOND: Final = 1_000_000
LONGEST: Final = 3650 * 86_400
"""Seconds that a token lives at most."""
_USED_AFTER: Final = 60_000_000
"""Microseconds between two notes of a token's use: reading must not become writing."""


def create_token(
    context: Context,
    caller: Caller,
    name: str,
    *,
    can: str,
    person: str | None = None,
    lifetime: int | None = 90 * 86_400,
) -> answers.TokenAnswer:
    """Make a credential; the answer holds the secret, this once. See `ports.registry.Registry.create_token`."""
    caller.need(Verb.TOKENS)
    if not _NAME.fullmatch(name) or name in _RESERVED:
        hint = "use lower-case letters, digits and . _ @ - (at most 63)"
        raise InvalidName(f"{names.show(name)} cannot name a token", hint=hint)
    grants = parse_grants(can)
    if lifetime is not None and not 0 < lifetime <= LONGEST:
        raise InvalidInput("a token lives at most 3650 days", hint="say how long: --expires 90d, or 12h, or 2w")
    whose = _owner(context, caller, name, person)
    _refuse_more(caller, grants)
    now = context.clock.now()
    minted = format_of.mint(id_bytes=secrets.token_bytes(9), secret_bytes=secrets.token_bytes(32))
    row = TokenRow(
        id=minted.id,
        name=name,
        grants=grants,
        person=whose,
        secret_sha256=minted.sha256,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime * _SECOND,
    )
    if caller.dry_run:
        return _answer(row)
    caller.confirm()
    with attempts.trying(context, caller, CREATE, {"name": name}):
        context.state.add_token(row, lambda made: _record(context, caller, CREATE, made))
    return {**_answer(row), "token": minted.text}


def tokens(context: Context) -> answers.Page[answers.TokenAnswer]:
    """All credentials, without secrets."""
    permit(context.grants, Verb.TOKENS)
    return {"items": [_answer(row) for row in context.state.tokens()], "next": None}


def revoke_token(context: Context, caller: Caller, name: str) -> answers.TokenAnswer:
    """End a credential; the last one on the registry's directory alone, for without any this machine may do everything."""
    caller.need(Verb.TOKENS)
    if caller.dry_run:
        found = [row for row in context.state.tokens() if row.name == name and row.revoked_at is None]
        if found:
            return _answer(found[0])
    caller.confirm()
    now = context.clock.now()
    last = not caller.via.startswith(_CREDENTIALS)
    with attempts.trying(context, caller, REVOKE, {"name": name}):
        row = context.state.revoke_token(name, now, lambda row: _record(context, caller, REVOKE, row), last=last)
    return _answer(row)


def _record(context: Context, caller: Caller, action: str, row: TokenRow) -> Attempt:
    """The row of the audit log of a credential that is made or ended. It never holds the secret."""
    made = attempts.attempt_of(context, caller, action, {})
    expires = None if row.expires_at is None else reading.time(row.expires_at)
    told = {"token": row.id, "can": show_grants(row.grants), "person": row.person or row.name} | (
        {"expires_at": expires} if action == CREATE else {}
    )
    return replace(made, target=row.name, details=told)


def has_tokens(context: Context) -> bool:
    """Whether there is any token that nobody revoked; without one the registry serves loopback only."""
    return context.state.has_tokens()


def authenticate(context: Context, text: str) -> Identity:
    """Whose token a text is. Raises Unauthenticated, saying no more than that."""
    parsed = format_of.parse(text)
    row = context.state.token(parsed[0]) if parsed else None
    now = context.clock.now()
    if parsed is None or row is None or not format_of.matches(row, parsed, now):
        refused = Unauthenticated(
            "the token is not valid",
            hint="it may have expired or been revoked; whoever keeps the registry makes another: pinset token create",
        )
        if parsed is not None and row is not None and format_of.is_of(row, parsed):
            refused.credential = f"token:{row.id}"
        raise refused
    return _used(context, row, now)


def ticket_of(context: Context, via: str) -> str | None:
    """The ticket of who came by a token (``token:ID``), see `auth.tickets`; None for who came by something else."""
    row = context.state.token(via.removeprefix("token:")) if via.startswith("token:") else None
    return None if row is None else tickets.ticket_of(row)


def admit_ticket(context: Context, text: str) -> Identity:
    """Whose ticket a text is. Raises Unauthenticated, saying no more than that."""
    token_id = tickets.parse(text)
    row = None if token_id is None else context.state.token(token_id)
    now = context.clock.now()
    if row is None or not tickets.matches(row, text, now):
        hint = "ask for the flags again: the answer has another, or none where the token has ended"
        raise Unauthenticated("the ticket is not valid", hint=hint)
    return _used(context, row, now)


def _used(context: Context, row: TokenRow, now: int) -> Identity:
    """Who bears a token that is good; that it was used is noted now and then."""
    if row.last_used_at is None or now - row.last_used_at > _USED_AFTER:
        with suppress(ReadOnly, Unavailable):  # a full disk stops writes, and reads go on
            context.state.touch_token(row.id, now)
    return Identity(row.name, "" if row.who == row.name else row.who, f"token:{row.id}", row.grants, row.expires_at)


def _owner(context: Context, caller: Caller, name: str, person: str | None) -> str:
    """Whose a new token is. Who may not do everything makes tokens for themselves alone: approvals count persons.

    Nor may they take a name under which somebody else acts, or did: histories show names.
    """
    if person is not None and (not _PERSON.fullmatch(person) or person in _RESERVED):
        raise InvalidName(
            f"{names.show(person)} cannot name a person", hint="use a user's name or address, without spaces"
        )
    if not beyond(caller.grants, EVERYTHING):
        return name if person is None else person
    if person not in (None, caller.who):
        raise PermissionDenied(
            f"a token for {names.show(person)} can be made by an admin alone",
            hint=f"leave --person out, and it is yours: {caller.who}",
            details={"needs": show_grants(EVERYTHING)},
        )
    taken = {each for row in context.state.tokens() if row.who != caller.who for each in (row.name, row.who)}
    if name in taken:
        raise PermissionDenied(
            f"{names.show(name)} is the name of somebody else's token",
            hint="choose another name",
            details={"needs": show_grants(EVERYTHING)},
        )
    return caller.who


def _refuse_more(caller: Caller, grants: tuple[Grant, ...]) -> None:
    """Raises PermissionDenied where a token could more than who makes it."""
    more = beyond(caller.grants, grants)
    if more:
        raise PermissionDenied(
            f"you may not give {some(more)}: you can {some(caller.grants)}",
            hint="give less, or ask an admin",
            details={"needs": show_grants(more)},
        )


def _answer(row: TokenRow) -> answers.TokenAnswer:
    return {
        "id": row.id,
        "name": row.name,
        "can": show_grants(row.grants),
        "person": row.who,
        "created_at": reading.time(row.created_at),
        "expires_at": None if row.expires_at is None else reading.time(row.expires_at),
        "revoked_at": None if row.revoked_at is None else reading.time(row.revoked_at),
        "last_used_at": None if row.last_used_at is None else reading.time(row.last_used_at),
    }
