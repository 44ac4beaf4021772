"""What is sent to a registry and what comes back, as plain values: nothing here touches the network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from pinset.client.packing import ACCEPTED
from pinset.errors import InvalidInput
from pinset.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_SECONDS: Final = 3.0
TOTAL_SECONDS: Final = 30.0
"""For one call, its retries and pauses included."""

Query = dict[str, str | int | None]
"""Parameters of a request; None is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. path: below the registry's address, already quoted. key: makes a change happen at most once."""

    method: str
    path: str
    query: Query
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] | None = None
    key: str | None = None
    seconds: float = TOTAL_SECONDS
    connect: float = CONNECT_SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    kind: str
    content: bytes
    retry_after: str | None
    tag: str | None = None


def address_of(url: str) -> str:
    """A registry's address without a slash at the end. Raises InvalidInput for what cannot be one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("that is no address of a registry", hint="write http://HOST:7467") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise InvalidInput("that is no address of a registry", hint="write http://HOST:7467 or https://HOST")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidInput(
            "the address of a registry has no password, query or fragment", hint="give the credential as PINSET_TOKEN"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def path_of(*segments: str) -> str:
    """Segments as a URL's path below ``/v1``. Each is quoted whole: what it names cannot add a segment."""
    return "/v1/" + "/".join(quote(segment, safe=":@") for segment in segments)


def headers_of(token: str | None) -> dict[str, str]:
    """What each request says of who asks. Raises InvalidInput for what cannot be a token."""
    headers = {"Accept": "application/json", "User-Agent": f"pinset/{VERSION}", "Accept-Encoding": ACCEPTED}
    if token is None:
        return headers
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidInput(
            "that is no token", hint="set PINSET_TOKEN to what this prints: pinset token create --name N --can read"
        )
    return {**headers, "Authorization": f"Bearer {token}"}


def object_of(answer: Answer) -> dict[str, Any] | None:
    """The JSON object an answer holds; None where it holds none."""
    if answer.kind not in ("application/json", "application/problem+json"):
        return None
    try:
        found = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def seconds_of(text: str | None) -> float | None:
    """A Retry-After in seconds; None for the form that is a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 6 else None
