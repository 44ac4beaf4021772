"""Releases from elsewhere than the registry: the cache, a snapshot, the default of the code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from pinset.client.release import Release, Standing
from pinset.client.slots import refuse_foreign
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.client.cache import DiskCache
    from pinset.client.release import Origin
    from pinset.client.slots import Slot
    from pinset.client.snapshot import Snapshot
    from pinset.client.trust import Trust

_log = logging.getLogger("pinset.client")


class Fallback:
    """What there is while the registry does not answer."""

    def __init__(self, cache: DiskCache, snapshot: Snapshot, trust: Trust | None) -> None:
        self._cache, self._snapshot, self._trust = cache, snapshot, trust

    def releases(
        self, slot: Slot, default: Mapping[str, Any] | None = None
    ) -> Iterator[tuple[Release, str | None, str]]:
        """Releases for a name, the nearest first, proven and usable by the code; each with its tag and what it was found as."""
        meant = slot.meant
        for origin, age, answer, tag in self._answers(slot, meant, default):
            if self._cache.is_purged(str(answer.get("digest"))):
                _log.warning("%s of %s is not taken: it was purged", origin, slot.name)
                continue
            try:
                release = Release(answer, Standing(origin, age))
                if self._trust is not None:
                    self._trust.refuse_unproven(answer)
                if origin != "default":  # which the code names, whatever it is
                    refuse_foreign(slot, release)
            except PinsetError as error:
                _log.warning("%s of %s is ignored: %s", origin, slot.bundle, error.message)
                continue
            if release.bundle != slot.bundle:
                _log.warning("%s of %s is ignored: it is of %s", origin, slot.bundle, release.bundle)
            elif slot.needs.missing(release) is None:
                yield release, tag, meant

    def holds(self, bundle: str, selector: str) -> bool:
        """Whether there is anything of a version, under any name."""
        return (bundle, selector) in self._snapshot or self._cache.find(bundle, selector) is not None

    def forget(self, digest: str) -> None:
        """Hold nothing any more of a release that was purged, on the disk or in memory."""
        self._cache.drop(digest)
        for name in [name for name, answer in self._snapshot.items() if answer.get("digest") == digest]:
            del self._snapshot[name]

    def _answers(
        self, slot: Slot, meant: str, default: Mapping[str, Any] | None
    ) -> Iterator[tuple[Origin, float, Mapping[str, Any], str | None]]:
        if slot.pin:
            pinned = self._cache.find(slot.bundle, meant)
            if pinned:
                yield "pin", 0.0, pinned, None
        for answer, tag, age in self._cache.load(slot.bundle, meant):
            yield "disk", age, answer, tag
        shipped = self._snapshot.get((slot.bundle, meant))
        if shipped:
            yield "snapshot", 0.0, shipped, None
        if default:
            yield "default", 0.0, default, None
