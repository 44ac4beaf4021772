"""Requests of a registry elsewhere, and what is decided about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.client.requests import path_of
from pinset.domain import names

if TYPE_CHECKING:
    from pinset.client.http import Http
    from pinset.domain.answers import Page
    from pinset.domain.answers.requests import DecisionAnswer, RequestAnswer, SettledAnswer
    from pinset.ports.registry import Caller


class RemoteRequests:
    """Implements `pinset.ports.requests.Requests` on ``/v1``."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def list(
        self, *, state: str | None = None, bundle: str | None = None, cursor: str | None = None, limit: int = 100
    ) -> Page[RequestAnswer]:
        if bundle is not None:
            names.bundle_name(bundle)
        found: Page[RequestAnswer] = self._http.get(
            path_of("requests"), state=state, bundle=bundle, cursor=cursor, limit=limit
        )
        return found

    def show(self, number: int) -> RequestAnswer:
        found: RequestAnswer = self._http.get(path_of("requests", str(number)))
        return found

    def approve(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        return self._decide(caller, number, "approve", reason, revision)

    def reject(self, caller: Caller, number: int, *, reason: str, revision: str | None = None) -> DecisionAnswer:
        return self._decide(caller, number, "reject", reason, revision)

    def withdraw(self, caller: Caller, number: int, *, reason: str = "", revision: str | None = None) -> DecisionAnswer:
        return self._decide(caller, number, "withdraw", reason, revision)

    def settle(self, caller: Caller) -> SettledAnswer:
        found: SettledAnswer = self._http.change(
            "POST", path_of("requests", "settle"), {}, key=caller.key, dry_run=caller.dry_run, change=caller.change
        )
        return found

    def _decide(self, caller: Caller, number: int, decision: str, reason: str, revision: str | None) -> DecisionAnswer:
        found: DecisionAnswer = self._http.change(
            "POST",
            path_of("requests", str(number), decision),
            {"reason": reason},
            key=caller.key,
            dry_run=caller.dry_run,
            change=caller.change,
            headers={"If-Match": f'"{revision}"'} if revision is not None else None,
        )
        return found
