"""Requests and what is decided about them, as users see them: `ports.registry.Registry.requests`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pinset.domain.answers import Page
    from pinset.domain.answers.requests import DecisionAnswer, RequestAnswer, SettledAnswer
    from pinset.ports.registry import Caller


class Requests(Protocol):
    """Moves, and changes of the policy, that wait for the approval of others."""

    def list(
        self, *, state: str | None = None, bundle: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[RequestAnswer]:
        """Requests, newest first. state: only of this state. bundle: only about this one."""

    def show(self, number: int) -> RequestAnswer:
        """A request: what it would change, what it waits for, what was decided so far. Raises NotFound."""

    def approve(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        """Approve a request; where that passes the last gate, what it asks for is made in the same write.

        revision: of the request that the caller has seen; another one raises RequestChanged. Raises OwnApproval,
        RequestClosed, PermissionDenied.
        """

    def reject(self, caller: Caller, number: int, *, reason: str, revision: str | None = None) -> DecisionAnswer:
        """Reject a request, for good. Raises InvalidInput without a reason, RequestClosed."""

    def withdraw(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        """Take a request back, for good. Only who made it may. Raises PermissionDenied, RequestClosed."""

    def settle(self, caller: Caller) -> SettledAnswer:
        """Make what open requests ask for whose gates have all passed by now, such as by time.

        For who may promote everywhere; changes of the policy only where the caller may make them, too.
        """
