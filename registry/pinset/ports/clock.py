"""The clock: the only source of times."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Wall-clock time."""

    def now(self) -> int:
        """Microseconds since 1970, UTC. May jump either way; callers make their times rise themselves."""
