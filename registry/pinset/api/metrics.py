"""The server's figures, as Prometheus reads them."""

from __future__ import annotations

import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Scope

    from pinset.domain.answers import RegistryAnswer

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

    def text(self, registry: RegistryAnswer) -> str:
        """Everything counted, and the registry's serial. Each worker process counts for itself, and says which."""
        with self._lock:
            counts = sorted(self._counts.items())
        name = f'registry="{registry["id"]}",epoch="{registry["epoch"]}"'
        lines = [
            "# HELP pinset_serial The newest visible write.",
            "# TYPE pinset_serial gauge",
            f"pinset_serial{{{name}}} {registry['serial']}",
            "# HELP pinset_requests_total Answers by method, route and status.",
            "# TYPE pinset_requests_total counter",
        ]
        for (method, route, status), number in counts:
            labels = f'worker="{os.getpid()}",method="{method}",route="{route}",status="{status}"'
            lines.append(f"pinset_requests_total{{{labels}}} {number}")
        return "\n".join(lines) + "\n"


def template_of(scope: Scope) -> str:
    """The path template of the route that took a request."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
