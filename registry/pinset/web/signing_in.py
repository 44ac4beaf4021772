"""Signing in where an OIDC issuer says who somebody is: the authorization code flow, with PKCE, state and nonce.

What comes of it is the issuer's token for this registry, which is proven as one that a pipeline sends; the browser keeps
it in its session. Nothing is kept here: what was asked for is sealed into a cookie of whoever asked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode

from anyio import CapacityLimiter

from pinset.auth.codes import Endpoints, exchanged
from pinset.errors import NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinset.config import Issuer, Pages

CALLBACK: Final = "/sign-in/callback"
_LONGEST_SECONDS: Final = 600
_AT_ONCE: Final = 4
"""How many threads wait for issuers: the rest of the pages must not."""
_LONGEST: Final = 4000
"""Characters of a code, and of a state, that an issuer sends back."""


class Started(NamedTuple):
    """Where to send somebody, and what their browser keeps meanwhile, sealed."""

    address: str
    kept: bytes


class SigningIn:
    """The issuers where people may sign in. exchange: a code for the answer of an issuer's token endpoint.

    turns: of the threads that wait for issuers.
    """

    def __init__(
        self,
        pages: Pages,
        issuers: Sequence[Issuer],
        *,
        endpoints: Endpoints | None = None,
        exchange: Callable[..., Mapping[str, Any]] = exchanged,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._back = pages.url + CALLBACK
        self._issuers = [one for one in issuers if one.client is not None]
        self._endpoints, self._exchange, self._wall = endpoints or Endpoints(), exchange, wall
        self.turns = CapacityLimiter(_AT_ONCE)

    @property
    def labels(self) -> list[str]:
        """What the buttons say, in the order of their numbers, which begin at 1."""
        return [one.client.label or one.host for one in self._issuers if one.client is not None]

    def start(self, number: int, target: str) -> Started:
        """Begin. target: the page to go on to. Raises NotFound, and Unavailable where the issuer does not say where."""
        issuer = self._issuer(number)
        client = issuer.client
        if client is None:
            raise AssertionError("only issuers with a client are here")
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": client.id,
                "redirect_uri": self._back,
                "scope": client.scope,
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        kept = json.dumps([number, issuer.issuer, state, nonce, verifier, target, int(self._wall())])
        return Started(f"{self._endpoints.of(issuer).authorization}?{query}", kept.encode())

    def finish(self, kept: bytes | None, answer: Mapping[str, str]) -> tuple[str, str]:
        """The issuer's token, whose signature is not yet proven, and the page to go on to. Raises Unauthenticated.

        kept: of `start`, None where the browser has it no longer. answer: what the browser was sent back with.
        """
        if kept is None:
            raise _refused("this sign-in was not begun in this browser, or took too long")
        number, name, state, nonce, verifier, target, at = json.loads(kept)
        issuer = self._issuer(number)
        if issuer.issuer != name or not 0 <= self._wall() - at <= _LONGEST_SECONDS:
            raise _refused("this sign-in took too long")
        given, code = answer.get("state", "")[:_LONGEST], answer.get("code", "")
        if not hmac.compare_digest(given.encode(), state.encode()):
            raise _refused("this sign-in was not begun in this browser")
        if answer.get("iss", issuer.issuer) != issuer.issuer:
            raise _refused("the answer is another issuer's")
        if "error" in answer:
            said = answer.get("error_description") or answer["error"]
            raise _refused(f"{issuer.host} did not sign you in: {said[:200]!a}")
        if not code or len(code) > _LONGEST:
            raise _refused("the issuer sent no code")
        token = self._exchange(self._endpoints.of(issuer), issuer, code, verifier, self._back).get("id_token")
        if not isinstance(token, str) or not hmac.compare_digest(_nonce_of(token).encode(), nonce.encode()):
            raise _refused("the issuer's token is not of this sign-in")
        return token, target

    def _issuer(self, number: int) -> Issuer:
        if not 1 <= number <= len(self._issuers):
            raise NotFound("there is no such way to sign in", hint="see /sign-in")
        return self._issuers[number - 1]


def _nonce_of(token: str) -> str:
    """The nonce that a token has; '' for none. The token itself is proven later, by all its claims."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return str(claims.get("nonce", ""))
    except (IndexError, ValueError, AttributeError):
        return ""


def _refused(message: str) -> Unauthenticated:
    return Unauthenticated(message, hint="begin again")
