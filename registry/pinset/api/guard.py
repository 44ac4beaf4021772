"""The guard: what is refused before any route sees it.

Paths that could be read in two ways, bodies that are too large or no strict JSON, and requests without a credential
that a web page of another site could have made. Pure ASGI, so that nothing is read that need not be.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pinset.api import problems
from pinset.domain.text import strict_json
from pinset.errors import ForeignOrigin, PinsetError, TooLarge, Unauthenticated
from pinset.ports.state import Scope

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from pinset.services.local import LocalRegistry

SMALL_BODY: Final = 1024 * 1024
LARGE_BODY: Final = 24 * 1024 * 1024
"""Bytes of a body that carries files: 8 MiB of text may take three times that as JSON."""
_OPEN: Final = frozenset({"/healthz", "/readyz"})
_UNSAFE_PATH: Final = re.compile(rb"%(?!3[Aa]|40|2[Bb])|\\|//|/\.{1,2}(?:/|$)|[^\x21-\x7e]")
_CARRIES_FILES: Final = re.compile(r"/v1/(?:bundles/[^/]+/releases|components/[^/]+/[^/]+|check|diff)")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Guard:
    """ASGI middleware. Leaves ``pinset.actor``, ``pinset.scope`` and ``pinset.request_id`` in the scope."""

    def __init__(self, app: ASGIApp, registry: LocalRegistry) -> None:
        self._app = app
        self._registry = registry

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body read and checked."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope["pinset.request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        refusal = _path_problem(scope, request_id)
        if refusal is None:
            try:
                await self._admit(scope, headers)
                receive = await _checked_body(scope, headers, receive)
            except PinsetError as error:
                refusal = problems.of_error(error, request_id)
            except strict_json.StrictJsonError as error:
                where = f"line {error.line}: " if error.line else ""
                refusal = problems.problem(
                    422, "invalid_json", f"{where}{error.message}", hint=error.hint, request_id=request_id
                )
            except _UnsupportedBodyError:
                hint = "send Content-Type: application/json"
                refusal = problems.problem(
                    415, "unsupported_media_type", "the body is not JSON", hint=hint, request_id=request_id
                )
        if refusal is not None:
            await refusal(scope, receive, send_with_id)
            return
        await self._app(scope, receive, send_with_id)

    async def _admit(self, scope: AsgiScope, headers: dict[str, str]) -> None:
        """Who asks. Without any token in the registry only this machine, and no page of another site."""
        from starlette.concurrency import run_in_threadpool  # noqa: PLC0415 - keeps the module's start light

        authorization = headers.get("authorization")
        if authorization is not None:
            kind, _, text = authorization.partition(" ")
            if kind.lower() != "bearer":
                raise Unauthenticated("only bearer tokens are taken", hint="send Authorization: Bearer pst_…")
            row = await run_in_threadpool(self._registry.authenticate, text.strip())
            scope["pinset.actor"], scope["pinset.scope"] = row.name, row.scope
            return
        if scope["path"] in _OPEN:
            scope["pinset.actor"], scope["pinset.scope"] = "anonymous", Scope.READ
            return
        if await run_in_threadpool(self._registry.has_tokens):
            raise Unauthenticated("a token is needed", hint="send Authorization: Bearer pst_…")
        _refuse_foreign(headers)
        scope["pinset.actor"], scope["pinset.scope"] = "local", Scope.ADMIN


class _UnsupportedBodyError(Exception):
    """A body of another media type than JSON."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    if host.lower() in ("localhost", "testserver.localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _refuse_foreign(headers: dict[str, str]) -> None:
    """Against DNS rebinding and cross-site requests: a page's own words for where it is must be this machine."""
    host = urlsplit("//" + headers.get("host", "")).hostname or ""
    origin = headers.get("origin")
    foreign = not is_loopback(host) or headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if origin is not None and not is_loopback(urlsplit(origin).hostname or ""):
        foreign = True
    if foreign:
        raise ForeignOrigin(
            "without tokens only requests of this machine are taken",
            hint="make a token: pinset token create --name N --can read",
        )


def _path_problem(scope: AsgiScope, request_id: str) -> Any:
    raw = scope.get("raw_path") or scope["path"].encode()
    if len(raw) <= 2048 and not _UNSAFE_PATH.search(raw):
        return None
    hint = "names hold lower-case letters, digits and . _ - ; nothing in a path is percent-encoded"
    return problems.problem(
        422, "invalid_path", "the path has characters that no name has", hint=hint, request_id=request_id
    )


async def _checked_body(scope: AsgiScope, headers: dict[str, str], receive: Receive) -> Receive:
    """The body, read up to its limit and proven to be strict JSON, to be received again."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return receive
    limit = LARGE_BODY if _CARRIES_FILES.fullmatch(scope["path"]) else SMALL_BODY
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    if body:
        if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            raise _UnsupportedBodyError
        value = strict_json.loads_bytes(body)
        if not isinstance(value, dict):
            raise strict_json.StrictJsonError("the body is no JSON object", line=1, hint="send {…}")
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over {limit:,} bytes", hint="publish only what the manifest names")
