"""Doors: ways in beside ``/v1`` for programs that were made for other servers, by the path of a request.

Such a program says its credential in its own way: as the password of Basic, as ``x-api-key``, or bare. Here that becomes
the bearer token which everything behind judges, so that there is one place that lets in. ``/v1`` takes bearers only.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote_to_bytes

from pinset.errors import ForeignOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

COMPAT: Final = "/compat/"
"""The protocols of other tools: `pinset.compat`."""
GIT: Final = "/git/"
"""Git's own protocol."""
TICKETED: Final = f"{COMPAT}ofrep/ofrep/v1/stream"
"""The one path where a ticket lets in: browsers open such streams, and can send no header with them."""
TICKET: Final = "ticket\n"
"""What the header of who has a ticket begins with from here on. No header that came over a wire holds a line's end."""
RAW: Final = "pinset.raw"
"""Set in the scope of a request whose body is no JSON: it passes unread."""
READS: Final = "pinset.reads"
"""Set where a request changes nothing, whatever its method says."""
COSTLY: Final = "pinset.costly"
"""Set where it may cost much work, and its body carries files."""
_STRAYED: Final = {
    "/api/public": "langfuse",
    "/api/2.0/mlflow": "mlflow",
    "/commits": "langsmith",
    "/repos": "langsmith",
    "/v1/prompts": "phoenix",
    "/v1/prompt_versions": "phoenix",
    "/v1/private": "opik",
    "/ofrep/v1": "ofrep",
}
"""Where clients of other tools ask that were given the server's address alone. Nothing of ours has such a path."""
_ASTRAY: Final = re.compile("(" + "|".join(map(re.escape, _STRAYED)) + ")(?:/|$)")
_TOKEN: Final = b"pst_"
_LONGEST: Final = 100
_KEPT: Final = 512
"""Bytes of credentials that are understood once and kept; longer ones are understood anew each time."""
_CREDENTIALS: Final = frozenset({b"authorization", b"x-api-key"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{1,2}(?:/|$)|//")


def admitting(scope: Scope) -> Scope:
    """Make the credential of a request that came by a door a bearer, under whatever name it came. The request as it came.

    It is changed in place: who serves looks at its own scope for what a handler leaves there.
    """
    if not _is_door(scope):
        return scope
    came = {**scope}
    found = {name.lower(): value for name, value in scope["headers"] if name.lower() in _CREDENTIALS}
    given = bearer(found.get(b"authorization"), found.get(b"x-api-key")) if found else _ticket(scope)
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in _CREDENTIALS]
    scope["headers"] = headers if given is None else [*headers, (b"authorization", given)]
    return came


def bearer(authorization: bytes | None, key: bytes | None) -> bytes | None:
    """The Authorization header that says the same as these two; None where neither is a credential of ours.

    Clients of other servers want some key even where none is needed. What has the form of no token of the registry and
    of no issuer is none: where one is needed, that is what is said.
    """
    # A stranger chooses how long they are: what is kept of them must stay little.
    short = len(authorization or b"") + len(key or b"") <= _KEPT
    return _bearer(authorization, key) if short else _bearer.__wrapped__(authorization, key)


@lru_cache(maxsize=4096)
def _bearer(authorization: bytes | None, key: bytes | None) -> bytes | None:
    text = _credential(authorization) if authorization else (key or b"").strip()
    return b"Bearer " + text if text.startswith(_TOKEN) or text.count(b".") == 2 else None


def refuse_page(scope: Scope, headers: Mapping[str, str]) -> None:
    """Raises ForeignOrigin for Basic that a browser may have added by itself to what a page of another site sends."""
    if not _is_door(scope) or not any(
        name.lower() == b"authorization" and value[:6].lower() == b"basic " for name, value in scope["headers"]
    ):
        return
    origin, host = headers.get("origin"), headers.get("host", "").lower()
    same = origin is None or origin.lower() in (f"http://{host}", f"https://{host}")
    if not same or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise ForeignOrigin(
            "a page of another site cannot use a credential that a browser keeps",
            hint="send the token as Authorization: Bearer pst_…",
        )


def strayed(path: str) -> str | None:
    """Where what is asked for by a path would be, for a client of another tool that was told half of the address."""
    found = _ASTRAY.match(path)
    return None if found is None else f"{COMPAT}{_STRAYED[found[1]]}"


def is_unsafe(path: bytes) -> bool:
    """Whether a path of a protocol, whose names may be percent-encoded, could be read in two ways."""
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return True
    return _CONTROL.search(text) is not None


def _is_door(scope: Scope) -> bool:
    path: str = scope["path"]
    return path.startswith((COMPAT, GIT))


def _ticket(scope: Scope) -> bytes | None:
    """The ticket in a request's query as a credential, where the request is one that takes a ticket and has one."""
    if scope["path"] != TICKETED or not scope["query_string"]:
        return None
    given = parse_qs(scope["query_string"].decode("latin-1")).get("ticket", [])
    if len(given) != 1 or len(given[0]) > _LONGEST:
        return None
    ticket: str = given[0]
    return (TICKET + ticket).encode("latin-1", "replace")


def _credential(authorization: bytes) -> bytes:
    """What an Authorization header holds: the password of Basic, or the user name where that is all, else the text itself."""
    kind, space, rest = authorization.strip().partition(b" ")
    if not space:
        return kind
    if kind.lower() != b"basic":
        return rest.strip() if kind.lower() == b"bearer" else b""
    try:
        user, _, password = base64.b64decode(rest.strip(), validate=True).partition(b":")
    except ValueError:
        return b""
    return password or user
