"""Who was let in, for as long as that holds: so that not every fetch reads the tokens.

What is kept is good for seconds and only while the tokens' mark stays: a token that is revoked, by whomever, is
refused from the next request on.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.api.origin import is_local_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.ports.catalog import Mark
    from pinset.ports.state import Scope, TokenRow
    from pinset.services.local import LocalRegistry

LOCAL: Final = "local"
"""The actor of a request without credential, on a registry without tokens."""
SECONDS: Final = 10.0
"""How long a token is taken without a look at it: less than a note of its last use waits."""
_MOST: Final = 10_000
_LONGEST: Final = 128
"""Characters of a header that is kept: spaces may make it as long as a head is."""


class Admitted(NamedTuple):
    """Who asks and what they may; until: by the monotonic clock."""

    actor: str
    scope: Scope
    until: float


class Admissions:
    """The tokens of one registry that were taken lately, by the text of their header.

    now: seconds of a clock that only rises. wall: microseconds since 1970, for what expires.
    """

    def __init__(
        self,
        registry: LocalRegistry,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._registry, self._now, self._wall = registry, now, wall
        self._mark: Mark | None = None
        self._taken: dict[str, Admitted] = {}
        self._open = False

    def of(self, authorization: str) -> Admitted | None:
        """Who sends a header, where that is known; else the token is to be read."""
        found = self._taken.get(authorization)
        if found is None or found.until < self._now() or not self._holds():
            return None
        return found

    def are_open(self) -> bool:
        """Whether it is known that there is no token, so that this machine needs none."""
        return self._open and self._holds()

    def take(self, authorization: str, row: TokenRow, mark: Mark | None) -> None:
        """Note a token that was read. mark: the tokens' before that."""
        self._begin(mark)
        if len(authorization) > _LONGEST:
            return
        if len(self._taken) >= _MOST:
            self._taken.clear()
        left = SECONDS if row.expires_at is None else min(SECONDS, (row.expires_at - self._wall()) / 1_000_000)
        self._taken[authorization] = Admitted(row.name, row.scope, self._now() + left)

    def note_open(self, mark: Mark | None) -> None:
        """Note that there was no token. mark: the tokens' before that was looked up."""
        self._begin(mark)
        self._open = True

    def _begin(self, mark: Mark | None) -> None:
        if mark != self._mark:
            self._taken, self._open, self._mark = {}, False, mark

    def _holds(self) -> bool:
        mark = self._registry.tokens_mark()
        return mark is not None and mark == self._mark


@lru_cache(maxsize=64)
def is_this_machine(host: bytes) -> bool:
    """Whether a Host header names this machine."""
    return is_local_name(host.decode("latin-1"))
