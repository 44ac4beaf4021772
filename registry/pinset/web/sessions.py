"""A page's session: a credential, sealed into a cookie of the browser. Nothing of it is kept here.

So every request of a page passes the same look at its credential as one of the API: what is revoked is refused at once,
on every worker, and signing out is to forget. The cookie is no credential of the API, which takes none.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.types import Scope

    from pinset.signing.sealing import Vault

SESSION: Final = "pinset"
VISIT: Final = "pinset-visit"
"""Of who is not signed in: what forms are bound to. It says nothing."""
THEME: Final = "pinset-theme"
LONGEST: Final = 3900
"""Characters of a cookie's value: browsers take 4,096 bytes with the name and all."""
_PURPOSE: Final = "session"
_LARGEST: Final = 64 * 1024
_PORT: Final = re.compile(r":([0-9]{1,5})$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Session:
    """One. credential: what the authorization header carries after ``Bearer``. until: seconds since 1970."""

    credential: str
    id: str
    until: int


class Sessions:
    """Seals and opens them. hours: how long one lasts at most. wall: seconds since 1970."""

    def __init__(self, vault: Vault, *, hours: float = 12.0, wall: Callable[[], float] = time.time) -> None:
        self._vault, self.hours, self._wall = vault, hours, wall

    def begin(self, credential: str, expires_at: int | None) -> Session:
        """A new session. expires_at: of the credential, in microseconds since 1970; None for never."""
        until = self._wall() + self.hours * 3600
        if expires_at is not None:
            until = min(until, expires_at / 1_000_000)
        return Session(credential, secrets.token_urlsafe(12), int(until))

    def seal(self, session: Session) -> str:
        """The cookie's value. Raises InvalidInput for a credential that no browser would keep."""
        said = json.dumps([session.credential, session.id, session.until]).encode()
        value = self._vault.seal(zlib.compress(said, 9), _PURPOSE)
        if len(value) > LONGEST:
            raise InvalidInput(
                "the credential is too large for a browser to keep",
                hint="have the issuer put less into its tokens, such as fewer groups, or sign in with a token",
            )
        return value

    def open(self, value: str) -> Session | None:
        """The session of a cookie; None where it is none of ours, or is over."""
        data = self._vault.open(value, _PURPOSE) if len(value) <= LONGEST else None
        if data is None:
            return None
        inflated = zlib.decompressobj().decompress(data, _LARGEST)
        credential, name, until = json.loads(inflated)
        return Session(credential, name, until) if until > self._wall() else None

    def left(self, session: Session) -> int:
        """Seconds that a session still lasts."""
        return max(0, int(session.until - self._wall()))


def cookies_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The cookies of a request; of one that is there twice, none: somebody else may have set the other."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in headers:
        if name.lower() != b"cookie":
            continue
        for part in value.decode("latin-1").split(";"):
            key, equals, text = part.strip().partition("=")
            if equals:
                twice |= {key} & found.keys()
                found[key] = text
    return {key: text for key, text in found.items() if key not in twice}


def named(scope: Scope, name: str) -> str:
    """A cookie's name here. Over https it has a prefix that no other host, and nobody without https, can set.

    Browsers keep one jar for all ports of a host. So a port is in the name: two registries on one machine, or behind
    two tunnels, would sign each other's people out.
    """
    host = next((value for key, value in scope["headers"] if key.lower() == b"host"), b"")
    port = _PORT.search(host.decode("latin-1"))
    own = f"{name}-{port[1]}" if port else name
    return f"__Host-{own}" if scope.get("scheme") == "https" else own


def cookie(scope: Scope, name: str, value: str, seconds: int | None, *, script: bool = False) -> bytes:
    """A Set-Cookie header's value. seconds: how long it is kept, None while the browser runs, 0 to forget it.

    script: whether scripts may read it.
    """
    parts = [f"{named(scope, name)}={value}", "Path=/", "SameSite=Lax"]
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    if not script:
        parts.append("HttpOnly")
    if scope.get("scheme") == "https":
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")


def cookie_of(scope: Scope, found: Mapping[str, str], name: str) -> str:
    """A cookie's value; '' where it is not there."""
    return found.get(named(scope, name), "")
