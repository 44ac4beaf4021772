"""What a registry in memory tells: its moves, to each client that listens, at once."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.client.source import Event
    from pinset.errors import PinsetError


class FakeStream:
    """Implements `pinset.client.source.Stream`. first: the event that it begins with."""

    def __init__(self, bundles: frozenset[str], first: Event) -> None:
        self.retry: float | None = 0.0
        """Nobody has to wait for a test."""
        self.over = False
        """Whether nothing more is told."""
        self._bundles = bundles
        self._events: SimpleQueue[Event | PinsetError | None] = SimpleQueue()
        self._events.put(first)

    def __iter__(self) -> Iterator[Event]:
        """The events as they happen. Raises what the registry fails with from then on."""
        while (told := self._events.get()) is not None:
            if isinstance(told, Exception):
                raise told
            yield told

    def tell(self, event: Event) -> None:
        """An event happened; only those of its bundles are told."""
        if not self._bundles or event["data"]["bundle"] in self._bundles:
            self._events.put(event)

    def fail(self, error: PinsetError) -> None:
        """End it as an outage does."""
        self.over = True
        self._events.put(error)

    def close(self) -> None:
        """End it."""
        self.over = True
        self._events.put(None)

    def forked(self) -> None:
        """In a copy of the process: nobody iterates here."""
