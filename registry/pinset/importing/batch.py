"""Versions on their way in, as many as one write takes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pinset.domain import sealed

if TYPE_CHECKING:
    from pinset.domain.exchange.incoming import Incoming
    from pinset.ports.imports import Version

MOST: Final = 200
"""Versions of a batch."""
BYTES: Final = 4 * 1024 * 1024
"""Of a batch's texts."""


@dataclass(slots=True)
class Batch:
    """Versions in the order in which they are published."""

    held: list[tuple[Incoming, Version]] = field(default_factory=list)
    _size: int = 0

    def has_room(self, version: Version) -> bool:
        """Whether a version goes with those that are held: it leans on none of them, and they do not become too much."""
        if not self.held:
            return True
        return len(self.held) < MOST and self._size + _size(version) <= BYTES and not self._holds_of(version)

    def add(self, one: Incoming, version: Version) -> None:
        """Hold a version."""
        self.held.append((one, version))
        self._size += _size(version)

    def take(self) -> list[tuple[Incoming, Version]]:
        """All that is held, and is not any more."""
        found, self.held, self._size = self.held, [], 0
        return found

    def _holds_of(self, version: Version) -> bool:
        """Whether a shared component that a sealed version holds is still to be published."""
        components = {one.name for _, one in self.held if "/" in one.name}
        manifest = version.files.get(sealed.COMPONENT if "/" in version.name else sealed.MANIFEST)
        if not components or version.digest is None or manifest is None:
            return False
        try:
            pins = json.loads(manifest).get("components", {})
        except (ValueError, RecursionError, AttributeError):
            return False  # it is refused for that
        return not components.isdisjoint(pins)


def _size(version: Version) -> int:
    return sum(len(path) + len(text.encode()) for path, text in version.files.items())
