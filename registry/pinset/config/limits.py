"""``[limits]``: how much one process of a server takes, of whom, and for how long."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.config.toml import Path, Reader

_SECONDS_OF_BURST: Final = 10
"""A burst that nobody set is what the rate gives in so many seconds."""
_FASTEST: Final = 1_000_000
_PATTERN: Final = re.compile(r"[!-~]{1,200}")
_BYTES: Final = 64 * 1024 * 1024


class Rate(NamedTuple):
    """Requests a second for ever, and how many at once before that. per_second: 0 for as many as there are."""

    per_second: float
    burst: float


NO_LIMIT: Final = Rate(0, 0)
WRITES: Final = Rate(50, 500)
FAILURES: Final = Rate(5, 100)


class Override(NamedTuple):
    """Rates for the credentials whose name fits a pattern."""

    name: str
    reads: Rate
    writes: Rate


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one process. Times in seconds, sizes in bytes; for what each means see ``registry/docs/limits.md``.

    reads, writes: for each credential. failures: requests without a valid credential, for each address. tokens: other
    rates by name, of which the first that fits counts. connections: 0 for as many as there are, in all and of one
    address. proxies: addresses that are believed when they say whose request they pass on, and have no limit themselves.
    """

    reads: Rate = NO_LIMIT
    writes: Rate = WRITES
    failures: Rate = FAILURES
    tokens: tuple[Override, ...] = ()
    connections: int = 20_000
    connections_per_address: int = 10_000
    proxies: tuple[str, ...] = ()
    body_bytes: int = 1024 * 1024
    files_bytes: int = 24 * 1024 * 1024
    head_seconds: float = 30.0
    body_seconds: float = 60.0
    stall_seconds: float = 30.0
    at_once: int = max(2, os.cpu_count() or 1)
    streams: int = 10_000


_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "connections": (0, 10_000_000),
    "connections_per_address": (0, 10_000_000),
    "body_bytes": (1024, _BYTES),
    "files_bytes": (1024, _BYTES),
    "head_seconds": (1, 3600),
    "body_seconds": (1, 3600),
    "stall_seconds": (1, 3600),
    "at_once": (1, 1000),
    "streams": (0, 10_000_000),
}
_RATES: Final = ("reads", "writes", "failures")
_OF_TOKENS: Final = ("reads", "writes")


def read_limits(reader: Reader, value: Any, path: Path) -> Limits:
    """The limits that a table sets; all others as they are by default."""
    table = reader.table(value, path, [*_rate_keys(_RATES), *_RANGES, "tokens", "proxies"])
    reads, writes, failures = (
        _rate(reader, table, name, path, usual)
        for name, usual in (("reads", NO_LIMIT), ("writes", WRITES), ("failures", FAILURES))
    )
    tokens = [_override(reader, one, place, reads, writes) for one, place in reader.tables(table, "tokens", path)]
    usual = Limits()
    numbers: dict[str, Any] = {
        key: reader.number(table, key, path, default=getattr(usual, key), least=least, most=most)
        for key, (least, most) in _RANGES.items()
    }
    return Limits(
        reads=reads,
        writes=writes,
        failures=failures,
        tokens=tuple(one for one in tokens if one is not None),
        proxies=_proxies(reader, table, path),
        **numbers,
    )


def _override(reader: Reader, value: Any, path: Path, reads: Rate, writes: Rate) -> Override | None:
    table = reader.table(value, path, ["name", *_rate_keys(_OF_TOKENS)])
    name = reader.text(table, "name", path, example='"ci-*"', required=isinstance(value, dict))
    rates = [_rate(reader, table, what, path, usual) for what, usual in (("reads", reads), ("writes", writes))]
    if name and not _PATTERN.fullmatch(name):
        message = "the name of a token, or of whom an issuer names, has no spaces and only ASCII characters"
        reader.note("bad-value", (*path, "name"), message, 'write name = "ci-*", with * for anything')
        return None
    if name and not set(_rate_keys(_OF_TOKENS)) & table.keys():
        reader.note("missing-key", path, f"limits.tokens {name} sets nothing", "add a line: writes_per_second = 5")
    return Override(name, *rates) if name else None


def _rate(reader: Reader, table: Mapping[str, Any], name: str, path: Path, usual: Rate) -> Rate:
    """The rate that two keys set. A rate without a burst has one of its own."""
    per_second, burst = f"{name}_per_second", f"{name}_burst"
    rate = reader.number(table, per_second, path, default=float(usual.per_second), least=0, most=_FASTEST)
    own = max(1.0, _SECONDS_OF_BURST * rate) if per_second in table else float(usual.burst)
    if burst not in table:
        return Rate(rate, own)
    if not rate:
        reader.note(
            "bad-value",
            (*path, burst),
            f"{burst} has no meaning without {per_second}",
            f"add a line: {per_second} = 50",
        )
        return usual
    return Rate(rate, reader.number(table, burst, path, default=own or 1.0, least=1, most=10 * _FASTEST))


def _rate_keys(rates: tuple[str, ...]) -> list[str]:
    return [f"{name}_{what}" for name in rates for what in ("per_second", "burst")]


def _proxies(reader: Reader, table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    import ipaddress  # noqa: PLC0415 - few files name a proxy

    found = reader.texts(table, "proxies", path, example='["10.0.0.2"]') or ()
    for one in found:
        try:
            ipaddress.ip_network(one)
        except ValueError:
            message = f"limits.proxies holds {one!a}, which is no address and no network"
            reader.note("bad-value", (*path, "proxies"), message, 'write proxies = ["10.0.0.2", "10.1.0.0/16"]')
    return found
