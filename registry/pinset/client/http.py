"""One request, one answer: time limits, retries, and every failure as one of our errors.

Nothing above this module sees httpx. Redirects are not followed, because a credential goes with each request;
proxies, ``.netrc`` and the like are not read from the environment.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from pinset.client.failures import Failures
from pinset.client.packing import ACCEPTED, unpacked
from pinset.client.requests import (
    CONNECT_SECONDS,
    TOTAL_SECONDS,
    Answer,
    Query,
    Request,
    address_of,
    headers_of,
    object_of,
    seconds_of,
)
from pinset.errors import PinsetError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    import httpx

PAUSES: Final = (0.2, 0.8)
"""Seconds before each retry; a call is tried once more often than there are pauses."""
LONGEST_PAUSE: Final = 5.0
"""Seconds: the longest ``Retry-After`` that is waited for."""
ANSWER_LIMIT: Final = 64 * 1024 * 1024
"""Bytes. The largest release as JSON, all of it escaped, is below."""
LONGEST_TAG: Final = 256
_LATER: Final = (401, 403, 429, 500)
"""Statuses of an answer that is given without a look at what an earlier try with the same key did."""
_EVENTS: Final = "text/event-stream"
_ERRNO: Final = re.compile(r"^\[Errno -?[0-9]+\] ")
"""What the system's errors begin with, and people need not read."""


class _Again(Exception):  # noqa: N818 - no error yet: it carries the one to raise when no try is left
    """The request may be sent once more, after a pause in seconds where the server named one.

    unknown: whether this try may have happened.
    """

    def __init__(self, error: PinsetError, pause: float | None = None, *, unknown: bool = False) -> None:
        super().__init__()
        self.error = error
        self.pause = pause
        self.unknown = unknown


