"""The hot path: a fetch whose answer is ready is answered from the bytes of its request, ahead of parser and framework.

Only what can be read in one way is taken here: one GET or HEAD, whole, with plain headers that are there once. All else,
and every refusal, goes the ordinary way, which decides alike: what is answered here is what it would have answered.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

from pinset.api.admissions import is_this_machine
from pinset.api.ready import encoding_of, is_known

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.admissions import Admissions
    from pinset.api.metrics import Requests
    from pinset.api.ready import Encoding, Ready

LONGEST: Final = 8192
"""Bytes of a request that is looked at."""
_REQUEST: Final = re.compile(
    rb"(GET|HEAD) (/v1/bundles/[!-~]+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n"
)
_NOT_HERE: Final = frozenset(
    {
        b"connection",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"if-match",
        b"origin",
        b"sec-fetch-site",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"x-forwarded-for",
        b"x-forwarded-proto",
    }
)
"""Headers that make a request one for the ordinary way; ``Connection: keep-alive`` alone says nothing."""
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS: Final = secrets.token_hex(8).encode()
_COUNTER: Final = count()


@dataclass(slots=True)
class Hot:
    """What the hot path needs. near: see `answer`."""

    ready: Ready
    admissions: Admissions
    requests: Requests

    def answer(self, data: bytes, more: Callable[[], bytes], *, near: bool) -> tuple[bytes, ...] | None:
        """The whole answer to a whole request, in pieces; None where it is to go the ordinary way.

        more: header lines that every answer has. near: both ends of the connection are this machine.
        """
        if len(data) > LONGEST:
            return None
        match = _REQUEST.fullmatch(data)
        if match is None:
            return None
        method, target, block = match.groups()
        prepared = self.ready.look(target)
        if prepared is None:
            return None
        headers = _headers(block)
        if headers is None or not self._admits(headers, near=near):
            return None
        variant = prepared.variants.get(_encoding(headers.get(b"accept-encoding", b"")))
        if variant is None:
            return None
        given = headers.get(b"if-none-match")
        head, body, status = variant.whole, variant.body, 200
        if given is not None and (given == variant.tag or is_known(given.decode("latin-1"), variant.tag.decode())):
            head, body, status = variant.unchanged, b"", 304
        self.requests.count(method.decode(), prepared.route, status)
        asked = headers.get(b"x-request-id")
        request_id = asked if asked is not None and _REQUEST_ID.fullmatch(asked) else _new_id()
        tail = b"x-request-id: %b\r\n\r\n" % request_id
        return (head, more(), tail, body) if method == b"GET" else (head, more(), tail)

    def _admits(self, headers: dict[bytes, bytes], *, near: bool) -> bool:
        """Whether the ordinary way would let this request read, as far as that is known here."""
        authorization = headers.get(b"authorization")
        if authorization is not None:
            # Whoever was let in may read: every scope includes that.
            return self.admissions.of(authorization.decode("latin-1")) is not None
        return near and is_this_machine(headers[b"host"]) and self.admissions.are_open()


def _headers(block: bytes) -> dict[bytes, bytes] | None:
    """Headers by their names in small letters; None where one is there twice, none is Host, or one changes what is meant."""
    lines = block[:-2].split(b"\r\n")
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        found[name.lower()] = value.strip(b" \t")
    once = len(found) == len(lines)
    if found.get(b"connection", b"").lower() == b"keep-alive":
        del found[b"connection"]
    return found if once and b"host" in found and found.keys().isdisjoint(_NOT_HERE) else None


def _new_id() -> bytes:
    """A request's id: the process, and its count."""
    return b"%b%016x" % (_PROCESS, next(_COUNTER))


@lru_cache(maxsize=256)
def _encoding(accepted: bytes) -> Encoding:
    return encoding_of(accepted.decode("latin-1"))
