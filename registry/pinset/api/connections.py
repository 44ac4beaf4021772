"""How many connections a process holds, in all and of one address, and what is said to those that are too many."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, Final

from pinset.api.problems import of_error
from pinset.errors import Busy, RateLimited

if TYPE_CHECKING:
    from pinset.api.limits import Limiter
    from pinset.config import Limits
    from pinset.errors import PinsetError

LINGER_SECONDS: Final = 1.0
"""How long a connection that is refused is kept so that its client can read why."""
_LINGERING: Final = 64
"""How many are kept so at a time; the rest is cut off."""
_FILES: Final = 64
"""Open files that are left for the registry itself."""


class Connections:
    """The connections of one process. It holds no more than there can be files open, whatever the limits are."""

    def __init__(self, limiter: Limiter, limits: Limits) -> None:
        self._limiter = limiter
        self._most, self._most_of_one = _within_files(limits.connections), limits.connections_per_address
        self._here = self._lingering = 0
        self._of: dict[str, int] = {}

    @property
    def here(self) -> int:
        """How many there are."""
        return self._here

    def enter(self, client: tuple[str, int | None] | None) -> bytes | None:
        """Take a connection: None, and `leave` when it ends. Else the answer that it is refused with."""
        address = self._limiter.address_of(client)
        if self._here >= self._most:
            self._limiter.counts["connections"] += 1
            return _answer(Busy("the server has as many connections as it takes", hint="connect again in a second"))
        if address is not None and 0 < self._most_of_one <= self._of.get(address, 0):
            self._limiter.counts["connections"] += 1
            hint = "use fewer connections, and keep them open"
            return _answer(
                RateLimited("this address has as many connections as it may", hint=hint, details={"retry_after": 1})
            )
        self._here += 1
        if address is not None:
            self._of[address] = self._of.get(address, 0) + 1
        return None

    def leave(self, client: tuple[str, int | None] | None) -> None:
        """A connection that was taken has ended."""
        self._here -= 1
        address = self._limiter.address_of(client)
        if address is not None:
            left = self._of.pop(address, 1) - 1
            if left:
                self._of[address] = left

    def linger(self) -> bool:
        """Whether one more that is refused may stay for a moment; `let_go` ends that."""
        if self._lingering >= _LINGERING:
            return False
        self._lingering += 1
        return True

    def let_go(self) -> None:
        """One that lingered is gone."""
        self._lingering -= 1


def _within_files(most: int) -> int:
    """No more than there can be files open, or the one too many would be met by nobody."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return most or 2**62
    room = max(1, soft - _FILES)
    return min(most, room) if most else room


def _answer(error: PinsetError) -> bytes:
    """A whole answer, after which the connection ends."""
    found = of_error(error, "")
    lines = [
        b"HTTP/1.1 %d %s"
        % (found.status_code, b"Service Unavailable" if found.status_code == 503 else b"Too Many Requests")
    ]
    lines += [b"%b: %b" % line for line in found.raw_headers]
    return b"\r\n".join([*lines, b"connection: close", b"", bytes(found.body)])
