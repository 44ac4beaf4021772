"""What is said where a registry does not answer, or not as one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.client.requests import object_of, seconds_of
from pinset.errors import RateLimited, Unavailable, from_problem

if TYPE_CHECKING:
    from pinset.client.requests import Answer, Request
    from pinset.errors import PinsetError

_NOT_A_REGISTRY: Final = frozenset({"no_such_route", "method_not_allowed"})


class Failures:
    """The errors of one address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def problem(self, answer: Answer) -> PinsetError:
        """The error of an answer that is none. Only a registry's own word says that something does not exist."""
        problem = object_of(answer)
        if problem is None or not isinstance(problem.get("code"), str):
            return self.strange(answer)
        if problem["code"] in _NOT_A_REGISTRY:
            return Unavailable(
                f"{self._url} does not know this request", hint="is it a registry, and as new as this program?"
            )
        error = from_problem({**problem, "status": answer.status})
        if isinstance(error, RateLimited | Unavailable) and answer.retry_after:
            error.details.setdefault("retry_after", seconds_of(answer.retry_after))
        return error

    def strange(self, answer: Answer) -> Unavailable:
        """The error of an answer that no registry gives."""
        if 300 <= answer.status < 400:
            return Unavailable(
                f"{self._url} redirects, and redirects are not followed", hint="name the final address as the registry"
            )
        return Unavailable(f"{self._url} answered {answer.status}, and not as a registry does", hint=self.hint)

    def unreachable(self, why: str) -> Unavailable:
        """The error where there is no connection."""
        return Unavailable(
            f"{self._url} cannot be reached: {why}",
            hint="check the address, and that a registry is served there: pinset serve",
        )

    def silent(self, request: Request) -> Unavailable:
        """The error where no answer came. Of a change nobody knows then whether it happened, and the key says which it was."""
        if request.key is None:
            return Unavailable(f"{self._url} gave no answer within {request.seconds:g} s", hint=self.hint)
        return Unavailable(
            f"{self._url} gave no answer, so the change may have happened or not",
            hint="look before you do it again; with the same Idempotency-Key it happens once",
            details={"idempotency_key": request.key},
        )

    @property
    def hint(self) -> str:
        """The way out where nothing better is known."""
        return f"try again; if it stays so, check that {self._url} is a registry"
