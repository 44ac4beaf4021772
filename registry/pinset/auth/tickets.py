"""Tickets: what a program that can send no header shows to follow a stream, and good for nothing else.

``<token id>.<mac>``, made of what is kept of the token: it is good for as long as the token is, on every server that knows
that, and tells nothing of the token's secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pinset.ports.state import TokenRow

_TEXT: Final = re.compile(r"([0-9A-Za-z]{12})\.([0-9a-f]{40})")
_MEANS: Final = b"pinset stream ticket 1\n"


def ticket_of(row: TokenRow) -> str:
    """The ticket of a token: always the same."""
    mac = hmac.new(row.secret_sha256, _MEANS + row.id.encode(), hashlib.sha256).hexdigest()
    return f"{row.id}.{mac[:40]}"


def parse(text: str) -> str | None:
    """The id of the token that a ticket names; None for a text that is none."""
    match = _TEXT.fullmatch(text)
    return None if match is None else match[1]


def matches(row: TokenRow, text: str, now: int) -> bool:
    """Whether a text is the ticket of a token, and that may be used now (microseconds since 1970)."""
    return hmac.compare_digest(ticket_of(row), text) and row.usable(now)
