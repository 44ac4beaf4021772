"""The hot path: a fetch whose answer is ready is answered from the bytes of its request, ahead of parser and framework.

Only what can be read in one way is taken here: one GET or HEAD, whole, with plain headers that are there once. All else,
and every refusal, goes the ordinary way, which decides alike: what is answered here is what it would have answered.
"""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final

from pinset.api.admissions import LOCAL, is_this_machine
from pinset.api.conditional import is_known
from pinset.api.doors import COMPAT, bearer
from pinset.api.observer import Asked
from pinset.api.prepared import encoding_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pinset.api.admissions import Admissions
    from pinset.api.limits import Limiter
    from pinset.api.observer import Observer
    from pinset.api.prepared import Encoding
    from pinset.api.ready import Ready

LONGEST: Final = 8192
"""Bytes of a request that is looked at."""
_REQUEST: Final = re.compile(
    rb"(GET|HEAD) (/(?:v1/bundles|compat)/[!-~]+) HTTP/1\.1\r\n"
    rb"((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n"
)
_POSTED: Final = re.compile(
    rb"POST (/compat/[!-~]+) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t -~]*\r\n)+)\r\n([\s\S]+)"
)
_LENGTH: Final = re.compile(rb"(?mi)^content-length:[\t ]*([0-9]{1,6})[\t ]*\r\n")
_JSON: Final = re.compile(rb"(?mi)^content-type:[\t ]*application/json(?:;[\t ]*charset=utf-8)?[\t ]*\r\n")
_TYPE: Final = re.compile(rb"(?mi)^content-type:")
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
_COMPAT: Final = COMPAT.encode()
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROCESS: Final = secrets.token_hex(8).encode()
_COUNTER: Final = count()


@dataclass(frozen=True, slots=True)
class Later:
    """What a request is answered that asks for an answer which is just being made anew. target: which one."""

    target: bytes


def posted_key(target: bytes, means: bytes) -> bytes:
    """By what the answer to a POST that reads is kept. means: what its body asks. No target of a GET has a space."""
    return b"%b %b" % (target, means)


class Hot:
    """The hot path of one process."""

    def __init__(self, ready: Ready, admissions: Admissions, observer: Observer, limiter: Limiter) -> None:
        self._ready, self._admissions, self._observer = ready, admissions, observer
        self._reads = limiter.reads
        self.posted: dict[bytes, Callable[[bytes], bytes | None]] = {}
        """Of a POST that reads, by the beginning of its target: what stands for all bodies that mean the same."""
        self._waiting: dict[bytes, list[Callable[[], None]]] = {}
        # A thread of its own: nothing that takes long may stand before it.
        self._thread = ThreadPoolExecutor(1, "pinset-ready")

    def answer(self, data: bytes, more: Callable[[], bytes], *, near: bool) -> tuple[bytes, ...] | Later | None:
        """The whole answer to a whole request, in pieces; None where it is to go the ordinary way.

        more: header lines that every answer has. near: both ends of the connection are this machine.
        """
        if len(data) > LONGEST:
            return None
        match = _REQUEST.fullmatch(data)
        found = self._posted(data) if match is None else (*match.groups()[:2], *match.groups()[1:])
        if found is None:
            return None
        began = self._observer.now()
        method, target, key, block = found
        prepared = self._ready.look(key)
        if prepared is None:
            return Later(key) if key in self._waiting or self._ready.was_ready(key) else None
        headers = _headers(block)
        actor = None if headers is None else self._actor(target, headers, prepared.places, near=near)
        if headers is None or actor is None:
            return None
        variant = prepared.variants.get(_encoding(headers.get(b"accept-encoding", b"")))
        if variant is None or self._reads.take(actor) is not None:
            return None  # the ordinary way says for how long it asks too often
        given = headers.get(b"if-none-match")
        head, body, status = variant.whole, variant.body, 200
        if given is not None and (given == variant.tag or is_known(given.decode("latin-1"), variant.tag.decode())):
            head, body, status = variant.unchanged, b"", 304
        asked = headers.get(b"x-request-id")
        request_id = asked if asked is not None and _REQUEST_ID.fullmatch(asked) else _new_id()
        self._observer.answered_ahead(
            prepared, method.decode(), headers, status, Asked(target, request_id, actor, began)
        )
        tail = b"x-request-id: %b\r\n\r\n" % request_id
        return (head, more(), tail) if method == b"HEAD" else (head, more(), tail, body)

    def wait(self, later: Later, loop: asyncio.AbstractEventLoop, go_on: Callable[[], None]) -> None:
        """Have an answer made anew, and go on then. However many wait for one, it is made once."""
        waiting = self._waiting.setdefault(later.target, [])
        waiting.append(go_on)
        if len(waiting) > 1:
            return
        try:
            made = loop.run_in_executor(self._thread, self._ready.renew, later.target)
        except RuntimeError:  # there is no thread to be had: the ordinary way says so, or has one
            loop.call_soon(self._go_on, later.target, loop)
        else:
            made.add_done_callback(lambda _made: self._go_on(later.target, loop))

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._thread.shutdown(wait=False)

    def _posted(self, data: bytes) -> tuple[bytes, bytes, bytes, bytes] | None:
        """Of a POST that reads, with its whole body: method, target, the key of its answer, and the other headers."""
        match = _POSTED.fullmatch(data)
        if match is None:
            return None
        target, block, body = match.groups()
        length = _LENGTH.findall(block)
        read = next((read for beginning, read in self.posted.items() if target.startswith(beginning)), None)
        if read is None or length != [b"%d" % len(body)]:
            return None
        if len(_TYPE.findall(block)) != 1 or _JSON.search(block) is None:
            return None
        means = read(body)
        return (
            None
            if means is None
            else (b"POST", target, posted_key(target, means), _JSON.sub(b"", _LENGTH.sub(b"", block)))
        )

    def _go_on(self, target: bytes, loop: asyncio.AbstractEventLoop) -> None:
        for go_on in self._waiting.pop(target):
            loop.call_soon(go_on)  # each by itself: what one meets is nothing to the others

    def _actor(
        self, target: bytes, headers: dict[bytes, bytes], places: list[tuple[str, str]], *, near: bool
    ) -> str | None:
        """Whom the ordinary way would let read a bundle's alias, as far as that is known here."""
        authorization = headers.get(b"authorization")
        if target.startswith(_COMPAT):
            authorization = bearer(authorization, headers.get(b"x-api-key"))
        if authorization is not None:
            known = self._admissions.of(authorization.decode("latin-1"))
            return known.identity.actor if known is not None and any(map(known.may_read, places)) else None
        return LOCAL.actor if near and is_this_machine(headers[b"host"]) and self._admissions.are_open() else None


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
