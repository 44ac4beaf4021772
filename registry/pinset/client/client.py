"""The client an application asks: `get` answers from memory, and a thread of its own keeps that current.

Nothing is fetched on the way of a `get` but the first time. A release is fetched, verified and derived whole, and then
takes the place of the one before by one assignment. Whatever the registry answers or does not, the last good one stays.
"""

from __future__ import annotations

import json
import logging
import os
import random
import threading
import time
import weakref
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pinset.client.cache import DiskCache, default_directory
from pinset.client.release import Release, Standing
from pinset.client.source import Source, source_of
from pinset.domain.references import SelectorKind, parse, parse_selector
from pinset.errors import InvalidInput, NotFound, PinsetError, Purged, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType

    from pinset.client.release import Source as Origin

POLL_SECONDS: Final = 15.0
FIRST_SECONDS: Final = 2.0
"""How long the first `get` of a name waits for the registry."""
TOTAL_SECONDS: Final = 3.0
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
_ANSWERED: Final = (NotFound, Refused)
"""Errors by which a registry shows that it is there."""
_log = logging.getLogger("pinset.client")


@dataclass(frozen=True, slots=True)
class Needs:
    """What this code supplies and implements: None leaves that open."""

    variables: frozenset[str] | None = None
    tools: frozenset[str] | None = None

    def missing(self, release: Release) -> str | None:
        """Why this code cannot use a release; None where it can."""
        wanted = release.variables - self.variables if self.variables is not None else frozenset[str]()
        if wanted:
            return f"{release.ref} wants the variables {', '.join(sorted(wanted))}, which this code does not give"
        foreign = set(release.tools) - self.tools if self.tools is not None else set[str]()
        if foreign:
            return f"{release.ref} has the tools {', '.join(sorted(foreign))}, which this code does not implement"
        return None


@dataclass(slots=True)
class _Slot:
    """One name that was asked for, and what it means. Only the keeper's thread changes what it means."""

    bundle: str
    selector: str
    needs: Needs = Needs()
    release: Release | None = None
    tag: str | None = None
    due: float = 0.0
    error: PinsetError | None = None
    refused: str | None = None
    """The digest of the newest release that was not taken."""
    tried: threading.Event = field(default_factory=threading.Event)
    """Set when a first try has ended, well or not."""

    @property
    def fixed(self) -> bool:
        """Whether it always means the same."""
        return parse_selector(self.selector).kind not in (SelectorKind.ALIAS, SelectorKind.LATEST)


