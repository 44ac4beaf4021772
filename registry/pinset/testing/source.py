"""A registry in memory for tests of applications: it serves working copies, and fails when it is told to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pinset.domain.names import DEFAULT_ALIAS, alias_name
from pinset.domain.references import SelectorKind, parse_selector
from pinset.errors import NotFound, PinsetError, Unavailable
from pinset.testing.releases import assembled
from pinset.testing.stream import FakeStream
from pinset.working.copy import sealed_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pinset.client.source import Event, Fetched
    from pinset.domain.references import Selector
    from pinset.testing.releases import Files

REGISTRY = "fake"
"""The id of every registry in memory."""


class FakeRegistry:
    """Implements `pinset.client.source.Source`, and tells what moves.

    Each change is seen by a `FakeClient` before the method returns; by a `Client` with this as its ``source``, at once.
    """

    address = "fake:"

    def __init__(self, components: str | Path | None = None) -> None:
        self._components = components
        self._versions: dict[str, list[dict[str, Any]]] = {}
        self._serves: dict[tuple[str, str], list[int]] = {}
        """The versions that each alias served, the newest last."""
        self._moves: dict[tuple[str, str], int] = {}
        self._fails: PinsetError | None = None
        self._watchers: list[Callable[[], None]] = []
        self._streams: list[FakeStream] = []
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self.asked: list[str] = []
        """Every reference that a client has asked for, in order."""

    def promote(self, bundle: str, what: Files | str, *, alias: str = DEFAULT_ALIAS) -> int:
        """Make an alias serve what a working copy makes now, or texts by path; the version, counted from 1.

        Content that was there already keeps its version. Raises InvalidManifest, ChecksFailed with findings.
        """
        alias_name(alias)
        _, sealed = assembled(what, self._components, bundle)
        with self._lock:
            known = self._versions.setdefault(bundle, [])
            version = next((one["version"] for one in known if one["digest"] == sealed.digest), len(known) + 1)
            if version > len(known):
                answer = sealed_answer(sealed, bundle=bundle, ref=f"{bundle}@v{version}")
                known.append({**answer, "version": version, "registry": REGISTRY, "epoch": 1, "serial": version})
            self._move(bundle, alias, [*self._serves.get((bundle, alias), []), version])
        self._tell()
        return version

    def rollback(self, bundle: str, *, alias: str = DEFAULT_ALIAS) -> int:
        """Make an alias serve what it served before; the version. Raises NotFound where there was nothing before."""
        with self._lock:
            served = self._serves.get((bundle, alias), [])
            if len(served) < 2:
                raise NotFound(f"{bundle}@{alias} served nothing before", hint="promote twice first")
            self._move(bundle, alias, served[:-1])
        self._tell()
        return served[-2]

    def down(self, error: PinsetError | None = None) -> None:
        """Fail from now on, by default as a registry that cannot be reached."""
        self._fails = fails = error or Unavailable("the registry cannot be reached: the test says so", hint="call up()")
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            stream.fail(fails)
        self._tell()

    def up(self) -> None:
        """Answer again."""
        self._fails = None
        self._tell()

    def watch(self, told: Callable[[], None]) -> None:
        """Call back after each change."""
        self._watchers.append(told)

    def fetch(
        self,
        bundle: str,
        selector: str,
        tag: str | None,
        seconds: float,  # noqa: ARG002 - nothing is waited for
        holds: str | None = None,  # noqa: ARG002 - nobody counts
    ) -> Fetched:
        """What a name means now. Raises NotFound, and while it is down what it was told to."""
        self.asked.append(f"{bundle}@{selector}")
        if self._fails is not None:
            raise self._fails
        with self._lock:
            answer = self._answer(bundle, parse_selector(selector))
        mark = f"{answer['digest']} {answer['alias']}"
        return (None if mark == tag else answer), mark

    def listen(self, bundles: frozenset[str], after: int | None) -> FakeStream:
        """Its moves after a serial, or from now on. While it is down there are none."""
        with self._lock:
            at = len(self._events)
            data = {"registry": REGISTRY, "epoch": 1, "serial": at}
            stream = FakeStream(bundles, {"event": "ready", "serial": at if after is None else after, "data": data})
            for event in self._events[at if after is None else after :]:
                stream.tell(event)
            self._streams = [*(one for one in self._streams if not one.over), stream]
        if self._fails is not None:
            stream.fail(self._fails)
        return stream

    def forked(self) -> None:
        """In a copy of the process: who held the lock is not here, nor is who listens."""
        self._lock, self._streams = threading.Lock(), []

    def close(self) -> None:
        """Nothing to release."""

    def _answer(self, bundle: str, wanted: Selector) -> dict[str, Any]:
        known = self._versions.get(bundle, [])
        if wanted.kind is SelectorKind.ALIAS:
            served = self._serves.get((bundle, wanted.text))
            if served:
                alias = {"name": wanted.text, "seq": self._moves[bundle, wanted.text], "revision": "", "split": None}
                return {**known[served[-1] - 1], "alias": alias}
        elif wanted.kind is SelectorKind.LATEST and known:
            return dict(known[-1])
        for answer in known:
            if _is(answer, wanted):
                return dict(answer)
        raise NotFound(f"there is no {bundle}@{wanted}", hint="promote it first, or correct the name")

    def _move(self, bundle: str, alias: str, served: list[int]) -> None:
        self._serves[bundle, alias] = served
        self._moves[bundle, alias] = self._moves.get((bundle, alias), 0) + 1
        serial = len(self._events) + 1
        data = {"bundle": bundle, "alias": alias, "serial": serial}
        event: Event = {"event": "move", "serial": serial, "data": data}
        self._events.append(event)
        for stream in self._streams:
            stream.tell(event)

    def _tell(self) -> None:
        for told in self._watchers:
            told()


def _is(answer: Mapping[str, Any], wanted: Selector) -> bool:
    if wanted.kind is SelectorKind.VERSION:
        return bool(answer["version"] == wanted.version)
    return wanted.kind is SelectorKind.DIGEST and str(answer["digest"]).startswith(wanted.text)
