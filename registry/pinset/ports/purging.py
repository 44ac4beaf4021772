"""Purging as its users see it: a face of the registry, near and far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.purging import PurgeAnswer
    from pinset.ports.registry import Caller


class Purging(Protocol):
    """Removes content for good."""

    def purge(
        self,
        caller: Caller,
        reference: str,
        *,
        files: Sequence[str] = (),
        all_files: bool = False,
        reason: str,
        expect: Sequence[str] | None = None,
    ) -> PurgeAnswer:
        """Remove texts from every release and component of the registry, and from its history.

        reference: a release, or ``kind/name@v3``. files: its paths whose texts are to go; all_files: all of them. Whatever
        holds one of these texts loses all of its content. expect: what the caller knows to be purged (``bundle@v7``,
        ``kind/name@v3``); where more than that would be, it is a Conflict. Raises StillServed while an alias serves any
        of it, Purged for what is gone already, NotFound, Unavailable.
        """
