"""The record of a purge: what left the registry for good, and which history it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pinset.domain.records.base import Stamp

PURGES_REF: Final = "refs/heads/purges"
"""The branch of tombstones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeRecord:
    """Releases and versions of components lost their content for good.

    purged: ``bundle@v7`` and ``kind/name@v3``, by their serials. tombstone: digest (``sha256:`` and hex) of ``purged.json``
    in the commit's tree. first: serial of the oldest commit that was written anew. head: commit id that the serial before
    this one had until then.
    """

    stamp: Stamp
    purged: tuple[str, ...]
    tombstone: str
    first: int
    head: str
    reason: str

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return PURGES_REF
