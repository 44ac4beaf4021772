"""Who is let in, asked of one place: by every request, by streams as they go on, and by writes that had to wait.

What was found is kept, so that not every fetch reads the tokens. It is good for seconds and only while the tokens'
mark stays: a token that is revoked, by whomever, is refused from the next request on.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool

from pinset.api.doors import TICKET
from pinset.api.origin import is_local_name
from pinset.auth.identity import Identity
from pinset.domain.access import EVERYTHING, Grant, Verb, may
from pinset.errors import PinsetError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.catalog import Mark
    from pinset.services.local import LocalRegistry

LOCAL: Final = Identity("local", "", "local", EVERYTHING)
"""Who asks without a credential, on a registry without tokens."""
ANONYMOUS: Final = Identity("anonymous", "", "anonymous", (Grant("read"),))
"""Who asks for what is open to everybody."""
SECONDS: Final = 10.0
"""How long a credential is taken without a look at it: less than a note of its last use waits."""
PREFIX: Final = "pst_"
"""What our own tokens begin with."""
_MOST: Final = 10_000
_LONGEST: Final = 128
"""Characters of a header that is kept as it is; of a longer one its SHA-256, for it may be as long as a head."""
_AT_ONCE: Final = 8
"""Credentials of others that are looked at at the same time."""
_PLACES: Final = 1000
"""Answers that are remembered of what one credential may read."""


class Admitted(NamedTuple):
    """Who asks; until: by the monotonic clock. reads: what was found of what they may read, by bundle and alias."""

    identity: Identity
    until: float
    reads: dict[tuple[str, str], bool]

    def may_read(self, place: tuple[str, str]) -> bool:
        """Whether they may read a bundle's alias; '' for any of its releases."""
        known = self.reads.get(place)
        if known is None:
            if len(self.reads) >= _PLACES:
                self.reads.clear()
            known = self.reads[place] = may(self.identity.grants, Verb.READ, *place)
        return known


class Admissions:
    """The credentials of one registry that were taken lately, by the text of their header.

    others: whose a bearer is that is none of our tokens; raises Unauthenticated. With it nobody is let in without a
    credential, and so it is with closed. It runs in a thread, and its answer is kept for seconds, at most until it expires. now: seconds of a
    clock that only rises. wall: microseconds since 1970, for what expires.
    """

    def __init__(
        self,
        registry: LocalRegistry,
        others: Callable[[str], Identity] | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
        *,
        closed: bool = False,
    ) -> None:
        self._registry, self._others, self._now, self._wall = registry, others, now, wall
        self._closed = closed or others is not None
        self._mark: Mark | None = None
        self._taken: dict[str | bytes, Admitted] = {}
        self._open = False
        self._looking = asyncio.Lock()
        self._failed: PinsetError | None = None
        # Who has to wait for an issuer takes no thread from the rest.
        self._apart = CapacityLimiter(_AT_ONCE)

    def of(self, authorization: str) -> Admitted | None:
        """Who sends a header, where that is known; else the credential is to be read."""
        found = self._taken.get(authorization if len(authorization) <= _LONGEST else _key(authorization))
        if found is None or found.until < self._now() or not self._holds():
            return None
        return found

    def are_open(self) -> bool:
        """Whether it is known that there is no token, so that this machine needs none."""
        return self._open and self._holds()

    async def identify(self, authorization: str | None) -> Identity:
        """Who sends a header; None: who sends none. Raises Unauthenticated, and what reading the tokens raises."""
        if authorization is None:
            await self._need_none()
            return LOCAL
        known = self.of(authorization)
        if known is not None:
            return known.identity
        mark = self._registry.tokens_mark()
        if self._is_other(authorization):
            identity = await to_thread.run_sync(self._read, authorization, limiter=self._apart)
        else:
            identity = await run_in_threadpool(self._read, authorization)
        self.take(authorization, identity, mark)
        return identity

    def confirm(self, authorization: str | None) -> None:
        """Raises Unauthenticated where a header is no longer good; what was kept does not count. For any thread."""
        if authorization is not None:
            self._read(authorization)
        elif self._is_closed():
            raise _needed()

    def take(self, authorization: str, identity: Identity, mark: Mark | None) -> None:
        """Note a credential that was read. mark: the tokens' before that."""
        self._begin(mark)
        if len(self._taken) >= _MOST:
            self._taken.clear()
        until = identity.expires_at
        left = SECONDS if until is None else min(SECONDS, (until - self._wall()) / 1_000_000)
        self._taken[_key(authorization)] = Admitted(identity, self._now() + left, {})

    def note_open(self, mark: Mark | None) -> None:
        """Note that there was no token. mark: the tokens' before that was looked up."""
        self._begin(mark)
        self._open = True

    def _read(self, authorization: str) -> Identity:
        if authorization.startswith(TICKET):
            return self._registry.admit_ticket(authorization.removeprefix(TICKET))
        kind, _, text = authorization.partition(" ")
        text = text.strip()
        if kind.lower() != "bearer":
            raise Unauthenticated("only bearer tokens are taken", hint="send Authorization: Bearer pst_…")
        if self._others is not None and not text.startswith(PREFIX):
            return self._others(text)
        return self._registry.authenticate(text)

    def _is_other(self, authorization: str) -> bool:
        """Whether it is for others to say whose a header is."""
        ours = authorization.startswith(TICKET) or authorization.partition(" ")[2].lstrip().startswith(PREFIX)
        return self._others is not None and not ours

    async def _need_none(self) -> None:
        """Raises Unauthenticated where a credential is needed. Of many who ask at once one looks.

        A look that failed may have taken long, so it counts for all who waited for it.
        """
        if self.are_open():
            return
        before = self._failed
        async with self._looking:
            if self.are_open():
                return
            failed = self._failed
            if failed is not None and failed is not before:
                raise type(failed)(failed.message, hint=failed.hint)
            mark = self._registry.tokens_mark()
            try:
                closed = await run_in_threadpool(self._is_closed)
            except PinsetError as error:
                self._failed = type(error)(error.message, hint=error.hint)
                raise
            if closed:
                raise _needed()
            self.note_open(mark)

    def _is_closed(self) -> bool:
        return self._closed or self._registry.has_tokens()

    def _begin(self, mark: Mark | None) -> None:
        if mark != self._mark:
            self._taken, self._open, self._mark = {}, False, mark

    def _holds(self) -> bool:
        mark = self._registry.tokens_mark()
        return mark is not None and mark == self._mark


def _key(authorization: str) -> str | bytes:
    """A header as it is kept."""
    return authorization if len(authorization) <= _LONGEST else hashlib.sha256(authorization.encode()).digest()


def _needed() -> Unauthenticated:
    return Unauthenticated("a token is needed", hint="send Authorization: Bearer pst_…")


@lru_cache(maxsize=64)
def is_this_machine(host: bytes) -> bool:
    """Whether a Host header names this machine."""
    return is_local_name(host.decode("latin-1"))
