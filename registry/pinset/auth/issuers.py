"""The keys of the configured issuers: fetched when they are needed, kept, and fetched anew now and then.

Only what is configured is asked, over https, without a redirect, for so many bytes and so long. Whoever waits does so
in a thread of its own choosing; the fetch has one of its own, so that an issuer that answers a byte a minute holds nobody.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pinset.auth.oidc import Keys, look, prove
from pinset.config.oidc import is_trustworthy
from pinset.domain.text import strict_json
from pinset.errors import Unauthenticated, Unavailable
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pinset.auth.identity import Identity
    from pinset.config.oidc import Issuer

WAIT_SECONDS: Final = 5.0
"""How long somebody waits for keys."""
FRESH_SECONDS: Final = 900.0
"""How long keys are taken without a look at the issuer."""
KEPT_SECONDS: Final = 6 * 3600.0
"""How long they are taken while the issuer does not answer: a key that it withdraws counts no longer than that."""
PAUSE_SECONDS: Final = 30.0
"""Between two fetches of one issuer, whatever tokens come."""
LARGEST: Final = 256 * 1024
"""Bytes of a description, and of a set of keys."""
_READ_SECONDS: Final = 3.0
_LONGEST_SECONDS: Final = 10.0
"""How long a fetch may take. Reads have a limit of their own, and an issuer may send a byte now and then."""
WELL_KNOWN: Final = "/.well-known/openid-configuration"


class Issuers:
    """Proves tokens of the configured issuers. May be used by several threads.

    wall: microseconds since 1970, for what tokens say of time. fetch: the JSON value at an address, in whatever time it
    takes; raises OSError or ValueError. now: seconds of a clock that only rises.
    """

    def __init__(
        self,
        issuers: Iterable[Issuer],
        *,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
        fetch: Callable[[str], Any] | None = None,
        now: Callable[[], float] = time.monotonic,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._wall = wall
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._rings = {url: _Ring(issuer, fetch or fetched, now, wait) for url, issuer in self._issuers.items()}

    def identify(self, text: str) -> Identity:
        """Who sends a token. It may wait for the issuer, so it is asked in a thread.

        Raises Unauthenticated, PermissionDenied, and Unavailable while the issuer's keys are not known.
        """
        token = look(text, self._issuers, self._wall())
        keys = self._rings[token.issuer.issuer].fitting(token.kid, token.algorithm)
        if not keys:
            raise Unauthenticated(
                "the token is signed with a key that its issuer does not show",
                hint=f"get a new token from the issuer; one whose key is new is taken within {PAUSE_SECONDS:g} s",
            )
        return prove(token, keys)


class _Ring:
    """The keys of one issuer."""

    def __init__(self, issuer: Issuer, fetch: Callable[[str], Any], now: Callable[[], float], wait: float) -> None:
        self._issuer, self._fetch, self._now, self._wait = issuer, fetch, now, wait
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._fetched_at = 0.0
        self._next = float("-inf")
        self._under_way: Future[Keys] | None = None
        self._why = ""

    def fitting(self, kid: str | None, algorithm: str) -> list[Any]:
        """The keys that fit. Where there is none, or none that is fresh, the issuer is asked, if its pause is over.

        Raises Unavailable where no keys are known at all.
        """
        found = self._known(kid, algorithm)
        if found and self._now() < self._fetched_at + FRESH_SECONDS:
            return found
        self._renew(waits=not found)
        found = self._known(kid, algorithm)
        if found is None:
            pause = max(1, round(self._next - self._now()))
            raise Unavailable(
                f"the keys of {self._issuer.issuer} are not known: {self._why or 'it gave no answer in time'}",
                hint="try again; the registry's own tokens are taken meanwhile",
                details={"retry_after": pause},
            )
        return found

    def _known(self, kid: str | None, algorithm: str) -> list[Any] | None:
        with self._lock:
            keys = self._keys if self._now() < self._fetched_at + KEPT_SECONDS else None
        return None if keys is None else keys.fitting(kid, algorithm)

    def _renew(self, *, waits: bool) -> None:
        """Fetch the keys, once at a time and not too often. waits: whether who asks needs them."""
        with self._lock:
            if self._under_way is None:
                if self._now() < self._next:
                    return
                self._next = self._now() + PAUSE_SECONDS
                under_way: Future[Keys] = Future()
                try:
                    threading.Thread(target=self._work, args=[under_way], name="pinset-oidc", daemon=True).start()
                except RuntimeError:  # there is none to be had
                    self._why = "there is no thread for it"
                    return
                self._under_way = under_way
            under_way = self._under_way
        if waits:
            try:
                under_way.result(self._wait)
            except Exception:  # noqa: BLE001 - what it was is noted, and said where no keys are known
                return

    def _work(self, under_way: Future[Keys]) -> None:
        try:
            keys = Keys(self._fetch(self._address()))
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody may wait for it for ever
            with self._lock:
                self._why, self._under_way = (
                    getattr(error, "strerror", None) or str(error) or type(error).__name__,
                    None,
                )
            under_way.set_exception(error)
            return
        with self._lock:
            self._keys, self._fetched_at, self._under_way, self._why = keys, self._now(), None, ""
        under_way.set_result(keys)

    def _address(self) -> str:
        """Where the keys are: as configured, else as the issuer's own description says. Raises OSError, ValueError."""
        issuer = self._issuer
        if issuer.jwks_uri:
            return issuer.jwks_uri
        description = self._fetch(issuer.issuer.rstrip("/") + WELL_KNOWN)
        if not isinstance(description, dict) or description.get("issuer") != issuer.issuer:
            raise ValueError("its description is another issuer's")
        address = description.get("jwks_uri")
        if not isinstance(address, str) or not is_trustworthy(address) or _origin(address) != _origin(issuer.issuer):
            raise ValueError("its keys are elsewhere; if that is right, set jwks_uri in config.toml")
        return address


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def fetched(url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON value at an address, asked once. Raises OSError where it is not to be had, ValueError where it is none.

    body: is sent to it with POST. headers: more of them.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host, path = parts.hostname or "", parts.path or "/"
    said = {
        "Host": parts.netloc,
        "Accept": "application/json",
        "User-Agent": f"pinset/{VERSION}",
        "Connection": "close",
        **(headers or {}),
    }
    with _connected(host, parts.port or (443 if secure else 80)) as plain:
        asking = HTTPConnection(host)
        asking.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host) if secure else plain
        try:
            asking.request("GET" if body is None else "POST", path, body, said)
            with asking.getresponse() as answer:
                if answer.status != 200:
                    raise OSError(f"it answered {answer.status}")
                data = answer.read(LARGEST + 1)
        except HTTPException as error:
            raise OSError("its answer is no HTTP") from error
        finally:
            asking.close()
    if len(data) > LARGEST:
        raise ValueError(f"its answer is over {LARGEST:,} bytes")
    try:
        return strict_json.loads_bytes(data)
    except strict_json.StrictJsonError as error:
        raise ValueError(f"its answer is no JSON: {error.message}") from error


@contextmanager
def _connected(host: str, port: int) -> Iterator[socket.socket]:
    """A connection that is cut after a while, whatever is still under way on it then."""
    with socket.create_connection((host, port), _READ_SECONDS) as plain, plain.dup() as cut:
        timer = threading.Timer(_LONGEST_SECONDS, _shut, [cut])
        timer.daemon = True
        timer.start()
        try:
            yield plain
        finally:
            timer.cancel()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
