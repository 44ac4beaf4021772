"""The guard: what is refused before any route sees it.

Paths and headers that could be read in two ways, requests without a credential that a web page of another site could
have made, and bodies that are too large, too slow or no strict JSON. HEAD becomes GET here, and what costs much work
waits for its turn. Pure ASGI, so that nothing is read that need not be.
"""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool

from pinset.api import doors, problems
from pinset.api.admissions import ANONYMOUS
from pinset.api.bodies import Disconnected, again, check_body, read_body
from pinset.api.gate import is_costly
from pinset.api.limits import is_write
from pinset.api.origin import refuse_foreign
from pinset.api.pages import is_open, is_page
from pinset.errors import PermissionDenied, PinsetError, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from pinset.api.admissions import Admissions
    from pinset.api.gate import Gate
    from pinset.api.limits import Limiter
    from pinset.api.observer import Observer
    from pinset.api.settings import Settings
    from pinset.auth.identity import Identity
    from pinset.services.local import LocalRegistry

PATH_LIMIT: Final = 2048
"""Bytes of a path."""
_OPEN: Final = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""What everybody may read, whatever credential they send."""
_SINGLE: Final = frozenset(
    {
        "authorization",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "origin",
        "sec-fetch-site",
        "transfer-encoding",
        "x-api-key",
    }
)
"""Headers of which one decides: of two, somebody on the way may have read the other."""
_UNSAFE_PATH: Final = re.compile(rb"%(?!3[Aa]|40|2[Bb])|\\|//|/\.{1,2}(?:/|$)|[^\x21-\x7e]")
_UNSEEN: Final = re.compile(rb"[^\x21-\x7e]")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"),)


class Guard:
    """ASGI middleware. Leaves ``pinset.identity``, ``pinset.actor`` and ``pinset.request_id`` in the scope."""

    def __init__(
        self,
        app: ASGIApp,
        registry: LocalRegistry,
        settings: Settings,
        observer: Observer,
        gate: Gate,
        admissions: Admissions,
        limiter: Limiter,
    ) -> None:
        self._app = app
        self._registry = registry
        self._admissions = admissions
        self._settings = settings
        self._observer = observer
        self._gate = gate
        self._limiter = limiter

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body read and checked. Whoever hangs up half way changes nothing."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, method, came = self._observer.now(), scope["method"], doors.admitting(scope)
        if method == "HEAD":
            # Who serves keeps the body back; what it is told of the length stays.
            scope, send = {**scope, "method": "GET", "pinset.bodiless": True}, _bodiless(send)
        headers = _joined(scope)
        given = headers.get("x-request-id", "")
        scope["pinset.request_id"] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["pinset.actor"] = ANONYMOUS.actor
        note = partial(self._observer.answered, scope, headers, method, began=began)
        counted = _counting(scope, send, note)
        try:
            _check_headers(came)
            _check_whither(scope)
            _check_path(scope)
            doors.refuse_page(came, headers)
            await self._enter(scope, headers)
            if costly := is_costly(scope):
                self._gate.check()
            body = await read_body(scope, headers, receive, self._settings)
            receive = receive if body is None else again(body, receive)
            is_json = not is_page(scope) and not scope.get(doors.RAW)
            if not costly:
                if is_json:
                    await check_body(body or b"", self._gate)
                await self._pass(scope, receive, counted, note)
                return
            async with self._gate.turn() as end:
                if is_json:
                    await check_body(body or b"", None)
                await self._pass(scope, receive, _ending(counted, end), note)
        except Disconnected:
            return
        except PinsetError as error:
            if problems.is_attempt(scope, error):
                error = await run_in_threadpool(problems.keep_attempt, self._registry, scope, error)
            await problems.of_error(error, scope["pinset.request_id"])(scope, receive, counted)
        except problems.RefusedRequest as error:
            await error.problem(scope["pinset.request_id"])(scope, receive, counted)

    async def _pass(self, scope: AsgiScope, receive: Receive, send: Send, note: Callable[[int], None]) -> None:
        try:
            await self._app(scope, receive, send)
        except Disconnected:
            raise
        except Exception:
            # The framework answers a bug outside of here, once it has passed.
            note(500)
            raise

    async def _enter(self, scope: AsgiScope, headers: dict[str, str]) -> None:
        """Note who asks. Raises what `_admit` raises, and RateLimited for who asks too often, or guesses."""
        if scope["path"] in _OPEN or is_open(scope):
            scope["pinset.identity"] = ANONYMOUS
            return
        client, authorization = scope.get("client"), headers.get("authorization")
        self._limiter.check_guess(client, authorization)
        try:
            identity = scope["pinset.identity"] = await self._admit(scope, headers)
        except (Unauthenticated, PermissionDenied):
            self._limiter.note_guess(client, authorization, good=False)
            raise
        self._limiter.note_guess(client, authorization, good=True)
        scope["pinset.actor"] = identity.actor
        self._limiter.check(identity.actor, write=is_write(scope))

    async def _admit(self, scope: AsgiScope, headers: dict[str, str]) -> Identity:
        """Who asks. Without any token in the registry only this machine, and no page of another site."""
        authorization = headers.get("authorization")
        identity = await self._admissions.identify(authorization)
        if authorization is None:
            refuse_foreign(scope, headers)
        return identity


def _joined(scope: AsgiScope) -> dict[str, str]:
    """Headers by their name in small letters; one that is repeated is one list."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").lower()
        text = value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _counting(scope: AsgiScope, send: Send, note: Callable[[int], None]) -> Send:
    """Send, with the headers that every answer has, and noted. note: is told the status."""

    async def counted(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name.lower() for name, _ in message.get("headers", [])}
            more = [*_ALWAYS, (b"x-request-id", scope["pinset.request_id"].encode())]
            if b"cache-control" not in said:
                more.append((b"cache-control", b"no-store"))
            message["headers"] = [*message.get("headers", []), *more]
            note(message["status"])
        await send(message)

    return counted