def _trust(url: str) -> ssl.SSLContext:
    """Whom to believe: the system's certificates, among which a company's own authority is. Nobody where all is plain."""
    return ssl.create_default_context() if url.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Http:
    """Speaks to one address, on connections it keeps. May be used by several threads."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx  # noqa: PLC0415 - a program that only names this class need not load it

        from pinset.client import deadline  # noqa: PLC0415 - it loads httpx

        self.url = address_of(url)
        self._deadline = deadline.Deadline()
        self._failures = Failures(self.url)
        self._closed = False
        self._sleep = sleep
        self._streams: set[socket.socket] = set()
        self._client = httpx.Client(
            transport=transport or deadline.transport(_trust(self.url), self._deadline),
            headers=headers_of(token),
            timeout=httpx.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections; streams end, whichever thread reads them. Idempotent."""
        self._closed = True
        for connection in list(self._streams):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client.close()

    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def get(self, path: str, /, **query: str | int | None) -> Any:
        """The JSON object at a path."""
        return self._object(self._call(Request(method="GET", path=path, query=query)))

    def fetch(
        self,
        path: str,
        query: Query,
        *,
        tag: str | None,
        seconds: float,
        connect: float,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[dict[str, Any] | None, str | None]:
        """The JSON object at a path and its tag, in one try; None where it is what ``tag`` stands for.

        seconds: for all of it. connect: for the connection alone.
        """
        sent = {**(headers or {}), **({"If-None-Match": tag} if tag else {})}
        request = Request(
            method="GET", path=path, query=query, headers=sent, seconds=seconds, connect=min(connect, seconds)
        )
        try:
            answer = self._send(request, time.monotonic() + seconds)
        except _Again as again:
            raise again.error from again.__cause__
        if answer.status == 304 and tag:
            return None, answer.tag or tag
        if answer.status != 200:
            raise self._failures.problem(answer)
        return self._object(answer), answer.tag

    def stream(self, path: str, query: Query, *, headers: Mapping[str, str], silence: float) -> Iterator[bytes]:
        """The pieces of an answer of events, as they come, in one try. It may never end.

        silence: seconds without a byte after which it counts as broken. Raises Unavailable then, and what a problem
        document says.
        """
        import httpx  # noqa: PLC0415 - loaded already, by the constructor

        wanted = {"Accept": _EVENTS, "Accept-Encoding": "identity", **headers}
        request = Request(method="GET", path=path, query=query, headers=wanted, seconds=silence)
        try:
            with (
                self._translated(request),
                self._client.stream(
                    request.method,
                    self.url + path,
                    params={name: value for name, value in query.items() if value is not None},
                    headers=wanted,
                    timeout=httpx.Timeout(silence, connect=min(request.connect, silence)),
                ) as response,
                self._held(response),
            ):
                if response.status_code != 200 or _kind(response) != _EVENTS:
                    raise self._failures.problem(self._whole(response, request, time.monotonic() + TOTAL_SECONDS))
                yield from self._plain(response)
        except _Again as again:
            raise again.error from again.__cause__

    def text(self, path: str, **query: str | int | None) -> str:
        """The text at a path, as it is."""
        answer = self._call(Request(method="GET", path=path, query=query))
        try:
            return answer.content.decode()
        except UnicodeDecodeError as error:
            raise self._failures.strange(answer) from error

    def ask(
        self, path: str, body: Mapping[str, Any] | None, *, seconds: float = TOTAL_SECONDS, **query: str | int | None
    ) -> Any:
        """The JSON object that a POST answers which changes nothing."""
        return self._object(self._call(Request(method="POST", path=path, query=query, body=body, seconds=seconds)))

    def change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        dry_run: bool = False,
        headers: Mapping[str, str] | None = None,
        query: Query | None = None,
        seconds: float = TOTAL_SECONDS,
        change: str | None = None,
    ) -> Any:
        """The JSON object that a change answers. It happens at most once for one key, however often it is sent.

        change: what it belongs to, together with others.
        """
        import uuid  # noqa: PLC0415 - those who only fetch need not load it

        together = {"Pinset-Change": change} if change is not None else {}

        return self._object(
            self._call(
                Request(
                    method=method,
                    path=path,
                    query={**(query or {}), "dry_run": "true" if dry_run else None},
                    body=body,
                    headers={**(headers or {}), **together},
                    key=key or str(uuid.uuid4()),
                    seconds=seconds,
                )
            )
        )

    def _call(self, request: Request) -> Answer:
        until = time.monotonic() + request.seconds
        # Of a try that may have happened: what is to be said where no later one knows.
        unknown: PinsetError | None = None
        for planned in (*PAUSES, None):
            try:
                answer = self._send(request, until)
                break
            except _Again as again:
                if again.unknown:
                    unknown = again.error
                pause = max(planned or 0.0, again.pause or 0.0)
                if planned is None or pause > LONGEST_PAUSE or time.monotonic() + pause > until:
                    raise (unknown or again.error) from again.__cause__
                self._sleep(pause)
        if 200 <= answer.status < 300:
            return answer
        problem = self._failures.problem(answer)
        if unknown is not None and answer.status in _LATER:
            # This try was turned away at the door, which says nothing of the one that was not answered.
            raise unknown from problem
        raise problem

    def _send(self, request: Request, until: float) -> Answer:
        """One try. Raises `_Again` where another may help, Unavailable where none will."""
        import httpx  # noqa: PLC0415 - loaded already, by the constructor

        left = max(until - time.monotonic(), 0.001)
        headers = dict(request.headers or {})
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        with (
            self._translated(request),
            self._deadline.until(until),
            self._client.stream(
                request.method,
                self.url + request.path,
                params={name: value for name, value in request.query.items() if value is not None},
                json=request.body,
                headers=headers,
                timeout=httpx.Timeout(left, connect=min(request.connect, left)),
            ) as response,
        ):
            answer = self._whole(response, request, until)
        if answer.status in (429, 503):
            problem = self._failures.problem(answer)
            # The server names the operation where it does not know itself what became of it.
            raise _Again(problem, seconds_of(answer.retry_after), unknown="operation" in problem.details)
        return answer

    @contextmanager
    def _translated(self, request: Request) -> Iterator[None]:
        """Whatever breaks on the way as `_Again` where another try may help, as Unavailable where none will."""
        import httpx  # noqa: PLC0415 - loaded already, by the constructor

        try:
            yield
        except httpx.ConnectError as error:
            if isinstance(error.__context__ and error.__context__.__context__, ssl.SSLError) or "SSL" in str(error):
                raise Unavailable(
                    f"{self.url} cannot be trusted: {error}", hint="check its certificate and the system's authorities"
                ) from error
            raise _Again(self._failures.unreachable(_ERRNO.sub("", str(error)))) from error
        except httpx.ConnectTimeout as error:
            raise _Again(self._failures.unreachable(f"no connection within {CONNECT_SECONDS:g} s")) from error
        except httpx.TimeoutException as error:
            raise self._failures.silent(request) from error
        except httpx.TransportError as error:
            raise _Again(self._failures.silent(request), unknown=True) from error
        except httpx.HTTPError as error:
            raise Unavailable(f"the answer of {self.url} cannot be read", hint=self._failures.hint) from error

    def _whole(self, response: httpx.Response, request: Request, until: float) -> Answer:
        content = self._read(response, request, until)
        kind = _kind(response)
        told = response.headers.get("retry-after"), _tag(response.headers.get("etag"))
        return Answer(response.status_code, kind, content, *told)

    def _held(self, response: httpx.Response) -> AbstractContextManager[None]:
        """Notes the connection of a stream, for `close` to end it: whoever reads it waits for bytes meanwhile."""
        stream = response.extensions.get("network_stream")
        found = stream.get_extra_info("socket") if stream is not None else None
        return _noted(self._streams, found)

    def _read(self, response: httpx.Response, request: Request, until: float) -> bytes:
        """The whole body. A server that sends one byte a second does not hold us longer than one that is silent."""
        pieces, size = [], 0
        for piece in self._plain(response):
            pieces.append(piece)
            size += len(piece)
            if size > ANSWER_LIMIT:
                raise Unavailable(f"the answer of {self.url} is over {ANSWER_LIMIT:,} bytes", hint=self._failures.hint)
            if time.monotonic() > until:
                raise self._failures.silent(request)
        return b"".join(pieces)

    def _plain(self, response: httpx.Response) -> Iterator[bytes]:
        """The body's pieces, unpacked. Raises Unavailable for what is packed in a way nobody asked for, or not whole."""
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        if packing not in ("identity", ACCEPTED):
            raise Unavailable(f"the answer of {self.url} is packed as nobody asked for", hint=self._failures.hint)
        try:
            yield from response.iter_bytes() if packing == "identity" else unpacked(response.iter_raw())
        except ValueError as error:
            raise Unavailable(f"the answer of {self.url} cannot be read: {error}", hint=self._failures.hint) from error

    def _object(self, answer: Answer) -> dict[str, Any]:
        found = object_of(answer)
        if found is None:
            raise self._failures.strange(answer)
        return found


@contextmanager
def _noted(held: set[socket.socket], connection: socket.socket | None) -> Iterator[None]:
    if connection is None:  # a transport of a test
        yield
        return
    held.add(connection)
    try:
        yield
    finally:
        held.discard(connection)


def _kind(response: httpx.Response) -> str:
    """The media type of an answer."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _tag(given: str | None) -> str | None:
    """An ETag that can be sent back; None for one that cannot, which would stand in the way of every later request."""
    fits = given is not None and len(given) <= LONGEST_TAG and given.isascii() and given.isprintable()
    return given if fits else None
