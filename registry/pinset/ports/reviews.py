"""Reviews, as users see them: `ports.registry.Registry.reviews`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.answers.reviews import ReviewAnswer
    from pinset.ports.registry import Caller


class Reviews(Protocol):
    """What a promotion would change, and what a working copy would; nothing is written."""

    def promotion(
        self, bundle: str, *, source: str = "staging", alias: str = "production", caller: Caller | None = None
    ) -> ReviewAnswer:
        """What making an alias serve a candidate would change.

        source: the selector of the candidate: an alias, a version, a label, ``latest``. caller: who would promote it,
        for approvals are of others; None for nobody yet. A server knows who asks. Gates and requests are told as far as
        their own faces tell them. Raises NotFound, PermissionDenied.
        """

    def working_copy(self, files: Mapping[str, str], *, alias: str = "production") -> ReviewAnswer:
        """What the files of a bundle directory (text by path) would change against what an alias serves.

        A bundle that is not in the registry yet is all new. Files that could not be published are reviewed as far as
        they can be read; what is wrong is among the findings. Raises PermissionDenied.
        """
