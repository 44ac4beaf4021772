"""One connection to a registry's HTTP API: requests out, answers or the server's own errors back."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import InvalidInput, PinsetError, Unavailable, from_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

_TRIES: Final = 4
_CONNECT_SECONDS: Final = 3.0
_TOTAL_SECONDS: Final = 30.0


class HttpConnection:
    """Sends requests with the token, retries what is safe to retry, raises what the server raised.

    transport: for tests, in the place of the network.
    """

    def __init__(self, url: str, token: str | None, *, transport: httpx.BaseTransport | None = None) -> None:
        import httpx  # noqa: PLC0415 - 100 ms that only a remote registry needs

        if not url.startswith(("http://", "https://")):
            raise InvalidInput(f"{url} is no address of a registry", hint="give http://HOST:7467")
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            self._client = httpx.Client(
                base_url=self.url,
                headers=headers,
                timeout=httpx.Timeout(_TOTAL_SECONDS, connect=_CONNECT_SECONDS),
                transport=transport,
                trust_env=transport is None,
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise InvalidInput(f"{url} is no address of a registry: {error}", hint="give http://HOST:7467") from error

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path."""
        return self._send("GET", path, query=query).json()

    def text(self, path: str) -> str:
        """The text of a path as it is."""
        return self._send("GET", path).content.decode()

    def change(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Any:
        """The JSON that a change is answered with. It carries a key, so that a retry has one effect."""
        sent = {"Idempotency-Key": key or str(uuid.uuid4()), **(headers or {})}
        return self._send(method, path, body=body, headers=sent, query=query).json()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> httpx.Response:
        import httpx  # noqa: PLC0415 - loaded already

        asked = {name: value for name, value in (query or {}).items() if value not in (None, "", False)}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        sent = dict(headers or {}) | ({"Content-Type": "application/json"} if content is not None else {})
        for attempt in range(_TRIES):
            try:
                response = self._client.request(method, path, params=asked, content=content, headers=sent)
                error = _error_of(response, self.url)
            except httpx.HTTPError as lost:
                error = Unavailable(
                    f"the registry at {self.url} does not answer: {str(lost) or type(lost).__name__}",
                    hint="is it running there? pinset serve",
                )
                error.__cause__ = lost
            if error is None:
                return response
            if not isinstance(error, Unavailable) or attempt == _TRIES - 1:
                raise error
            time.sleep(0.1 * 2**attempt)
        raise AssertionError("the loop returns or raises")


def _error_of(response: httpx.Response, url: str) -> PinsetError | None:
    """The error that a response is; None for an answer."""
    kind = response.headers.get("content-type", "").split(";")[0]
    if response.status_code < 300:
        return None
    if kind == "application/problem+json":
        try:
            problem = response.json()
        except ValueError:
            problem = None
        if isinstance(problem, dict):
            return from_problem(problem)
    return Unavailable(
        f"{url} answered {response.status_code} without saying why", hint="is that address a Pinset registry?"
    )