class Client:
    """Releases of one registry, current, verified, and there when the registry is not. Threads may share it.

    registry: an address or a directory; else ``PINSET_REGISTRY``. token: else ``PINSET_TOKEN``. alias: what a name without
    one means; else ``PINSET_ALIAS``, else ``production``. cache: a folder, None for none; else as `default_directory`
    says. snapshot: a file with ``{"format": 1, "releases": [sealed forms]}``, for when neither registry nor cache has a release. poll: seconds
    from one look at the registry to the next, on average. max_stale: seconds after which a release that no answer
    confirmed is not given any more; by default it is given for ever.

    ``PINSET_PIN`` (``name@v8``, several with commas, or ``@FILE`` with a line each) overrides what a name means, offline too.
    """

    def __init__(
        self,
        registry: str | None = None,
        token: str | None = None,
        *,
        alias: str | None = None,
        cache: Path | str | None = "",
        snapshot: Path | str | None = None,
        poll: float = POLL_SECONDS,
        max_stale: float | None = None,
        source: Source | None = None,
    ) -> None:
        if source is None:
            named = registry or os.environ.get("PINSET_REGISTRY")
            if not named:
                raise InvalidInput("no registry is named", hint="give its address, or set PINSET_REGISTRY")
            source = source_of(named, token or os.environ.get("PINSET_TOKEN") or None)
        if poll <= 0:
            raise InvalidInput("poll is a number of seconds above 0", hint=f"leave it out for {POLL_SECONDS:g}")
        self._source = source
        self._alias = alias or os.environ.get("PINSET_ALIAS") or "production"
        self._cache = DiskCache(default_directory() if cache == "" else Path(cache) if cache else None, source.address)
        self._snapshot = _snapshot_in(Path(snapshot)) if snapshot else {}
        self._poll, self._max_stale = poll, max_stale
        self._pins = _pins(os.environ.get("PINSET_PIN", ""))
        self._slots: dict[tuple[str, str, Needs], _Slot] = {}
        self._warm: dict[str, _Slot] = {}
        """What a `get` without anything else finds at once."""
        self._listeners: dict[str, list[Callable[[Release, Release | None], object]]] = {}
        self._refusers: list[Callable[[str, PinsetError], object]] = []
        self.counts: Counter[str] = Counter()
        """How often: ``fetched``, ``confirmed``, ``failed``, ``refused``."""
        self._turn = threading.Condition()
        self._keeper: threading.Thread | None = None
        self._closed = False
        self._quiet_until = 0.0
        self._failures = 0
        _CLIENTS.add(self)

    def get(
        self,
        name: str,
        *,
        alias: str | None = None,
        variables: Collection[str] | None = None,
        tools: Collection[str] | None = None,
        default: Mapping[str, Any] | None = None,
    ) -> Release:
        """The release that a name means now, from memory; the first time from the registry, cache, snapshot or default.

        name: a bundle, or a reference such as ``support-summarizer@staging``. variables, tools: all that this code gives
        and implements; a release that wants more is refused, and the last one that it can use stays. default: a sealed
        release as `Release.sealed` gives it.

        Raises Unavailable where nobody has it, and what the registry said where it never was there; Refused for a release
        that this code cannot use.
        """
        if alias is None and variables is None and tools is None and default is None:
            slot = self._warm.get(name)
            if slot is not None and (release := slot.release) is not None:
                return release
        return self._get(name, alias, variables, tools, default)

    def held(self, name: str) -> Release | None:
        """What `get` gives at once; None where it would have to look for it."""
        slot = self._warm.get(name)
        return slot.release if slot is not None else None

    def on_change(self, name: str, callback: Callable[[Release, Release | None], object]) -> None:
        """Call back with the new release and the one before whenever the bundle's alias serves another one.

        It is called by the client's own thread; what it raises is logged.
        """
        self._listeners.setdefault(name, []).append(callback)

    def on_refused(self, callback: Callable[[str, PinsetError], object]) -> None:
        """Call back with name and reason whenever a release that the registry gave is not taken."""
        self._refusers.append(callback)

    def close(self) -> None:
        """Stop keeping releases current; those that were given stay good. Idempotent."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
        keeper = self._keeper
        if keeper is not None and keeper is not threading.current_thread():
            keeper.join(TOTAL_SECONDS + 1)
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    # -- what a get finds ---------------------------------------------------------------------------------------

    def _get(
        self,
        name: str,
        alias: str | None,
        variables: Collection[str] | None,
        tools: Collection[str] | None,
        default: Mapping[str, Any] | None,
    ) -> Release:
        if isinstance(variables, str) or isinstance(tools, str):
            raise InvalidInput("variables and tools are collections of names", hint='give {"ticket"}, not "ticket"')
        wanted = parse(f"{name}@{alias}" if alias else name, default=self._alias)
        needs = Needs(
            frozenset(variables) if variables is not None else None, frozenset(tools) if tools is not None else None
        )
        slot = self._slot(wanted.bundle, self._pins.get(wanted.bundle, str(wanted.selector.text)), needs)
        release = slot.release
        if release is None:
            slot.tried.wait(FIRST_SECONDS)
            release = slot.release or self._without_registry(slot, default)
        moves = not slot.fixed and slot.bundle not in self._pins
        if self._max_stale is not None and moves and release.age > self._max_stale:
            raise Unavailable(
                f"{release.ref} was last confirmed {release.age:.0f} s ago, and this client takes {self._max_stale:g} s",
                hint="see that the registry can be reached, or raise max_stale",
            )
        why = needs.missing(release)
        if why is not None:
            raise Refused(why, hint="promote a release that this code can use, or deploy code that can use this one")
        if self._max_stale is None and slot.release is not None and alias is None and needs == Needs():
            self._warm[name] = slot
        return release

    def _slot(self, bundle: str, selector: str, needs: Needs) -> _Slot:
        with self._turn:
            if self._closed:
                raise Unavailable("this client is closed", hint="make another one")
            slot = self._slots.get((bundle, selector, needs))
            if slot is None:
                slot = self._slots[bundle, selector, needs] = _Slot(bundle, selector, needs)
                self._turn.notify_all()
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="pinset-keeper", daemon=True)
                self._keeper.start()
            return slot

    def _without_registry(self, slot: _Slot, default: Mapping[str, Any] | None) -> Release:
        """What the cache, the snapshot or the code has for a name that the registry has not answered yet."""
        for origin, age, answer, tag in self._elsewhere(slot, default):
            try:
                release = Release(answer, Standing(origin, age))
            except PinsetError as error:
                _log.warning("%s of %s is ignored: %s", origin, slot.bundle, error.message)
                continue
            if release.bundle != slot.bundle:
                _log.warning("%s of %s is ignored: it is of %s", origin, slot.bundle, release.bundle)
                continue
            if slot.needs.missing(release) is None:
                with self._turn:
                    if slot.release is None:
                        slot.release, slot.tag = release, tag
                    return slot.release
        raise slot.error or Unavailable(
            f"no registry, cache or snapshot has {slot.bundle}@{slot.selector}",
            hint="see that the registry can be reached; ship a snapshot with the application",
        )

    def _elsewhere(
        self, slot: _Slot, default: Mapping[str, Any] | None
    ) -> list[tuple[Origin, float, Mapping[str, Any], str | None]]:
        found: list[tuple[Origin, float, Mapping[str, Any], str | None]] = []
        if slot.bundle in self._pins:
            pinned = self._cache.find(slot.bundle, slot.selector)
            found += [("pin", 0.0, pinned, None)] if pinned else []
        found += [("disk", age, answer, tag) for answer, tag, age in self._cache.load(slot.bundle, slot.selector)]
        shipped = self._snapshot.get((slot.bundle, slot.selector))
        found += [("snapshot", 0.0, shipped, None)] if shipped else []
        found += [("default", 0.0, default, None)] if default else []
        return found

    # -- what the keeper does ------------------------------------------------------------------------------------

    def _keep(self) -> None:
        while True:
            with self._turn:
                slot = self._next()
                while not self._closed and slot is None:
                    self._turn.wait(self._pause())
                    slot = self._next()
                if self._closed or slot is None:
                    return
            try:
                self._refresh(slot)
            except Exception:  # noqa: BLE001 - what the last good release was, it stays
                _log.exception("%s@%s could not be refreshed", slot.bundle, slot.selector)
                slot.due = time.monotonic() + LONGEST_PAUSE
            slot.tried.set()

    def _next(self) -> _Slot | None:
        """The name whose turn it is; those that nobody has an answer for come first."""
        now = time.monotonic()
        due = [slot for slot in self._slots.values() if slot.due <= now]
        if now < self._quiet_until:
            # The registry does not answer: who waits for a first answer is told so, and looks elsewhere.
            for slot in due:
                slot.due = self._quiet_until
                slot.tried.set()
            return None
        return min(due, key=lambda slot: (slot.tried.is_set(), slot.due), default=None)

    def _pause(self) -> float:
        now = time.monotonic()
        return max(0.0, min((slot.due for slot in self._slots.values()), default=now + LONGEST_PAUSE) - now)

    def _refresh(self, slot: _Slot) -> None:
        seconds = TOTAL_SECONDS if slot.tried.is_set() else FIRST_SECONDS
        try:
            answer, tag = self._source.fetch(slot.bundle, slot.selector, slot.tag, seconds)
        except PinsetError as error:
            self._failed(slot, error)
            return
        self._failures = 0
        if slot.error is not None and slot.refused is None:
            _log.warning("%s@%s is confirmed again", slot.bundle, slot.selector)
        slot.error = None
        slot.due = time.monotonic() + self._poll * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load
        if slot.fixed:
            slot.due = time.monotonic() + 3600
        if answer is None:
            self._confirmed(slot)
            return
        try:
            self._adopt(slot, answer, tag)
        except PinsetError as error:
            self._refused(slot, str(answer.get("digest")), error)

    def _refused(self, slot: _Slot, digest: str, error: PinsetError) -> None:
        """Keep what there is, which is no longer what the name means, and say so once."""
        self.counts["refused"] += 1
        slot.error = error
        if slot.release is not None:
            slot.release._standing.source = "stale"  # noqa: SLF001 - the client tells what it knows
        if slot.refused != digest:
            slot.refused = digest
            _log.warning("a release of %s@%s is not taken: %s", slot.bundle, slot.selector, error.message)
            for told in self._refusers:
                _call(told, f"{slot.bundle}@{slot.selector}", error)

    def _confirmed(self, slot: _Slot) -> None:
        self.counts["confirmed"] += 1
        if slot.release is not None:
            slot.release._standing.confirmed = time.monotonic()  # noqa: SLF001 - the client tells what it knows
            slot.release._standing.source = self._fresh(slot)  # noqa: SLF001
        self._cache.confirm(slot.bundle, slot.selector)

    def _adopt(self, slot: _Slot, answer: Mapping[str, Any], tag: str | None) -> None:
        """Take a release in the place of the one before. Raises Integrity, Refused for one that is not taken."""
        release, before = Release(answer, Standing(self._fresh(slot))), slot.release
        _refuse_foreign(slot, release)
        if before is not None:
            _refuse_older(release, before)
        why = slot.needs.missing(release)
        if why is not None:
            raise Refused(why, hint="promote a release that this code can use")
        self.counts["fetched"] += 1
        slot.release, slot.tag, slot.refused = release, tag, None
        self._cache.keep(slot.bundle, slot.selector, answer, tag)
        if before is None or before.digest != release.digest or before.version != release.version:
            for told in self._listeners.get(slot.bundle, []):
                _call(told, release, before)

    def _fresh(self, slot: _Slot) -> Origin:
        return "pin" if slot.bundle in self._pins else "fresh"

    def _failed(self, slot: _Slot, error: PinsetError) -> None:
        self.counts["failed"] += 1
        if slot.error is None or slot.error.code != error.code:
            _log.warning("%s@%s is not confirmed: %s (%s)", slot.bundle, slot.selector, error.message, error.hint)
        slot.error = error
        release = slot.release
        if isinstance(error, Purged) and release is not None and error.details.get("digest") == release.digest:
            self._purged(slot, release)
            return
        if release is not None and release.source == "fresh":
            release._standing.source = "stale"  # noqa: SLF001 - the client tells what it knows
        asked = error.details.get("retry_after")
        now = time.monotonic()
        if isinstance(error, _ANSWERED):
            slot.due = now + self._poll * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load
            return
        self._failures += 1
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))
        pause = max(float(asked or 0.0), random.uniform(0, ceiling))  # noqa: S311 - spreads load
        self._quiet_until = slot.due = now + pause

    def _purged(self, slot: _Slot, release: Release) -> None:
        """A secret was in it: the one answer that takes a release away."""
        _log.warning("%s was purged", release.ref)
        # From the disk first: a get that finds nothing in memory looks there.
        self._cache.drop(slot.bundle, slot.selector, release.digest)
        with self._turn:
            slot.release, slot.tag = None, None
            self._warm = {name: held for name, held in self._warm.items() if held is not slot}
        slot.due = time.monotonic() + self._poll

    def _forked(self) -> None:
        """In a copy of the process: its thread is not here, and its locks may be held by nobody."""
        self._turn, self._keeper = threading.Condition(), None
        for slot in self._slots.values():
            slot.tried = threading.Event()
            if slot.release is not None:
                slot.tried.set()
        self._source.forked()
        if self._slots and not self._closed:
            self._keeper = threading.Thread(target=self._keep, name="pinset-keeper", daemon=True)
            self._keeper.start()


def _refuse_foreign(slot: _Slot, release: Release) -> None:
    """Raises Refused for an answer to another question."""
    alias = parse_selector(slot.selector).kind is SelectorKind.ALIAS
    if release.bundle != slot.bundle or (alias and release.alias != slot.selector):
        raise Refused(
            f"{slot.bundle}@{slot.selector} was asked for, and {release.bundle}@{release.alias} answered",
            hint="see what stands between this client and the registry",
        )


def _refuse_older(release: Release, held: Release) -> None:
    """Raises Refused for an earlier move of the alias; says aloud where another registry answers."""
    if release.registry != held.registry:
        _log.warning("%s is answered by another registry now: %s, before %s", held.ref, release.registry, held.registry)
    elif release.seq is not None and held.seq is not None and (release.epoch, release.seq) < (held.epoch, held.seq):
        raise Refused(
            f"{release.ref} is an earlier move ({release.epoch}, {release.seq}) than the one held ({held.epoch}, {held.seq})",
            hint="the registry answers what it served before: see what it was restored from",
        )


def _call(told: Callable[..., object], *about: object) -> None:
    try:
        told(*about)
    except Exception:  # noqa: BLE001 - theirs, whatever it is
        _log.exception("a callback failed")


def _pins(text: str) -> dict[str, str]:
    """What ``PINSET_PIN`` pins, by bundle. Raises InvalidInput."""
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8")
        except OSError as error:
            raise InvalidInput(
                f"PINSET_PIN names a file that cannot be read: {error.strerror}", hint="see its path"
            ) from error
    pins = {}
    for pin in filter(None, (part.strip() for line in text.splitlines() for part in line.split(","))):
        wanted = parse(pin, default=None)
        pins[wanted.bundle] = wanted.selector.text
        _log.warning("%s is pinned by PINSET_PIN", pin)
    return pins


def _snapshot_in(path: Path) -> dict[tuple[str, str], Mapping[str, Any]]:
    """The sealed releases of a snapshot by bundle and every name it has. Raises InvalidInput."""
    try:
        found = json.loads(path.read_bytes())
        answers: list[dict[str, Any]] = found["releases"]
        names: dict[tuple[str, str], Mapping[str, Any]] = {}
        for answer in answers:
            alias = (answer.get("alias") or {}).get("name")
            for selector in filter(None, (alias, f"v{answer['version']}", answer["label"], answer["digest"])):
                names[str(answer["bundle"]), str(selector)] = answer
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} is no snapshot: {error}", hint="it holds format 1 and releases, each as Release.sealed() gives it"
        ) from error
    return names


_CLIENTS: Final[weakref.WeakSet[Client]] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_CLIENTS):
        client._forked()  # noqa: SLF001 - this module's own


os.register_at_fork(after_in_child=_after_fork)
