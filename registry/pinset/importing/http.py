"""A server of another tool, asked for what it holds: gently, as often as it takes, and never for more than a limit."""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from pinset.errors import (
    Integrity,
    InvalidInput,
    NotFound,
    PermissionDenied,
    PinsetError,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT: Final = 32 * 1024 * 1024
"""Bytes of one answer, unpacked."""
PAGES: Final = 100_000
"""Pages of one list: a server that gives the same page without end is not followed for ever."""
SECONDS: Final = 30.0
"""Without a byte."""
CONNECT_SECONDS: Final = 5.0
WHOLE_SECONDS: Final = 120.0
"""For one answer, however it trickles."""
TRIES: Final = 6
_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_ADVICE: Final = "what came in is in: run the same command again, and it goes on from there"


class Remote:
    """One server, by its address and a credential.

    what: the tool, for people, as ``Langfuse``. auth: user and password for Basic. headers: a credential of another
    form. transport, sleep: for tests. Raises InvalidInput for an address that is none.
    """

    def __init__(
        self,
        what: str,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        variables: str = "",
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.what, self._variables, self._sleep = what, variables, sleep
        self.url = _address(what, url)
        self._answered = False
        self.host = urlsplit(self.url).netloc
        said = {"Accept": "application/json", "User-Agent": f"pinset/{VERSION}", **(headers or {})}
        if not all(value.isascii() and value.isprintable() for value in said.values()):
            raise InvalidInput(f"a credential of {what} has characters that none has", hint="copy it again")
        self._client = httpx.Client(
            auth=auth,
            headers=said,
            timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, **query: str | int | None) -> Any:
        """The JSON value at a path (``/api/public/v2/prompts``). Raises NotFound, and what a server can do to whoever asks."""
        return self.ask("GET", path, query=query)

    def post(self, path: str, body: Any, **query: str | int | None) -> Any:
        """The JSON value that a look answers which is sent with POST: it may be sent again."""
        return self.ask("POST", path, query=query, body=body)

    def pages(
        self, ask: Callable[[str | int | None], Any], following: Callable[[Any], str | int | None]
    ) -> Iterator[Any]:
        """Every page of a list. ask: the page of a cursor, None for the first. following: the cursor that a page names."""
        cursor: str | int | None = None
        seen: set[str | int] = set()
        for _ in range(PAGES):
            page = ask(cursor)
            yield page
            cursor = following(page)
            if cursor is None:
                return
            if cursor in seen:
                raise Integrity(f"{self.what} at {self.host} gives the same page again", hint=_ADVICE)
            seen.add(cursor)
        raise TooLarge(
            f"{self.what} at {self.host} has more than {PAGES:,} pages of a list", hint="take in less: --only"
        )

    def ask(self, method: str, path: str, *, query: Mapping[str, str | int | None], body: Any = None) -> Any:
        """The JSON value that is answered, after as many tries as it takes and no more than `TRIES`.

        A server that was never reached is asked once: its address is more likely wrong than it is to come.
        """
        wanted = {name: value for name, value in query.items() if value is not None}
        failed: PinsetError | None = None
        for attempt in range(TRIES):
            if failed is not None:
                self._sleep(_pause(attempt, failed))
            try:
                status, content, after = self._once(method, path, wanted, body)
            except Unavailable as error:
                if not self._answered and isinstance(error.__cause__, httpx.ConnectError):
                    raise
                failed = error
                continue
            if status not in _AGAIN:
                return self._value(path, status, content)
            failed = self._refused(path, status, after)
        raise failed or AssertionError("it was tried at least once")

    def _once(self, method: str, path: str, query: Mapping[str, str | int], body: Any) -> tuple[int, bytes, str | None]:
        """Status, body and Retry-After of one try. Raises Unavailable, TooLarge."""
        with (
            self._translated(),
            self._client.stream(method, self.url + path, params=dict(query), json=body) as response,
        ):
            self._answered = True
            pieces, size, until = [], 0, time.monotonic() + WHOLE_SECONDS
            for piece in response.iter_bytes():
                size += len(piece)
                if time.monotonic() > until:
                    raise Unavailable(f"{self.what} takes too long to answer {path}", hint=_ADVICE)
                if size > LIMIT:
                    raise TooLarge(
                        f"{self.what} answers {path} with more than {LIMIT:,} bytes", hint="take in less: --only"
                    )
                pieces.append(piece)
            return response.status_code, b"".join(pieces), response.headers.get("retry-after")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.DecodingError as error:
            raise Unavailable(f"{self.what} at {self.host} sent what cannot be unpacked", hint=_ADVICE) from error
        except httpx.HTTPError as error:
            why = str(error) or type(error).__name__
            raise Unavailable(
                f"{self.what} at {self.host} cannot be reached: {why}",
                hint=f"see whether it runs{f'; {_ADVICE}' if self._answered else ', and whether the address is right'}",
            ) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise InvalidInput(f"{self.url} is no address of a server", hint="write http://HOST:PORT") from error

    def _value(self, path: str, status: int, content: bytes) -> Any:
        if status >= 300:
            raise self._failure(path, status)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise Integrity(
                f"{self.what} at {self.host} answers {path} with what is no JSON",
                hint="see whether the address is that of its API, and not of its pages",
            ) from error

    def _refused(self, path: str, status: int, after: str | None) -> PinsetError:
        """The error for a status that may be another one later."""
        told = {"retry_after": _seconds(after)} if after is not None else {}
        if status == 429:
            return RateLimited(f"{self.what} at {self.host} wants fewer requests", hint=_ADVICE, details=told)
        return Unavailable(f"{self.what} at {self.host} answers {path} with {status}", hint=_ADVICE, details=told)

    def _failure(self, path: str, status: int) -> PinsetError:
        """The error for a status that stays."""
        where = f"{self.what} at {self.host}"
        match status:
            case 401:
                return Unauthenticated(
                    f"{where} does not know the credential",
                    hint=f"see whether {self._variables or 'it'} is that of this server",
                )
            case 403:
                return PermissionDenied(
                    f"{where} does not let this credential read {path}", hint="use one that may read"
                )
            case 404 | 410:
                return NotFound(f"{where} has nothing at {path}", hint="see whether the address is that of its API")
            case _ if status < 400:
                return InvalidInput(f"{where} leads elsewhere with {status}", hint="give the address that it leads to")
            case _:
                return InvalidInput(
                    f"{where} answers {path} with {status}",
                    hint="see whether the address is whole, and its version known",
                )


def _address(what: str, url: str) -> str:
    """An address without a slash at its end. Raises InvalidInput, also for one that holds a password."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput(f"that is no address of {what}", hint="write https://HOST or http://HOST:PORT")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput(
            f"the address of {what} has no password, query or fragment", hint="give the credential by its own option"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _pause(attempt: int, failed: PinsetError) -> float:
    """Seconds before a further try: as long as the server said, else twice as long each time, not all at one time."""
    said = failed.details.get("retry_after")
    if isinstance(said, float):
        return min(said, _LONGEST_PAUSE)
    return min(_PAUSE * 2.0 ** (attempt - 1), _LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _seconds(text: str) -> float | None:
    """A Retry-After in seconds, of either form; None for what is none."""
    if text.isascii() and text.isdigit() and len(text) < 7:
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds()) if until.tzinfo else None
