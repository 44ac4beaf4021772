"""The policy of a registry, as users see it: `ports.registry.Registry.policies`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pinset.domain.answers import Page
    from pinset.domain.answers.policy import GatesAnswer, PolicyAnswer, PolicyCheckAnswer, PolicyItem
    from pinset.ports.registry import Caller


class Policies(Protocol):
    """Who may make an alias serve what: committed, numbered, and changed under its own rule."""

    def edit(
        self, caller: Caller, text: str, *, expect: int | None = None, reason: str = "", break_glass: bool = False
    ) -> PolicyAnswer:
        """Bring a policy into force; where the one in force wants approvals, a request for it is made instead.

        expect: the number that must be in force, 0 for none. break_glass: pass the policy's own rule, for whom it
        names. Raises InvalidPolicy, InvalidInput without a reason, PolicyMoved, GatesOpen, PermissionDenied.
        """

    def show(self, number: int | None = None) -> PolicyAnswer:
        """A policy by its number; None: the one in force, which is number 0 and empty before there is one."""

    def history(self, *, cursor: str | None = None, limit: int = 100) -> Page[PolicyItem]:
        """Policies, newest first."""

    def check(self, caller: Caller, text: str) -> PolicyCheckAnswer:
        """Try a policy on the registry as it is, and change nothing. Raises InvalidPolicy.

        What a caller may not read is not looked at.
        """

    def can_promote(self, caller: Caller, reference: str, alias: str) -> GatesAnswer:
        """Whether the caller may make an alias serve a release now: every gate, and nothing is done."""
