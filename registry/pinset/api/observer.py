"""What is noted of every answer, in the thread of the event loop: figures, who fetched what, and a line where one is wanted."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.api import logs
from pinset.api.metrics import template_of
from pinset.domain.references import SelectorKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Scope

    from pinset.api.adoption import Adoption
    from pinset.api.metrics import Fetched, Fetches, Requests
    from pinset.api.prepared import Prepared
    from pinset.domain.references import Selector

_FETCHED: Final = "pinset.fetched"
_SUCCESS: Final = (200, 304)


def mark_fetched(scope: Scope, selector: Selector, bundle: str, version: int) -> None:
    """Leave in the scope of a request that it fetches a release, and through which alias; '' for none."""
    alias = selector.text if selector.kind is SelectorKind.ALIAS else ""
    scope[_FETCHED] = (bundle, alias, version)


class Asked(NamedTuple):
    """A request that was answered ahead of the framework. began: when `Observer.now` said so."""

    target: bytes
    request_id: bytes
    actor: str
    began: float


class Observer:
    """Notes the answers of one application. log_requests: a line for each; one for a 500 there is always."""

    def __init__(
        self,
        requests: Requests,
        fetches: Fetches,
        adoption: Adoption,
        *,
        log_requests: bool,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._requests, self._fetches, self._adoption = requests, fetches, adoption
        self._log_requests, self.now = log_requests, now

    def answered(self, scope: Scope, headers: Mapping[str, str], method: str, status: int, began: float) -> None:
        """An answer begins. headers: of the request, by their names in small letters. began: when `now` said so."""
        seconds, route = self.now() - began, template_of(scope)
        self._requests.count(method, route, status, seconds)
        fetched: Any = scope.get(_FETCHED)
        if fetched is not None and status in _SUCCESS:
            self._fetched(fetched, headers.get("pinset-client"), headers.get("pinset-holds"))
        if self._log_requests or status == 500:
            logs.answered(
                request_id=scope["pinset.request_id"],
                method=method,
                path=scope["path"],
                route=route,
                status=status,
                seconds=seconds,
                actor=scope["pinset.actor"],
            )

    def answered_ahead(
        self, prepared: Prepared, method: str, headers: Mapping[bytes, bytes], status: int, asked: Asked
    ) -> None:
        """A fetch was answered ahead of the framework: the same, without a scope."""
        seconds = self.now() - asked.began
        self._requests.count(method, prepared.route, status, seconds)
        client, holds = (_text(headers.get(name)) for name in (b"pinset-client", b"pinset-holds"))
        self._fetched(prepared.fetched, client, holds)
        if self._log_requests:
            logs.answered(
                request_id=asked.request_id.decode(),
                method=method,
                path=asked.target.partition(b"?")[0].decode(),
                route=prepared.route,
                status=status,
                seconds=seconds,
                actor=asked.actor,
            )

    def _fetched(self, fetched: Fetched, client: str | None, holds: str | None) -> None:
        self._fetches.count(fetched)
        if client is not None and fetched[1]:
            self._adoption.seen(client, fetched[0], fetched[1], holds)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
