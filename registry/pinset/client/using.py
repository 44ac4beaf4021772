"""Which release a piece of work uses: said once around it, known to whatever runs inside."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.client.release import Release

_IN_USE: Final[ContextVar[Release | None]] = ContextVar("pinset_release", default=None)


@contextmanager
def using(release: Release) -> Iterator[Release]:
    """Say that what runs inside uses a release. The innermost counts.

    Tasks of asyncio and `asyncio.to_thread` begin with what was in use where they were made; a thread made by hand
    begins with nothing.
    """
    before = _IN_USE.set(release)
    try:
        yield release
    finally:
        # A block that is left elsewhere than it was entered, as that of a generator may be, leaves nothing to undo.
        with suppress(ValueError):
            _IN_USE.reset(before)


def in_use() -> Release | None:
    """The release that this piece of work uses; None where none was said."""
    return _IN_USE.get()
