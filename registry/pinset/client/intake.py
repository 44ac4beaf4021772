"""What an answer of the registry, or its absence, does to a name. The last good release stays but where it was purged."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from pinset.client.local import sentences
from pinset.client.release import Release, Standing, standing_of
from pinset.client.slots import is_fixed, refuse_other_registry, refuse_unusable
from pinset.errors import PinsetError, Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.client.cache import DiskCache
    from pinset.client.callbacks import Callbacks
    from pinset.client.fallback import Fallback
    from pinset.client.release import Origin
    from pinset.client.slots import Slot
    from pinset.client.trust import Trust
    from pinset.errors import Purged

_log = logging.getLogger("pinset.client")


class Intake:
    """Takes answers for the slots of one client. Used by its keeper's thread alone."""

    def __init__(self, cache: DiskCache, fallback: Fallback, callbacks: Callbacks, trust: Trust | None) -> None:
        self._cache, self._fallback, self._callbacks = cache, fallback, callbacks
        self._trust = trust
        self.counts: Counter[str] = Counter()
        """How often: ``fetched``, ``confirmed``, ``failed``, ``refused``."""

    def answered(self, slot: Slot, answer: Mapping[str, Any] | None, tag: str | None) -> None:
        """Take what the registry gave; None is its word that what is held is still meant."""
        if answer is None:
            self._confirmed(slot)
        else:
            try:
                self._adopt(slot, answer, tag)
            except PinsetError as error:
                self._refused(slot, str(answer.get("digest")), error)
                return
        if slot.error is not None:
            _log.warning("%s is confirmed again", slot.name)
        slot.error = slot.refused = None

    def failed(self, slot: Slot, error: PinsetError) -> None:
        """Note that no answer came, or one that there is none."""
        self.counts["failed"] += 1
        # Where no registry is named none is missed.
        said = (slot.error is not None and slot.error.code == error.code) or error.details.get("unnamed")
        if not said:
            _log.warning("%s is not confirmed: %s (%s)", slot.name, error.message, error.hint)
        slot.error = error
        release = slot.release
        if release is None:
            return
        if release.source == "fresh" or slot.turned:
            _stands(release, "stale")
        if slot.turned:
            self.turn(slot)

    def holds(self, bundle: str, selector: str, slots: Iterable[Slot]) -> bool:
        """Whether this client has anything of a version: in memory, on the disk, or in its snapshot."""
        held = (slot.release for slot in slots if slot.bundle == bundle)
        return any(one is not None and f"v{one.version}" == selector for one in held) or self._fallback.holds(
            bundle, selector
        )

    def purged(self, error: Purged, slots: Iterable[Slot]) -> None:
        """Let go of what the registry says is gone, wherever it is held: a secret was in it."""
        digest = error.details.get("digest")
        if not isinstance(digest, str):
            return
        if self._trust is not None:
            try:
                self._trust.refuse_unproven_purge(error.details)
            except Untrusted as untrusted:
                self.counts["refused"] += 1
                _log.warning("nothing is let go of: %s", untrusted.message)
                return
        # From the disk first: a get that finds nothing in memory looks there.
        self._fallback.forget(digest)
        for slot in slots:
            if slot.release is not None and slot.release.digest == digest:
                _log.warning("%s was purged: it is not held any more", slot.release.ref)
                slot.error = error  # first: a get that finds nothing says why
                slot.empty()

    def turn(self, slot: Slot) -> None:
        """Take from elsewhere what a name means since its pin was changed; nobody else gives it now."""
        slot.turned = False
        for release, tag, _ in self._fallback.releases(slot):
            try:
                refuse_unusable(slot, release)
            except PinsetError as error:
                _log.warning("%s of %s is not taken: %s", release.source, slot.name, error.message)
                continue
            self._changed(slot, release, slot.hold(release, tag))
            return
        _log.error("%s is nowhere to be had: what there was before stays", slot.name)

    def broken(self, slot: Slot, error: PinsetError) -> None:
        """Note what is wrong with a working copy, once while it is the same. The last good one stays."""
        before = slot.error
        if before is None or (before.message, before.details) != (error.message, error.details):
            self.counts["failed"] += 1
            for sentence in sentences(error):
                _log.warning("%s: %s", slot.name, sentence)
        slot.error = error

    def _confirmed(self, slot: Slot) -> None:
        self.counts["confirmed"] += 1
        if slot.release is not None:
            standing_of(slot.release).confirmed = time.monotonic()
            _stands(slot.release, _fresh(slot))
        if slot.directory is None:
            self._cache.confirm(slot.bundle, slot.meant, slot.tag)

    def _adopt(self, slot: Slot, answer: Mapping[str, Any], tag: str | None) -> None:
        """Take a release in the place of the one before. Raises Integrity, Refused for one that is not taken."""
        release = Release(answer, Standing(_fresh(slot)))
        if self._trust is not None and slot.directory is None:
            self._trust.refuse_unproven(answer)
        if release.seq is not None and slot.meant not in slot.moves:
            slot.remember(self._cache.newest(slot.bundle, slot.meant))
        refuse_unusable(slot, release)
        if self._trust is not None:
            refuse_other_registry(slot, release)
        self.counts["fetched"] += 1
        _say_renamed(slot, release)
        before = slot.hold(release, tag)
        if slot.directory is None:
            self._cache.keep(slot.bundle, slot.meant, answer, tag)
        self._changed(slot, release, before)

    def _changed(self, slot: Slot, release: Release, before: Release | None) -> None:
        if before is None or (before.digest, before.version) != (release.digest, release.version):
            self._callbacks.changed(slot, release, before, moves=not is_fixed(slot.asked))

    def _refused(self, slot: Slot, digest: str, error: PinsetError) -> None:
        """Keep what there is, which is no longer what the name means, and say so once."""
        self.counts["refused"] += 1
        slot.error = error
        if slot.release is not None:
            _stands(slot.release, "stale")
        if slot.refused != digest:
            slot.refused = digest
            _log.warning("a release of %s is not taken: %s", slot.name, error.message)
            self._callbacks.refused(slot, error)


def _fresh(slot: Slot) -> Origin:
    if slot.directory is not None:
        return "working copy"
    return "pin" if slot.pin else "fresh"


def _say_renamed(slot: Slot, release: Release) -> None:
    """Say once that a name is one of before. It goes on being answered: nothing has to change at once."""
    if release.renamed is not None and slot.renamed != release.renamed:
        slot.renamed = release.renamed
        _log.info("%s is called %s now; it answers by both names", slot.bundle, release.renamed)


def _stands(release: Release, source: Origin) -> None:
    standing_of(release).source = source