def _bodiless(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bodiless


def _ending(send: Send, end: Callable[[], None]) -> Send:
    """Send, with the turn over once there is an answer: a client that reads slowly must not keep others out."""

    async def ending(message: Message) -> None:
        end()
        await send(message)

    return ending


def _check_headers(scope: AsgiScope) -> None:
    seen: set[str] = set()
    for raw, _ in scope["headers"]:
        name = raw.decode("latin-1").lower()
        if name in seen:
            raise problems.RefusedRequest(422, "invalid_request", f"the header {name} is there twice", "send it once")
        if name in _SINGLE:
            seen.add(name)


def _check_whither(scope: AsgiScope) -> None:
    """Raises RefusedRequest for who has forgotten where the protocols of other tools are: their clients show what they get."""
    there = doors.strayed(scope["path"])
    if there is not None:
        hint = f"end the address that this client is given with {there}"
        # Not 404, which some clients take for a prompt that is not there, and say nothing.
        raise problems.RefusedRequest(422, "invalid_path", f"clients of other tools ask below {there}", hint)


def _check_path(scope: AsgiScope) -> None:
    raw: Any = scope.get("raw_path") or scope["path"].encode()
    path = raw.split(b"?", maxsplit=1)[0]
    if not path.startswith(b"/"):
        hint = "send the path alone, and the server's name as Host"
        raise problems.RefusedRequest(422, "invalid_path", "the request's target is no path", hint)
    if len(path) > PATH_LIMIT or _is_unsafe(scope["path"], path):
        hint = "names hold lower-case letters, digits and . _ - ; nothing in a path is percent-encoded"
        raise problems.RefusedRequest(422, "invalid_path", "the path has characters that no name has", hint)


def _is_unsafe(path: str, raw: bytes) -> bool:
    """Whether a path has what no name of ours has; those of other tools' protocols are compared with what is known only."""
    if path.startswith(doors.COMPAT):
        return _UNSEEN.search(raw) is not None or doors.is_unsafe(raw)
    return _UNSAFE_PATH.search(raw) is not None
