"""The server's figures: counted in each process, by the thread of its event loop, so that no lock is needed."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from starlette.types import Scope

UNMATCHED: Final = "unmatched"
"""The route of a request that none took: what a client invents must not become a label."""
BUCKETS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds in seconds, for answers from memory as for those that compare and prove."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_RELEASES: Final = 10_000
"""Releases by alias whose fetches are told apart in a process."""

Fetched: TypeAlias = tuple[str, str, int]
"""What was fetched: a bundle, the alias it was fetched through ('' for none), a version. All three exist."""
REST: Final[Fetched] = ("", "", 0)
"""Fetches beyond so many different ones."""


class Durations:
    """A histogram. counts: of each bucket, and of what took longer than the last."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Answers(NamedTuple):
    """One moment of `Requests`: answers by method, route and status; histograms by route."""

    counts: dict[tuple[str, str, int], int]
    durations: dict[str, tuple[list[int], float]]


class Requests:
    """Counts answers of this process by method, route and status, and how long they took by route."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._durations: dict[str, Durations] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One more answer, and how long it took to begin."""
        key = (method if method in _METHODS else "other", route, status)
        self._counts[key] = self._counts.get(key, 0) + 1
        self.durations(route).add(seconds)

    def durations(self, route: str) -> Durations:
        """The histogram of a route: who answers it often keeps this, and looks for it once."""
        found = self._durations.get(route)
        if found is None:
            found = self._durations[route] = Durations()
        return found

    def now(self) -> Answers:
        """What is counted so far."""
        times = self._durations.copy()
        return Answers(self._counts.copy(), {route: (one.counts.copy(), one.total) for route, one in times.items()})


class Fetches:
    """Counts releases that clients fetched, or were told that they have already."""

    def __init__(self) -> None:
        self._counts: dict[Fetched, int] = {}

    def count(self, fetched: Fetched) -> None:
        """One more."""
        try:
            self._counts[fetched] += 1
        except KeyError:
            key = fetched if len(self._counts) < _RELEASES else REST
            self._counts[key] = self._counts.get(key, 0) + 1

    def now(self) -> dict[Fetched, int]:
        """What is counted so far."""
        return self._counts.copy()


def template_of(scope: Scope) -> str:
    """The path template of the route that took a request."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
