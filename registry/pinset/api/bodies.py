"""Request bodies: read up to a limit, in bounded time, and proven to be strict JSON before anything parses them."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool

from pinset.api import doors
from pinset.api.pages import FORM, FORM_BYTES, is_page
from pinset.api.problems import RefusedRequest
from pinset.domain.text import strict_json
from pinset.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Receive, Scope

    from pinset.api.gate import Gate
    from pinset.api.settings import Settings

_CARRIES_FILES: Final = re.compile(
    r"/v1/(?:bundles/[^/]+/releases(?:/[^/]+/evidence)?|components/[^/]+/[^/]+|check|diff|imports)"
)
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_INLINE: Final = 64 * 1024
"""Bytes that are parsed at once; more would hold up the other requests, and goes through the gate to a thread."""
_CONTAINERS: Final = 1_000_000
"""Objects and lists of a body. Each takes far more memory than its two bytes."""


_QUOTES: Final = 8_000_000
"""Quotation marks of a body: four million texts, each an object of its own once it is parsed."""


class Disconnected(Exception):  # noqa: N818 - nobody is left to be told
    """The client hung up before its body was whole."""


async def read_body(scope: Scope, headers: Mapping[str, str], receive: Receive, settings: Settings) -> bytes | None:
    """The body of a request, None of a method that has none. Raises TooLarge, RefusedRequest, Disconnected."""
    if scope["method"] in _WITHOUT_BODY:
        return None
    large = scope.get(doors.COSTLY) or scope.get(doors.RAW) or _CARRIES_FILES.fullmatch(scope["path"])
    limit = settings.large_body if large else settings.small_body
    if is_page(scope):
        limit = min(limit, FORM_BYTES)
    declared = headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    try:
        async with asyncio.timeout(settings.body_seconds):
            body = await _read(receive, limit)
    except TimeoutError:
        detail = f"the body did not arrive within {settings.body_seconds:g} s"
        raise RefusedRequest(408, "request_timeout", detail, "send it again over a better line") from None
    if body and is_page(scope):
        _check_form(headers)
    elif body and not scope.get(doors.RAW):
        _check_type(headers)
        if body.count(b"{") + body.count(b"[") > _CONTAINERS or body.count(b'"') > _QUOTES:
            detail = f"the body has more than {_CONTAINERS:,} of {{ and [, or more than {_QUOTES:,} quotation marks"
            raise InvalidInput(detail, hint="send fewer objects, lists and texts; a file's text counts too")
    return body


async def check_body(body: bytes, gate: Gate | None) -> None:
    """Prove that a body is strict JSON. gate: what a large one waits for. Raises RefusedRequest, Busy."""
    if len(body) <= _INLINE:
        if body:
            _check(body)
        return
    async with AsyncExitStack() as stack:
        if gate is not None:
            await stack.enter_async_context(gate.turn())
        await run_in_threadpool(_check, body)


async def _read(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _check_type(headers: Mapping[str, str]) -> None:
    if _media_type(headers) != "application/json":
        hint = "send Content-Type: application/json"
        raise RefusedRequest(415, "unsupported_media_type", "the body is not JSON", hint)
    _check_plain(headers)


def _check_form(headers: Mapping[str, str]) -> None:
    if _media_type(headers) != FORM:
        raise RefusedRequest(415, "unsupported_media_type", "the body is no form", f"send Content-Type: {FORM}")
    _check_plain(headers)


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").split(";")[0].strip().lower()


def _check_plain(headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RefusedRequest(415, "unsupported_media_type", "the body is compressed", "send it as it is")


def _check(body: bytes) -> None:
    try:
        value = strict_json.loads_bytes(body)
    except strict_json.StrictJsonError as error:
        where = f"line {error.line}: " if error.line else ""
        raise RefusedRequest(422, "invalid_json", f"{where}{error.message}", error.hint) from None
    if not isinstance(value, dict):
        raise RefusedRequest(422, "invalid_json", "the body is no JSON object", "send {…}")


def again(body: bytes, receive: Receive) -> Receive:
    """What receives a body that was read."""
    sent = False

    async def one_more() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return one_more


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over {limit:,} bytes", hint="publish only what the manifest names")
