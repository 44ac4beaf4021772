"""The thread that hears from the registry what moves, so that nobody waits for the next look.

It holds one stream of events, of the bundles in use. What it hears makes the keeper ask; it takes no release from it.
Where nothing comes through it gives up for some minutes: the keeper looks every so often whatever happens here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from pinset.client.pace import RECONNECT_SECONDS
from pinset.client.source import Listenable
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.client.pace import Pace
    from pinset.client.source import Event, Source, Stream

PUSHED_SECONDS: Final = 0.05
"""What moved is asked for within that time: not by all clients in the same moment."""
READY_SECONDS: Final = 1.0
"""What moved before the first stream was there is asked for within that time."""
RESET_SECONDS: Final = 5.0
"""Everything is asked for within that time, where the registry cannot tell what moved."""
RENEW_SECONDS: Final = 0.5
"""How long more bundles are waited for before a stream is opened for another one."""
MOST_BUNDLES: Final = 20
"""A stream for more than these is not filtered."""
MOST_MISSES: Final = 3
"""How often in a row no stream comes where there was one before, until it is given up for some minutes."""
_BESIDE: Final = frozenset({"result", "request", "decision", "bundle"})
"""What changes no release and no alias: a move that comes of it is told as such."""
MOST_NAMES: Final = 100
"""Other names of one bundle that are looked at."""
Open = Callable[[frozenset[str], "int | None"], "Stream | None"]
"""Opens a stream of events: of these bundles, of all where there are none; those after a serial. None: there is none."""
_log = logging.getLogger("pinset.client")


class Asking(Protocol):
    """What is heard is given to it: `pinset.client.keeper.Keeper`."""

    def hurry(self, bundle: str | None, selector: str | None, within: float, *, moved: bool = False) -> None:
        """Ask soon for what a bundle's selector means, of all where they are None."""

    def doubt(self, versions: Iterable[tuple[str, str]]) -> None:
        """Find out whether these were purged."""

    def lost(self) -> None:
        """See whether the registry is still there."""


def listener_of(source: Source, asking: Asking, pace: Pace) -> Listener | None:
    """A listener to a source; None where it tells nothing."""
    return Listener(source.listen, asking, pace) if isinstance(source, Listenable) else None


