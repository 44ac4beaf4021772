"""Changes of bundles themselves as their users see them: a face of the registry, near and far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.bundles import BundleChangeAnswer
    from pinset.ports.registry import Caller


class BundleChanges(Protocol):
    """Says who owns a bundle and what it is for, takes it out of use, and gives it another name.

    Each is a record of its own. Where a bundle is so already nothing is written. All raise NotFound for a bundle without
    a release.
    """

    def set(
        self,
        caller: Caller,
        bundle: str,
        *,
        owner: str | None = None,
        description: str | None = None,
        also: Sequence[str] = (),
        not_also: Sequence[str] = (),
        reason: str = "",
    ) -> BundleChangeAnswer:
        """Say who owns a bundle, or what it is for. None leaves it as it is, '' empties it. Raises InvalidInput.

        also: what other tools call it, besides what they do. not_also: what they do not call it any more; then another
        bundle can be called so. Raises InvalidName, and AlreadyExists where another bundle is.
        """

    def archive(self, caller: Caller, bundle: str, *, reason: str) -> BundleChangeAnswer:
        """Take a bundle out of use: lists leave it out, and nothing is published or promoted any more.

        What its aliases serve they go on serving, and roll back. Raises InvalidInput without a reason.
        """

    def unarchive(self, caller: Caller, bundle: str, *, reason: str = "") -> BundleChangeAnswer:
        """Take a bundle into use again."""

    def rename(self, caller: Caller, bundle: str, name: str, *, reason: str) -> BundleChangeAnswer:
        """Give a bundle another name; by those that it had it answers on for ever, and no other bundle can have them.

        Raises AlreadyExists for a name that another bundle has or had, InvalidInput without a reason.
        """
