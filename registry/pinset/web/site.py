"""Around the application, for the paths of pages only: sessions, headers, and every failure as a page.

A request of the API passes by untouched, and its cookies mean nothing. A page's session becomes the ``authorization``
header that the same guard judges; the problem document that the application answers becomes a page with the same words.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.api import doors
from pinset.api.pages import OPEN, PAGE
from pinset.api.problems import MEDIA_TYPE
from pinset.api.routing import add_routes
from pinset.config import Pages
from pinset.signing.sealing import Vault
from pinset.web.rendering import render
from pinset.web.routes import ROUTERS
from pinset.web.sessions import SESSION, Sessions
from pinset.web.signing_in import SigningIn
from pinset.web.view import HTML, Here, sign_in_for
from pinset.web.visits import KEY, Visit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI
    from starlette.types import Message, Receive, Send
    from starlette.types import Scope as AsgiScope

    from pinset.config import Issuer

_API: Final = frozenset({"/v1", "/healthz", "/readyz", "/metrics", "/openapi.json"})
_SIGNING: Final = "/sign-in"
_OPEN: Final = frozenset({_SIGNING, "/sign-out", "/theme", "/favicon.ico"})
_LOOKING: Final = frozenset({"GET", "HEAD"})
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    b"content-security-policy": _POLICY.encode(),
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_LONGEST: Final = 256 * 1024
"""Bytes of a problem document."""


class Site:
    """The application with its pages: an ASGI application. api: the one that it is around."""

    def __init__(self, api: FastAPI, vault: Vault, sessions: Sessions) -> None:
        self.api, self._app = api, api
        self._vault, self._sessions = vault, sessions

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """Pass on what is no page as it is."""
        if scope["type"] != "http" or is_of_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        visit = Visit.of(scope, self._sessions, self._vault)
        inner = {**scope, PAGE: True, OPEN: is_open(scope["path"]), KEY: visit, "headers": _admitting(scope, visit)}
        visit.scope = inner
        await self._app(inner, receive, _Answer(inner, visit, send))


def with_pages(
    api: FastAPI, *, vault: Vault | None = None, chosen: Pages | None = None, issuers: Sequence[Issuer] = ()
) -> Site:
    """An application with pages. vault: seals sessions, for all workers alike. issuers: those where people may sign in."""
    vault, chosen = vault or Vault.fresh(), chosen or Pages()
    for router in ROUTERS:
        add_routes(api, router)
    sessions = api.state.sessions = Sessions(vault, hours=chosen.session_hours)
    api.state.signing = SigningIn(chosen, issuers)
    return Site(api, vault, sessions)


def is_of_api(path: str) -> bool:
    """Whether a path is none of a page."""
    return path in _API or path.startswith(("/v1/", doors.COMPAT, doors.GIT)) or bool(doors.strayed(path))


def is_open(path: str) -> bool:
    """Whether a page is for everybody."""
    return path in _OPEN or path.startswith(("/assets/", f"{_SIGNING}/"))


def _admitting(scope: AsgiScope, visit: Visit) -> list[tuple[bytes, bytes]]:
    """The headers, with the session's credential where the request brought none of its own, and without cookies."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]
    if visit.session is not None and not any(name.lower() == b"authorization" for name, _ in headers):
        headers.append((b"authorization", f"Bearer {visit.session.credential}".encode("latin-1")))
    return headers


class _Answer:
    """Sends an answer as that of a page: with its headers and cookies; a problem document as a page that says the same."""

    def __init__(self, scope: AsgiScope, visit: Visit, send: Send) -> None:
        self._scope, self._visit, self._send = scope, visit, send
        self._problem: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if _media_type(message) == MEDIA_TYPE.encode() and self._wants_page():
                self._problem = message
                return
            await self._start(message)
        elif self._problem is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")[: _LONGEST - len(self._body)]
            if not message.get("more_body", False):
                await self._finish(self._problem)

    async def _start(self, message: Message) -> None:
        """Send the head, with what every page has."""
        headers = list(message.get("headers", []))
        said = {name.lower() for name, _ in headers}
        headers += [(name, value) for name, value in _HEADERS.items() if name not in said]
        headers += [(b"set-cookie", one) for one in self._visit.setting]
        await self._send({**message, "headers": headers})

    async def _finish(self, start: Message) -> None:
        """Send a page, or the way to sign in, in the place of a problem document."""
        status, scope = start["status"], self._scope
        kept = [
            (name, value)
            for name, value in start["headers"]
            if name.lower() not in (b"content-type", b"content-length", b"www-authenticate")
        ]
        if status == 401 and scope["method"] in _LOOKING and not is_open(scope["path"]):
            if scope.get("headers") and (self._visit.session is not None or self._visit.ended):
                self._visit.set(SESSION, "", 0)
            query = scope["query_string"].decode("latin-1")
            target = sign_in_for(f"{scope['path']}?{query}" if query else scope["path"])
            kept.append((b"location", target.encode("latin-1")))
            await self._start({**start, "status": 303, "headers": [*kept, (b"content-length", b"0")]})
            await self._send({"type": "http.response.body", "body": b""})
            return
        body = b"" if scope["method"] == "HEAD" else self._page(status).encode("utf-8", "replace")
        kept.append((b"content-type", HTML.encode()))
        if scope["method"] != "HEAD":
            kept.append((b"content-length", str(len(body)).encode()))
        await self._start({**start, "headers": kept})
        await self._send({"type": "http.response.body", "body": body})

    def _page(self, status: int) -> str:
        try:
            problem: dict[str, Any] = json.loads(self._body)
        except ValueError:
            problem = {}
        problem = {"status": status, "title": "", "detail": "", "hint": "", "code": "", "request_id": "", **problem}
        here = Here.of({**self._scope, "pinset.request_id": problem["request_id"]})
        return render("error.html", {"here": here, "problem": problem})

    def _wants_page(self) -> bool:
        """Whether a page is wanted: by all who do not ask for JSON, or for events, instead."""
        accepted = b",".join(value for name, value in self._scope["headers"] if name.lower() == b"accept").lower()
        return b"text/html" in accepted or not (b"json" in accepted or b"event-stream" in accepted)


def _media_type(message: Message) -> bytes:
    for name, value in message.get("headers", []):
        if name.lower() == b"content-type":
            return bytes(value).split(b";")[0].strip().lower()
    return b""
