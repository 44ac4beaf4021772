"""How often each may ask: token buckets, of reads and writes by credential, and of failures by address.

One process counts for itself, in the thread of its event loop, so that no lock is needed. A bucket that is full again
says nothing, and is forgotten where there are many.
"""

from __future__ import annotations

import ipaddress
import math
import time
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pinset.api import doors
from pinset.api.admissions import LOCAL
from pinset.config import NO_LIMIT, Limits
from pinset.domain.globs import fits
from pinset.errors import RateLimited

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from pinset.config import Rate

MOST: Final = 10_000
"""Buckets of one kind."""
_GOOD: Final = 10_000
"""Credentials that were good, by their digest: who had one is let try whatever others do from the same address."""
_LOOKING: Final = frozenset({"/v1/check", "/v1/diff", "/v1/resolve", "/v1/verify"})
"""What is sent with POST and changes nothing."""
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class _Bucket:
    __slots__ = ("at", "burst", "left", "rate")

    def __init__(self, rate: Rate, at: float) -> None:
        self.rate, self.burst = rate
        self.left, self.at = self.burst, at


class Buckets:
    """Token buckets by key. rate_of: what each key may. now: seconds of a clock that only rises."""

    def __init__(self, rate_of: Callable[[str], Rate], now: Callable[[], float]) -> None:
        self._rate_of, self._now = rate_of, now
        self._held: dict[str, _Bucket | None] = {}

    def take(self, key: str, count: int = 1) -> float | None:
        """Take from a bucket that has at least one left: None. Else the seconds until it has, and nothing is taken."""
        try:
            bucket = self._held[key]
        except KeyError:
            bucket = self._begin(key)
        if bucket is None:
            return None
        now = self._now()
        left = min(bucket.burst, bucket.left + (now - bucket.at) * bucket.rate)
        bucket.at = now
        if left >= 1.0:
            bucket.left = left - count
            return None
        bucket.left = left
        return (1.0 - left) / bucket.rate

    def _begin(self, key: str) -> _Bucket | None:
        if len(self._held) >= MOST:
            self._forget()
        rate = self._rate_of(key)
        made = self._held[key] = _Bucket(rate, self._now()) if rate.per_second > 0 else None
        return made

    def _forget(self) -> None:
        """Forget what is full by now, and where that is too little, half of the rest: those that asked first."""
        now = self._now()
        used = {
            key: bucket
            for key, bucket in self._held.items()
            if bucket is not None and bucket.left + (now - bucket.at) * bucket.rate < bucket.burst
        }
        self._held = dict(list(used.items())[-MOST // 2 :])


class Limiter:
    """What one process allows. counts: how often it refused, by the limit."""

    def __init__(self, limits: Limits | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits or Limits()
        self.reads = Buckets(lambda key: self._rate(key, write=False), now)
        self._writes = Buckets(lambda key: self._rate(key, write=True), now)
        self._failures = Buckets(lambda _: self._limits.failures, now)
        self._good: dict[bytes, None] = {}
        self._proxies = frozenset(map(ipaddress.ip_network, self._limits.proxies))
        self.counts: dict[str, int] = dict.fromkeys(("reads", "writes", "failures", "connections"), 0)

    def allow(self, key: str, *, write: bool) -> float | None:
        """Whether a credential may ask once more: None. Else the seconds until it may. key: its actor."""
        return (self._writes if write else self.reads).take(key)

    def check(self, key: str, *, write: bool) -> None:
        """Raises RateLimited where a credential asks too often."""
        wait = self.allow(key, write=write)
        if wait is not None:
            what = "writes" if write else "reads"
            raise self._refused(what, f"this credential has sent more {what} than it may", wait)

    def check_guess(self, client: tuple[str, int | None] | None, authorization: str | None) -> None:
        """Raises RateLimited for a credential that was not good before, from where too many came that were not."""
        address = self.address_of(client)
        wait = None if address is None else self._failures.take(address, 0)
        if wait is not None and (authorization is None or _digest(authorization) not in self._good):
            raise self._refused("failures", "too many requests without a valid credential came from there", wait)

    def note_guess(self, client: tuple[str, int | None] | None, authorization: str | None, *, good: bool) -> None:
        """Note how a credential was found to be."""
        if good:
            if authorization is not None and (digest := _digest(authorization)) not in self._good:
                if len(self._good) >= _GOOD:
                    self._good.clear()
                self._good[digest] = None
            return
        if authorization is not None:
            self._good.pop(_digest(authorization), None)
        address = self.address_of(client)
        if address is not None:
            self._failures.take(address)

    def address_of(self, client: tuple[str, int | None] | None) -> str | None:
        """Whom an address counts for; None for this machine and for proxies, which stand for many."""
        address, network = (None, None) if client is None else _network_of(client[0])
        return None if address is not None and any(address in proxy for proxy in self._proxies) else network

    def _rate(self, key: str, *, write: bool) -> Rate:
        """The first override that fits counts. Who needs no credential could write to the directory as well."""
        for override in self._limits.tokens:
            if fits(override.name, key):
                return override.writes if write else override.reads
        if key == LOCAL.actor:
            return NO_LIMIT
        return self._limits.writes if write else self._limits.reads

    def _refused(self, limit: str, message: str, wait: float) -> RateLimited:
        self.counts[limit] += 1
        seconds = max(1, math.ceil(wait))
        return RateLimited(message, hint=f"wait {seconds} s, then send it again", details={"retry_after": seconds})


def is_write(scope: Scope) -> bool:
    """Whether a request may change something."""
    return scope["method"] not in _READING and scope["path"] not in _LOOKING and not scope.get(doors.READS)


@lru_cache(maxsize=4096)
def _network_of(host: str) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address | None, str | None]:
    """An address, and as what it counts: of IPv6 the /64, of which one machine has all; None for this machine."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None, host[:64]
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    address = inner or address
    if address.is_loopback:
        return address, None
    bits = 32 if address.version == 4 else 64
    return address, str(ipaddress.ip_network((address, bits), strict=False))


def _digest(authorization: str) -> bytes:
    return sha256(authorization.encode("latin-1", "replace")).digest()
