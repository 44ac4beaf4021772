"""Changes over many bundles: `ports.registry.Registry.changesets`.

What is written over many bundles is one write a bundle; what holds them together is `Caller.change`. So each of them is
fast, fails alone, and may be asked for again: what is done already is found to be done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import Page
    from pinset.domain.answers.changes import (
        BumpAnswer,
        ChangeAnswer,
        ChangeSummary,
        DerivedAnswer,
        HolderAnswer,
        UndoneChange,
    )
    from pinset.domain.edits import Edits
    from pinset.ports.registry import Caller


class Changesets(Protocol):
    """A release from a release, a component's new version in every bundle, and what was done under one name."""

    def derive(
        self,
        caller: Caller,
        reference: str,
        edits: Edits,
        *,
        message: str = "",
        label: str | None = None,
        alias: str | None = None,
        source: Mapping[str, Any] | str | None = None,
        number: int | None = None,
        allow: Sequence[str] = (),
    ) -> DerivedAnswer:
        """Publish a release that is another one with some values and files changed; the rest of its texts is kept.

        What the reference names is looked up once. Where ``alias`` is the alias by which the release was named, it is
        moved only if it still serves that release, else AliasMoved. A label of the release is not taken along. Raises
        InvalidInput, ChecksFailed, and what `Registry.publish` raises.
        """

    def holders(
        self,
        component: str,
        *,
        bundles: str = "*",
        alias: str | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page[HolderAnswer]:
        """The bundles that hold an older version of a component than the one named (``prompts/house-tone@v4``), by name.

        alias: looks at what it serves; without, at the newest release of each that is not yanked. bundles: a pattern.
        Raises NotFound for a component that there is not.
        """

    def bump(
        self,
        caller: Caller,
        component: str,
        bundle: str,
        *,
        alias: str | None = None,
        message: str = "",
        allow: Sequence[str] = (),
    ) -> BumpAnswer:
        """Publish a successor of one bundle's release that holds this version of a component, and move ``alias`` to it.

        The successor is of what ``alias`` serves, without one of the newest release. One write; where a gate refuses
        the move, the successor is published all the same. Somebody else's publish or move meanwhile is taken into
        account. Raises ChecksFailed, PermissionDenied; then nothing is written.
        """

    def list(self, *, cursor: str | None = None, limit: int = 100) -> Page[ChangeSummary]:
        """Changes, the one with the newest write first; as far as they are about what may be read."""

    def show(self, change: str, *, cursor: str | None = None, limit: int = 100) -> ChangeAnswer:
        """What was published and moved under a change, bundle by bundle. Raises NotFound."""

    def rollback(
        self, caller: Caller, change: str, *, reason: str = "", cursor: str | None = None, limit: int = 50
    ) -> UndoneChange:
        """Let every alias that a change moved, and that still serves that, serve what it served before the change.

        Each is a move of its own, conditional on what was seen; the answer tells of each. At most ``limit`` aliases;
        ``next`` is the cursor for the rest. Asked again it finishes what is left. Raises NotFound.
        """
