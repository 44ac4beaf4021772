"""Whom a client tells of what it does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from pinset.domain.references import parse
from pinset.errors import InvalidInput, PinsetError

if TYPE_CHECKING:
    from pinset.client.release import Release
    from pinset.client.slots import Slot

Changed = Callable[["Release", "Release | None"], object]
"""Is given the new release and the one before, None at first."""
Turned = Callable[[str, PinsetError], object]
"""Is given a reference and why what it means is not taken."""
_log = logging.getLogger("pinset.client")


class Callbacks:
    """Callbacks of one client. What they raise is logged."""

    def __init__(self) -> None:
        self._changed: list[tuple[str, str | None, Changed]] = []
        self._refused: list[Turned] = []

    def on_change(self, name: str, callback: Changed) -> None:
        """Tell of each change of a reference; of a bundle: of each of its names that can move. Raises InvalidInput."""
        if not callable(callback):
            raise InvalidInput("a callback is a function of two releases", hint="give lambda new, old: …")
        if not isinstance(name, str):
            raise InvalidInput("a name is a text", hint='give "support-summarizer"')
        wanted = parse(name)
        self._changed.append((wanted.bundle, wanted.selector.text if "@" in name else None, callback))

    def on_refused(self, callback: Turned) -> None:
        """Tell of each release that is not taken. Raises InvalidInput."""
        if not callable(callback):
            raise InvalidInput("a callback is a function of a name and an error", hint="give lambda name, error: …")
        self._refused.append(callback)

    def changed(self, slot: Slot, release: Release, before: Release | None, *, moves: bool) -> None:
        """Tell that a name means another release. moves: whether the name as it was asked for can."""
        for bundle, selector, callback in list(self._changed):
            if bundle == slot.bundle and (moves if selector is None else selector == slot.asked):
                _call(slot, callback, release, before)

    def refused(self, slot: Slot, error: PinsetError) -> None:
        """Tell that a release is not taken."""
        for callback in list(self._refused):
            _call(slot, callback, slot.name, error)


def _call(slot: Slot, told: Callable[..., object], *about: object) -> None:
    try:
        told(*about)
    except (Exception, SystemExit):  # noqa: BLE001 - theirs, whatever it is; to end the program is not for this thread
        _log.exception("a callback for %s failed", slot.name)
