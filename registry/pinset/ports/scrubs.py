"""Scrubs: what the newest walk through the whole registry found, and whose turn the next one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrub:
    """One scrub that came to its end. Times in microseconds since 1970.

    problems: how many it found; there may be more than are said. sound_at: when a scrub last found none.
    """

    ended_at: int
    problems: int
    sound_at: int | None


class Scrubs(Protocol):
    """The record of the scrubs of one registry, shared by all processes that serve it."""

    def turn(self) -> AbstractContextManager[bool]:
        """Whether it is ours to scrub while this is held: never two at once. It falls with the process. Never waits."""

    def last(self) -> Scrub | None:
        """The newest that ended; None where there is none that can be read."""

    def keep(self, scrub: Scrub) -> None:
        """Remember it for all processes, whole or not at all. Raises ReadOnly."""
