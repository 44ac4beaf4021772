"""What a handler is given: the registry, who asks, and the first answer of a request that was sent before."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Depends, Header, Query, Request
from starlette.responses import Response

from pinset.auth.access import permit
from pinset.domain import names
from pinset.errors import IdempotencyMismatch, InvalidInput
from pinset.ports.registry import Caller
from pinset.ports.state import Answer
from pinset.services.session import operation_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT: Final = 24 * 3600 * 1_000_000
"""Microseconds for which a first answer is kept."""


class Asked:
    """One request: who asks, what they may, and how it is answered."""

    def __init__(self, request: Request, registry: LocalRegistry, *, dry_run: bool, key: str | None) -> None:
        self.registry = registry
        self._request = request
        self.actor: str = request.scope["pinset.actor"]
        if key is not None and not _KEY.fullmatch(key):
            raise InvalidInput("the Idempotency-Key is no visible ASCII of 1 to 255", hint="send a UUID")
        self.caller = Caller(actor=self.actor, key=None if dry_run else key, dry_run=dry_run)

    def answered(self, body: Any, status: int = 200, **headers: str) -> Response:
        """A body as JSON."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(text, status_code=status, media_type="application/json", headers=sent)

    def once(self, body: Any, work: Callable[[], Response]) -> Response:
        """The answer of a change; of one that was sent before with the same key, the first answer again.

        The write itself carries the key too, so that a retry after a crash finds what it did even where no answer
        was kept.
        """
        caller, state = self.caller, self.registry.state
        if caller.key is None:
            return work()
        asked = [self._request.method, self._request.url.path, body, *self._preconditions()]
        fingerprint = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
        kept = state.answer(caller.key, caller.actor)
        if kept is not None:
            if kept.request != fingerprint:
                raise IdempotencyMismatch(
                    "the Idempotency-Key was used before for another request", hint="use a new key for each request"
                )
            again = {"Idempotent-Replayed": "true"}
            return Response(kept.body, status_code=kept.status, media_type="application/json", headers=again)
        response = work()
        now = time.time_ns() // 1000
        state.keep_answer(
            Answer(
                key=caller.key,
                principal=caller.actor,
                request=fingerprint,
                operation=operation_of(caller, "", {}).id,
                status=response.status_code,
                body=bytes(response.body).decode(),
                at=now,
            ),
            forget_before=now - _KEPT,
        )
        return response

    def _preconditions(self) -> list[str | None]:
        return [self._request.headers.get(name) for name in ("if-match", "if-none-match")]


def asking(verb: str) -> Any:
    """The dependency of a route: who asks may do ``verb``, else PermissionDenied."""

    def dependency(
        request: Request,
        dry_run: Annotated[bool, Query(description="Say what would happen, change nothing.")] = False,  # noqa: FBT002 - FastAPI reads it
        key: Annotated[
            str | None, Header(alias="Idempotency-Key", description="A retry with it has one effect.")
        ] = None,
    ) -> Asked:
        permit(request.scope["pinset.scope"], verb)
        return Asked(request, request.app.state.registry, dry_run=dry_run, key=key)

    def reading(request: Request) -> Asked:
        permit(request.scope["pinset.scope"], verb)
        return Asked(request, request.app.state.registry, dry_run=False, key=None)

    chosen = reading if verb == "read" else dependency
    chosen.verb = verb  # type: ignore[attr-defined]  # the route table's test reads it
    return Depends(chosen)


Bundle = Annotated[str, "the bundle's name"]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(max_length=200)]


def reference(bundle: str, selector: str) -> str:
    """A bundle and a selector of the path as one reference. Raises InvalidName."""
    return f"{names.bundle_name(bundle)}@{selector}"


def etag(value: str, form: str) -> str:
    """An entity tag: what it identifies and in which shape it was answered."""
    return f'"{value}.{form}1"'


def not_modified(request: Request, tag: str) -> bool:
    """Whether the client has this already."""
    given = request.headers.get("if-none-match", "")
    return given == "*" or tag in [one.strip().removeprefix("W/") for one in given.split(",")]


def revision_of(request: Request) -> str | None:
    """The revision that a change expects: If-Match's, ``none`` for If-None-Match: *, None without either."""
    if request.headers.get("if-none-match", "").strip() == "*":
        return "none"
    given = request.headers.get("if-match")
    return given.strip().strip('"').split(".")[0] if given is not None else None
