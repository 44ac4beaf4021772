"""Rows of the state: what proves them, what is made of them, and how a damaged one is called in words."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.access import parse_grants, show_grants
from pinset.domain.names import show
from pinset.errors import Integrity, InvalidInput, PermissionDenied, UnknownFormat
from pinset.ports.state import Answer, Attempt, Kind, TokenRow

if TYPE_CHECKING:
    from collections.abc import Sequence

WAY_OUT: Final = (
    "stop what uses the registry and put a backup's state.sqlite in the place of all state.* files; or remove them: "
    "tokens, kept answers and attempts are gone then, and without tokens this machine may do everything"
)
_TYPED: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._@-]{0,62}")
"""What of a damaged row can be typed again."""
Row = Any
"""A row by the names of its columns; of a damaged one the values may be anything."""


class _Tables:
    """The tables, made when one is asked for: looking at a release needs none of them."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("pinset.catalog.state_tables"), name)


t: Final = _Tables()


def is_sound(table: Any, row: Row, before: str = "") -> bool:
    """Whether a row's values are those that were written. before: how its columns are called in front."""
    values = {column.name: row[before + column.name] for column in table.__table__.columns}
    return bool(values["sum"] == t.sum_of(table.__table__, values))


def is_sound_token(row: Row) -> bool:
    """The same for a token, whose last use has a sum of its own."""
    return is_sound(t.TokenTable, row) and row["used_sum"] == t.sum_of_use(row["id"], row["last_used_at"])


def token_of(row: Row) -> TokenRow:
    """A token that is what was written. Raises Integrity."""
    if not is_sound_token(row):
        raise Integrity(
            f"the state is damaged: {which_token(row)}", hint=how_to_revoke(row), details={"rows": "damaged"}
        )
    values = {name: row[name] for name in TokenRow.__slots__}
    try:
        return TokenRow(**{**values, "grants": parse_grants(row["grants"])})
    except InvalidInput as error:
        raise UnknownFormat(
            f"the token {row['name']} has grants that this program does not know: {error.message}",
            hint="upgrade pinset; a newer one made this token",
        ) from error


def token_values(token: TokenRow) -> dict[str, Any]:
    """The row of a token, with its sums."""
    values = {**{name: getattr(token, name) for name in TokenRow.__slots__}, "grants": show_grants(token.grants)}
    sums = {
        "sum": t.sum_of(t.TokenTable.__table__, values),
        "used_sum": t.sum_of_use(token.id, token.last_used_at),
    }
    return {**values, **sums}


def answer_of(row: Row) -> Answer:
    """The answer that a sound row holds."""
    return Answer(**{name: row[name] for name in Answer.__slots__})


def attempt_of(row: Row) -> Attempt:
    """A row of the audit log that is what was written. Raises Integrity."""
    if not is_sound(t.AttemptTable, row):
        raise Integrity("the state is damaged: a row of the audit log", hint="pinset gc drops it")
    values = {name: row[name] for name in Attempt.__slots__ if name != "number"}
    told = {"kind": Kind(row["kind"]), "details": json.loads(row["details"]), "number": row["id"]}
    return Attempt(**{**values, **told})


def attempt_values(attempt: Attempt) -> dict[str, Any]:
    """A row of the audit log, cleaned, with its sum; the engine numbers it."""
    kept = attempt.cleaned()
    values = {name: getattr(kept, name) for name in Attempt.__slots__ if name != "number"}
    details = json.dumps(dict(kept.details), ensure_ascii=False, separators=(",", ":"))
    values |= {"kind": kept.kind.value, "holder": kept.holder, "details": details}
    return {**values, "sum": t.sum_of(t.AttemptTable.__table__, values)}


def which_token(row: Row) -> str:
    """A damaged token in words. What it is called may be what is damaged."""
    typed = _typed(row)
    return f"a token is damaged, and lets nobody in{f' ({typed})' if typed else ''}"


def how_to_revoke(row: Row) -> str:
    """The way out of a damaged token."""
    typed = _typed(row)
    if typed is None:
        return WAY_OUT
    return (
        f"remove it, in the registry's directory: pinset token revoke {typed}; then make it again: pinset token create"
    )


def _typed(row: Row) -> str | None:
    """The id or the name of a damaged token that can be typed; None where neither can."""
    texts = (text for text in (row["id"], row["name"]) if isinstance(text, str) and _TYPED.fullmatch(text))
    return next(texts, None)


def refuse_lost(rows: Sequence[Row], made: int) -> None:
    """Raises Integrity where there are not as many tokens as were made."""
    if made != len(rows):
        error = lost(f"it has {len(rows)} tokens, and {made} were made")
        error.details["rows"] = "lost"
        raise error


def refuse_older(row: Row, newest: tuple[str, int] | None) -> None:
    """Raises Integrity for a state whose tokens changed since, or that is another one's."""
    if not is_sound(t.MetaTable, row, "meta_"):
        raise lost("the row that says how many tokens there are has other values")
    if newest is None:
        return
    if row["meta_state_id"] != newest[0]:
        raise lost("it is not the one that state.serial belongs to")
    if row["meta_changes"] < newest[1]:
        raise lost(f"it has {row['meta_changes']} changes of tokens, and {newest[1]} were made")


def lost(what: str) -> Integrity:
    """The error for a state that is not what it was."""
    return Integrity(f"the state is damaged: {what}", hint=WAY_OUT)


def last_token(name: str) -> PermissionDenied:
    """The error where a credential would end the last one, and with it open the registry to all of its machine."""
    return PermissionDenied(
        f"{show(name)} is the last token, and without any this machine may do everything",
        hint="make another one first; or revoke it on the registry's directory",
    )