class Listener:
    """Holds a stream while the registry answers. Its thread begins with the first answer."""

    def __init__(self, opening: Open, asking: Asking, pace: Pace) -> None:
        self._open, self._asking, self._pace = opening, asking, pace
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stream: Stream | None = None
        self._ended = False
        self._wanted: frozenset[str] = frozenset()
        self._covered: frozenset[str] = frozenset()
        self._answering = False
        self._lost = False
        """Whether a stream ended, and the registry has not answered since."""
        self._misses = 0
        """Streams in a row that told nothing."""
        self._not_before = 0.0
        self._serial: int | None = None
        """The newest that was heard of."""
        self._registry: tuple[object, object] | None = None

    def answered(self, bundle: str) -> None:
        """The registry answered for a bundle: it may be listened to, and is from now on."""
        if self._answering and bundle in self._wanted:
            return
        with self._turn:
            self._answering = True
            self._wanted |= {bundle}
            if self._lost:
                self._lost, self._not_before = False, self._pace.reconnect()
            if self._stream is not None and not self._covers():
                self._stream.close()
            if self._thread is None and not self._ended:
                self._not_before = max(self._not_before, self._pace.connect())
                self._thread = threading.Thread(target=self._run, name="pinset-listener", daemon=True)
                self._thread.start()
            self._turn.notify_all()

    def failed(self) -> None:
        """The registry did not answer: no stream is opened until it does."""
        self._answering = False

    def close(self) -> None:
        """End stream and thread. Idempotent."""
        with self._turn:
            self._ended = True
            stream, thread = self._stream, self._thread
            self._turn.notify_all()
        if stream is not None:
            stream.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join(1.5)

    def forked(self) -> None:
        """In a copy of the process: the thread is not here, and the stream is another one's."""
        if self._stream is not None:
            self._stream.forked()
        self._turn, self._thread, self._stream = threading.Condition(), None, None
        self._answering, self._serial = False, None

    def _run(self) -> None:
        while self._may_open():
            try:
                self._follow()
            except Exception:  # noqa: BLE001 - the keeper goes on without it
                _log.exception("events of the registry could not be followed")
                self._not_before = self._pace.give_up()

    def _may_open(self) -> bool:
        """Wait until a stream is to be opened; False where none is any more."""
        with self._turn:
            while not self._ended:
                pause = self._not_before - self._pace.clock()
                if self._answering and pause <= 0:
                    return True
                self._turn.wait(pause if self._answering else None)
        return False

    def _follow(self) -> None:
        """Hear one stream to its end."""
        stream = self._begin()
        if stream is None:
            return
        heard, why = False, "it ended"
        try:
            for event in stream:
                heard = True
                self._hear(event)
        except PinsetError as error:
            why = error.message
        finally:
            stream.close()
        if stream.retry is not None:
            self._pace.retry = stream.retry
        self._settle(why, heard=heard)

    def _begin(self) -> Stream | None:
        with self._turn:
            if self._ended:
                return None
            self._covered = self._wanted if len(self._wanted) <= MOST_BUNDLES else frozenset()
            self._stream = self._open(self._covered, self._serial)
            # A source may find that it has nothing to tell.
            self._ended = self._stream is None
            return self._stream

    def _settle(self, why: str, *, heard: bool) -> None:
        """After the end of a stream: when the next one is opened."""
        with self._turn:
            self._stream = None
            self._misses = 0 if heard else self._misses + 1
            if not self._covers():
                self._not_before = self._pace.clock() + RENEW_SECONDS
                return
            lost = heard or (self._serial is not None and self._misses < MOST_MISSES)
            if lost:
                self._lost, self._answering = True, False
            elif not self._ended:
                self._not_before = self._pace.give_up()
                _log.info("events of the registry do not come through (%s): it is asked every so often", why)
        if lost:
            self._asking.lost()

    def _covers(self) -> bool:
        return not self._covered or self._wanted <= self._covered

    def _hear(self, event: Event) -> None:
        kind, data = event["event"], event["data"]
        if kind == "ready":
            self._ready(event["serial"], data)
            return
        if kind != "beat" or self._serial is not None:
            self._serial = event["serial"]
        if kind == "purge":
            self._purged(data)
        elif kind == "reset":
            self._asking.hurry(None, None, RESET_SECONDS)
        elif kind not in _BESIDE and isinstance(data.get("bundle"), str):
            for bundle in _names(data["bundle"], data.get("formerly")):
                self._asking.hurry(bundle, _selector(kind, data), PUSHED_SECONDS, moved=kind == "move")

    def _purged(self, data: Mapping[str, Any]) -> None:
        """Content is gone for good: each version is asked for that is held, and the names of its bundle."""
        told = data.get("purged")
        also = data.get("also")
        others = also if isinstance(also, dict) else {}
        every = [one for ref in told for one in _names(ref, others.get(ref))] if isinstance(told, list) else []
        refs = [ref.partition("@") for ref in every]
        self._asking.doubt((bundle, version) for bundle, _, version in refs)
        for bundle in {bundle for bundle, _, _ in refs}:
            self._asking.hurry(bundle, None, RESET_SECONDS)

    def _ready(self, serial: int, data: Mapping[str, Any]) -> None:
        registry = (data.get("registry"), data.get("epoch"))
        if self._serial is None or registry == (None, None):
            # What moved between the last answer and this moment was told to nobody.
            self._asking.hurry(None, None, RECONNECT_SECONDS if self._pace.late else READY_SECONDS)
            self._pace.late, self._serial = False, serial
        elif registry != self._registry:
            self._asking.hurry(None, None, RESET_SECONDS)
            self._serial = serial
        self._registry = registry


def _names(first: object, others: object) -> list[str]:
    """A name and the other names that are told with it, as far as they are texts: what is heard may be anything."""
    more = others[:MOST_NAMES] if isinstance(others, list) else []
    return [name for name in (first, *more) if isinstance(name, str)]


def _selector(kind: str, data: Mapping[str, Any]) -> str | None:
    """What now may mean another release: an alias, ``latest``; None for every name of the bundle."""
    if kind == "release":
        return "latest"
    alias = data.get("alias")
    return alias if kind == "move" and isinstance(alias, str) else None
