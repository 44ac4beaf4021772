"""Codes of an OIDC issuer: where it gives them, and their exchange for a token. Only what is configured is asked."""

from __future__ import annotations

import base64
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlencode

from pinset.auth.issuers import WELL_KNOWN, fetched
from pinset.config.oidc import is_trustworthy
from pinset.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.config import Issuer

FRESH_SECONDS: Final = 3600.0
PAUSE_SECONDS: Final = 10.0
"""Between two looks at an issuer that did not answer, however many people would like to sign in."""
_SECRET_BYTES: Final = 4096


class Where(NamedTuple):
    """Where an issuer asks people, and where it takes codes. basic: a secret is sent in the header, else in the body."""

    authorization: str
    token: str
    basic: bool


class Endpoints:
    """What issuers say of themselves, kept for an hour. May be used by several threads.

    fetch: the JSON value at an address; raises OSError or ValueError. now: seconds of a clock that only rises.
    """

    def __init__(self, fetch: Callable[[str], Any] = fetched, now: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._now = fetch, now
        self._known: dict[str, tuple[float, Where]] = {}
        self._failed: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def of(self, issuer: Issuer) -> Where:
        """Where to send people and codes. Raises Unavailable where the issuer does not say."""
        name = issuer.issuer
        with self._lock:
            at, where = self._known.get(name, (0.0, None))
            failed_at, why = self._failed.get(name, (float("-inf"), ""))
        if where is not None and self._now() < at + FRESH_SECONDS:
            return where
        if self._now() < failed_at + PAUSE_SECONDS:
            raise _silent(issuer, why)
        try:
            where = _read(issuer, self._fetch(name.rstrip("/") + WELL_KNOWN))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            with self._lock:
                self._failed[name] = (self._now(), why)
            raise _silent(issuer, why) from error
        with self._lock:
            self._known[name] = (self._now(), where)
        return where


def exchanged(where: Where, issuer: Issuer, code: str, verifier: str, back: str) -> Mapping[str, Any]:
    """The token endpoint's answer. back: the address that the code was asked for with.

    Raises Unauthenticated where the issuer does not take the code, Unavailable where it gives no answer.
    """
    client = issuer.client
    if client is None:
        raise AssertionError("who has no client gives no codes")
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    secret = _secret(issuer)
    if secret and where.basic:
        pair = f"{quote(client.id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        fields |= {"client_id": client.id} | ({"client_secret": secret} if secret else {})
    try:
        answer = fetched(where.token, body=urlencode(fields).encode(), headers=headers)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        if "answered 4" in why:
            raise Unauthenticated(
                f"{issuer.host} did not take the code: {why}", hint="begin again; if it stays so, see client_secret"
            ) from error
        raise Unavailable(f"{issuer.host} gives no token: {why}", hint="try again, or sign in with a token") from error
    if not isinstance(answer, dict):
        raise Unavailable(f"{issuer.host} gives no token: its answer is no object", hint="sign in with a token")
    return answer


def _silent(issuer: Issuer, why: str) -> Unavailable:
    return Unavailable(f"{issuer.host} does not say where to sign in: {why}", hint="try again, or sign in with a token")


def _read(issuer: Issuer, description: Any) -> Where:
    """Raises ValueError for what is no description of that issuer, and for addresses that could be anybody's."""
    if not isinstance(description, dict) or description.get("issuer") != issuer.issuer:
        raise ValueError("its description is another issuer's")
    found = [description.get(key) for key in ("authorization_endpoint", "token_endpoint")]
    addresses = [one for one in found if isinstance(one, str) and is_trustworthy(one)]
    if len(addresses) != 2:
        raise ValueError("its description names no addresses by https")
    methods = description.get("token_endpoint_auth_methods_supported")
    basic = not isinstance(methods, list) or "client_secret_basic" in methods or "client_secret_post" not in methods
    return Where(addresses[0], addresses[1], basic)


def _secret(issuer: Issuer) -> str:
    """The client's secret, '' for none. A file is read each time: who changes it need not start the server again."""
    client = issuer.client
    if client is None or not client.secret_file:
        return client.secret if client is not None else ""
    try:
        with Path(client.secret_file).open("rb") as opened:
            return opened.read(_SECRET_BYTES).decode().strip()
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "it is no text"
        raise Unavailable(
            f"{client.secret_file} cannot be read: {why}", hint="let the server's user read it"
        ) from error
