"""The policy of a registry elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.references import parse
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from pinset.client.http import Http
    from pinset.domain.answers import Page
    from pinset.domain.answers.policy import GatesAnswer, PolicyAnswer, PolicyCheckAnswer, PolicyItem
    from pinset.ports.registry import Caller


class RemotePolicies:
    """Implements `pinset.ports.policies.Policies` on ``/v1``.

    An edit is conditional even where the caller expects nothing: it applies to the policy of a moment ago.
    """

    def __init__(self, http: Http) -> None:
        self._http = http

    def edit(
        self, caller: Caller, text: str, *, expect: int | None = None, reason: str = "", break_glass: bool = False
    ) -> PolicyAnswer:
        """Bring a policy into force, or ask for it."""
        number = self.show()["number"] if expect is None else expect
        condition = {"If-Match": f'"{number}"'} if number else {"If-None-Match": "*"}
        body: dict[str, Any] = {"text": text, "reason": reason} | ({"break_glass": True} if break_glass else {})
        found: PolicyAnswer = self._http.change(
            "PUT",
            path_of("policy"),
            body,
            key=caller.key,
            dry_run=caller.dry_run,
            change=caller.change,
            headers=condition,
        )
        return found

    def show(self, number: int | None = None) -> PolicyAnswer:
        """A policy by its number, or the one in force."""
        path = path_of("policy") if number is None else path_of("policy", str(_number(number)))
        found: PolicyAnswer = self._http.get(path)
        return found

    def history(self, *, cursor: str | None = None, limit: int = 100) -> Page[PolicyItem]:
        """Policies, newest first."""
        found: Page[PolicyItem] = self._http.get(path_of("policy", "history"), cursor=cursor, limit=limit)
        return found

    def check(self, caller: Caller, text: str) -> PolicyCheckAnswer:  # noqa: ARG002 - the server knows who asks
        """Try a policy on the registry as it is."""
        found: PolicyCheckAnswer = self._http.ask(path_of("policy", "check"), {"text": text})
        return found

    def can_promote(self, caller: Caller, reference: str, alias: str) -> GatesAnswer:  # noqa: ARG002 - the server knows
        """Whether the caller may make an alias serve a release now."""
        wanted = parse(reference, default=None)
        path = path_of("bundles", wanted.bundle, "aliases", names.alias_name(alias), "gates")
        found: GatesAnswer = self._http.get(path, release=str(wanted.selector))
        return found


def _number(number: int) -> int:
    if number < 0:
        raise InvalidInput(f"{number} is the number of no policy", hint="they begin at 1: pinset policy history")
    return number
