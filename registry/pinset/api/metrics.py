"""The server's figures, as Prometheus reads them."""

from __future__ import annotations

import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

    from pinset.domain.answers import RegistryAnswer
    from pinset.ports.scrubs import Scrub

MEDIA_TYPE: Final = "text/plain; version=0.0.4"
UNMATCHED: Final = "unmatched"
"""The route of a request that none took: what a client invents must not become a label."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})


class Requests:
    """Counts answers of this process by method, route and status."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def count(self, method: str, route: str, status: int) -> None:
        """One more answer."""
        with self._lock:
            self._counts[method if method in _METHODS else "other", route, status] += 1

    def text(self, registry: RegistryAnswer, scrub: Scrub | None) -> str:
        """Everything counted, and the registry's serial and newest scrub. Each worker process counts for itself, and says which."""
        with self._lock:
            counts = sorted(self._counts.items())
        name = f'registry="{registry["id"]}",epoch="{registry["epoch"]}"'
        lines = [
            "# HELP pinset_serial The newest visible write.",
            "# TYPE pinset_serial gauge",
            f"pinset_serial{{{name}}} {registry['serial']}",
            *_scrubbed(scrub, name),
            "# HELP pinset_requests_total Answers by method, route and status.",
            "# TYPE pinset_requests_total counter",
        ]
        for (method, route, status), number in counts:
            labels = f'worker="{os.getpid()}",method="{method}",route="{route}",status="{status}"'
            lines.append(f"pinset_requests_total{{{labels}}} {number}")
        return "\n".join(lines) + "\n"


def _scrubbed(scrub: Scrub | None, name: str) -> list[str]:
    """Nothing before the first scrub has ended: 0 would say that all is well, or that it was in 1970."""
    if scrub is None:
        return []
    lines = [
        "# HELP pinset_scrub_problems What the newest scrub found wrong, 100 at most.",
        "# TYPE pinset_scrub_problems gauge",
        f"pinset_scrub_problems{{{name}}} {scrub.problems}",
    ]
    if scrub.sound_at is not None:
        lines += [
            "# HELP pinset_scrub_last_success_timestamp_seconds When a scrub last found nothing wrong, in seconds since 1970.",
            "# TYPE pinset_scrub_last_success_timestamp_seconds gauge",
            f"pinset_scrub_last_success_timestamp_seconds{{{name}}} {scrub.sound_at // 1_000_000}",
        ]
    return lines


def template_of(scope: Scope) -> str:
    """The path template of the route that took a request."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
