"""Following a registry elsewhere: a stream that goes on where it was when the connection breaks."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pinset.client.requests import path_of
from pinset.client.sse import blocks
from pinset.errors import PinsetError, RateLimited, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.client.http import Http
    from pinset.client.requests import Query
    from pinset.client.sse import Block
    from pinset.domain.answers.events import EventAnswer
    from pinset.domain.following import Wanted

SILENCE_SECONDS: Final = 45.0
"""Three beats: a stream that is silent for so long is broken."""
PAUSE_SECONDS: Final = 2.0
LONGEST_PAUSE: Final = 60.0
"""Before the first and before any later try to get back, at most; each is chosen by chance below."""
LONGEST_WAIT: Final = 3600.0
"""Seconds that a server may be asked to wait; for more it is asked again."""
_KNOWN: Final = frozenset(
    {"ready", "reset", "move", "release", "yank", "purge", "result", "request", "decision", "bundle"}
)
_EARLY: Final = 1.0
"""Seconds by which a server's clock may run ahead of ours."""


@dataclass(slots=True)
class _Place:
    """Where a stream is.

    after: the serial to go on from. until: when it ends for want of events. asked: how long the server was told to wait.
    """

    after: int | None
    wait: float | None
    until: float | None = None
    registry: tuple[str, int] | None = None
    failures: int = 0
    lost: bool = False
    asked: float | None = None

    def rest(self) -> None:
        """An event came: the wait begins anew."""
        self.until = None if self.wait is None else time.monotonic() + self.wait

    def left(self) -> float | None:
        """Seconds until it ends, None for never."""
        return None if self.until is None else max(self.until - time.monotonic(), 0.0)

    def pause(self, error: PinsetError) -> float:
        """Seconds before the next try: all clients lost the same server at once, and must not come back at once."""
        longest = min(LONGEST_PAUSE, PAUSE_SECONDS * 2.0 ** min(self.failures, 10))
        asked = error.details.get("retry_after")
        return random.uniform(0, longest) + (asked if isinstance(asked, int | float) else 0)  # noqa: S311 - as above


def follow(
    http: Http, wanted: Wanted, *, after: int | None, wait: float | None, sleep: Callable[[float], None]
) -> Iterator[EventAnswer]:
    """See `ports.registry.Registry.events`. Ends when ``http`` is closed."""
    place, joined = _Place(after, wait), False
    place.rest()
    while not http.is_closed():
        error: PinsetError | None = None
        try:
            for event in _connected(http, wanted, place):
                yield event
                joined = True
        except (Unavailable, RateLimited) as failed:
            error = failed
        if http.is_closed():
            return
        if error is None and joined and place.asked == LONGEST_WAIT:
            continue
        left = place.left()
        if error is None and left is not None and left <= _EARLY:
            return
        error = error or Unavailable(f"{http.url} ended the stream", hint="it is asked again")
        if not joined:
            raise error
        if not place.lost:
            place.lost = True
            yield {"event": "lost", "serial": place.after or 0, "data": {"reason": error.message}}
        pause = place.pause(error)
        place.failures += 1
        if left is not None and pause >= left:
            sleep(left)
            return
        sleep(pause)


def _connected(http: Http, wanted: Wanted, place: _Place) -> Iterator[EventAnswer]:
    """The events of one connection; the place goes along."""
    left = place.left()
    place.asked = None if left is None else min(left, LONGEST_WAIT)
    query: Query = {
        "bundle": ",".join(sorted(wanted.bundles)) or None,
        "alias": ",".join(sorted(wanted.aliases)) or None,
        "wait": None if place.asked is None else f"{place.asked:.3f}",
    }
    headers = {} if place.after is None else {"Last-Event-ID": str(place.after)}
    silence = SILENCE_SECONDS if left is None else min(SILENCE_SECONDS, left + 2 * _EARLY)
    for block in blocks(http.stream(path_of("events"), query, headers=headers, silence=silence)):
        event = _event(block)
        if event is None:
            if block.id is not None and block.id.isdigit():  # a beat, which says how far nothing was left out
                place.after, place.failures = int(block.id), 0
            continue
        yield from _seen(event, place)


def _seen(event: EventAnswer, place: _Place) -> Iterator[EventAnswer]:
    """An event, with the place behind it. Another registry at the same address makes what was seen worthless."""
    place.after = event["serial"]
    if event["event"] != "ready":
        place.failures = 0
        place.rest()
        yield event
        return
    data: Any = event["data"]
    found, known = (data["registry"], data["epoch"]), place.registry
    place.registry, place.lost = found, False
    yield event
    if known is not None and known != found:
        yield {"event": "reset", "serial": event["serial"], "data": data}


def _event(block: Block) -> EventAnswer | None:
    """The event of a block; None of a beat, and of what this program does not know."""
    if block.event not in _KNOWN:
        return None
    try:
        data = json.loads(block.data)
        return {"event": block.event, "serial": int(block.id or ""), "data": data}
    except ValueError as error:
        raise Unavailable("an event of the registry cannot be read", hint="is it as new as this program?") from error
