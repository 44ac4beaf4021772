"""The client an application asks: `get` answers from memory, and a thread of its own keeps that current.

Nothing is fetched on the way of a `get` but the first time. A release is fetched, verified and derived whole, and then
takes the place of the one before by one assignment. Whatever the registry answers or does not, the last good one stays.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from pinset.client import keeper as keepers
from pinset.client import options
from pinset.client import snapshot as snapshots
from pinset.client.cache import DiskCache, default_directory
from pinset.client.callbacks import Callbacks
from pinset.client.fallback import Fallback
from pinset.client.intake import Intake
from pinset.client.keeper import Keeper
from pinset.client.local import Nowhere, WorkingCopies
from pinset.client.pace import POLL_SECONDS, Pace
from pinset.client.pins import VARIABLE, Pins
from pinset.client.slots import Needs, Slot
from pinset.client.source import Source, source_of
from pinset.domain.names import DEFAULT_ALIAS
from pinset.domain.references import parse
from pinset.errors import InvalidInput, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from types import TracebackType

    from pinset.client.callbacks import Changed, Turned
    from pinset.client.release import Release
    from pinset.client.trust import Trust


class Client:
    """Releases of one registry, current, verified, and there when the registry is not. Threads may share it.

    registry: an address or a directory; else ``PINSET_REGISTRY``. token: else ``PINSET_TOKEN``. alias: what a name without
    one means; else ``PINSET_ALIAS``, else ``production``. cache: a folder, None for none; else as `default_directory`
    says. snapshot: a file with ``{"format": 1, "releases": [sealed forms]}``, for when neither registry nor cache has a
    release. poll: seconds from one look at the registry to the next, on average. max_stale: seconds after which a release
    that no answer confirmed is not given any more; by default it is given for ever. live: hear from the registry what moves,
    besides looking. trusted_keys: public keys of the registry, or the path of what ``pinset keys show`` prints; then only
    what they prove is taken, wherever it comes from. Raises InvalidInput for what is none of these.

    ``PINSET_PIN`` (``name@v8``, ``name=./dir``, several with commas, or ``@FILE`` with a line each) overrides what a name
    means, offline too; a file is watched, and so are the files of a working copy.
    """

    def __init__(
        self,
        registry: str | Path | None = None,
        token: str | None = None,
        *,
        alias: str | None = None,
        cache: Path | str | None = "",
        snapshot: Path | str | None = None,
        poll: float = POLL_SECONDS,
        max_stale: float | None = None,
        live: bool = True,
        source: Source | None = None,
        trusted_keys: Iterable[str | Path] | str | Path | None = None,
    ) -> None:
        pace = Pace(options.seconds(poll, "poll", least="above 0"))
        self._max_stale = options.seconds(max_stale, "max_stale", least="0 or more") if max_stale is not None else None
        named = alias or os.environ.get("PINSET_ALIAS") or DEFAULT_ALIAS
        self._alias = options.text(named, "alias", DEFAULT_ALIAS)
        trust = _trust(trusted_keys) if trusted_keys is not None else None
        shipped = snapshots.load(options.path(snapshot, "snapshot")) if snapshot else {}
        directory = default_directory() if cache == "" else options.path(cache, "cache") if cache else None
        pins = self._pins()
        self._source = source or _source(registry, token, needed=not (shipped or pins.working))
        kept = DiskCache(directory, self._source.address)
        self._fallback = Fallback(kept, shipped, trust)
        self._callbacks = Callbacks()
        intake = Intake(kept, self._fallback, self._callbacks, trust)
        self.counts = intake.counts
        """How often: ``fetched``, ``confirmed``, ``failed``, ``refused``."""
        working = WorkingCopies(self._source.address, _token(token))
        self._keeper = self._kept(intake, pins, pace, working, live=live)
        self._warm: dict[str, Slot] = {}
        """What a `get` without anything else finds at once."""
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

    def on_change(self, name: str, callback: Changed) -> None:
        """Call back with the new release and the one before whenever a name means another one.

        name: a reference, or a bundle for each of its aliases, and its ``latest``, that were asked for. It is called by
        the client's own thread, with None for the release before where the registry gave the first one; what is held
        already, or was found on the disk, in a snapshot or in `default`, is not told. What it raises is logged. Raises
        InvalidInput.
        """
        self._callbacks.on_change(name, callback)

    def on_refused(self, callback: Turned) -> None:
        """Call back with name and reason whenever a release that the registry gave is not taken."""
        self._callbacks.on_refused(callback)

    def close(self) -> None:
        """Stop keeping releases current; those that were given stay good. Idempotent."""
        self._keeper.close()
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _pins(self) -> Pins:
        return Pins(os.environ.get(VARIABLE, ""))

    def _kept(self, intake: Intake, pins: Pins, pace: Pace, working: WorkingCopies, *, live: bool) -> Keeper:
        return Keeper(self._source, intake, pins, pace, working, live=live)

    def _get(
        self,
        name: str,
        alias: str | None,
        variables: Collection[str] | None,
        tools: Collection[str] | None,
        default: Mapping[str, Any] | None,
    ) -> Release:
        options.text(name, "name", "support-summarizer")
        selected = f"{name}@{options.text(alias, 'alias', DEFAULT_ALIAS)}" if alias is not None else name
        wanted = parse(selected, default=self._alias)
        needs = Needs(options.names(variables, "variables"), options.names(tools, "tools"))
        slot = self._keeper.slot(wanted.bundle, wanted.selector.text, needs)
        release = slot.release or self._first(slot, options.sealed(default))
        if self._max_stale is not None:
            self._refuse_stale(slot, release, self._max_stale)
        why = needs.missing(release)
        if why is not None:
            raise Refused(why, hint="promote a release that this code can use, or deploy code that can use this one")
        if self._max_stale is None and slot.release is not None and alias is None and needs == Needs():
            self._warm[name] = slot
        return release

    def _first(self, slot: Slot, default: Mapping[str, Any] | None) -> Release:
        """What the registry answers soon, else what the cache, the snapshot or the code has."""
        answered = self._keeper.first(slot, keepers.FIRST_SECONDS)
        if slot.release is not None:
            return slot.release
        if self._keeper.closed:
            raise Unavailable(f"this client was closed before {slot.name} was there", hint="make another one")
        if slot.directory is not None:
            raise slot.error or Unavailable(f"{slot.name} is not read yet", hint="ask again")
        for found in self._fallback.releases(slot, default):
            held = slot.offer(*found)
            if held is not None:
                return held
        why = "does not answer now" if answered else f"did not answer within {keepers.FIRST_SECONDS:g} s"
        raise slot.error or Unavailable(
            f"neither cache nor snapshot has {slot.name}, and {self._source.address} {why}",
            hint="see that the registry can be reached; ship a snapshot with the application",
        )

    def _refuse_stale(self, slot: Slot, release: Release, most: float) -> None:
        if slot.pin is None and not slot.fixed and release.age > most:
            raise Unavailable(
                f"{release.ref} was last confirmed {release.age:.0f} s ago, and this client takes {most:g} s",
                hint="see that the registry can be reached, or raise max_stale",
            )

    def _forked(self) -> None:
        """In a copy of the process."""
        self._source.forked()
        self._keeper.forked()


def _token(given: str | None) -> str | None:
    found = given or os.environ.get("PINSET_TOKEN") or None
    return options.text(found, "token", "pst_…") if found is not None else None


def _trust(trusted_keys: Iterable[str | Path] | str | Path) -> Trust:
    from pinset.client.trust import Trust  # noqa: PLC0415 - only who pins keys loads what reads commits

    return Trust(trusted_keys)


def _source(registry: str | Path | None, token: str | None, *, needed: bool) -> Source:
    named = registry or os.environ.get("PINSET_REGISTRY")
    if not named and not needed:
        return Nowhere()
    if not named:
        raise InvalidInput("no registry is named", hint="give its address, or set PINSET_REGISTRY")
    place = str(named) if isinstance(named, Path) else options.text(named, "registry", "http://HOST:7467")
    return source_of(place, _token(token))


_CLIENTS: Final[weakref.WeakSet[Client]] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_CLIENTS):
        client._forked()  # noqa: SLF001 - this module's own


os.register_at_fork(after_in_child=_after_fork)
