"""Looking at a registry: as it is, or as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain import answers
    from pinset.domain.answers.blame import BlameAnswer
    from pinset.domain.answers.costs import CostAnswer


class Readings(Protocol):
    """What can be asked of a registry and of what it was at a time. See `pinset.ports.registry.Registry`.

    Of a time, an alias is what it served then, ``latest`` the newest release that was there and not yanked then, and a
    version, label or digest must have been there. ``yanked`` is what is known now: who looks back is warned too.
    Raises NotFound for what was not there yet, saying since when it is; InvalidInput for a time that has not come.
    """

    def release(self, reference: str) -> answers.ReleaseAnswer:
        """The release document of a reference."""

    def sealed(self, reference: str) -> answers.SealedAnswer:
        """The sealed form of a reference."""

    def summary(self, reference: str) -> answers.ReleaseSummary:
        """A release without its content, and what served it."""

    def file(self, reference: str, path: str) -> str:
        """One file of a release as it is."""

    def bundles(
        self,
        *,
        query: str = "",
        uses: str | None = None,
        alias: str | None = None,
        owner: str | None = None,
        archived: bool = False,
        cursor: str | None = None,
        limit: int = 100,
    ) -> answers.Page[answers.BundleAnswer]:
        """Bundles by name. Of a time, ``uses`` cannot be asked: InvalidInput."""

    def bundle(self, name: str) -> answers.BundleAnswer:
        """One bundle."""

    def releases(
        self, bundle: str, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.ReleaseSummary]:
        """Releases of a bundle, newest first."""

    def aliases(self, bundle: str) -> answers.Page[answers.AliasAnswer]:
        """Every alias of a bundle that had moved, retired ones included."""

    def history(
        self, bundle: str, alias: str | None = None, *, cursor: str | None = None, limit: int = 100
    ) -> answers.Page[answers.HistoryItem]:
        """Moves, newest first."""

    def diff(self, old: str, new: str) -> dict[str, Any]:
        """What changes from one release to another."""

    def cost(self, reference: str) -> CostAnswer:
        """Tokens of the calls of each prompt of a release, and what 1,000 of them cost by today's prices."""

    def blame(self, reference: str, path: str) -> BlameAnswer:
        """For each line of a file, what brought it: by an alias the move, by any other reference the release.

        See `domain.blame`. Raises NotFound, naming near paths, for a file that the release has not, and TooLarge.
        """

    def resolve(self, references: Sequence[str]) -> answers.ResolveAnswer:
        """Many references at one serial."""
