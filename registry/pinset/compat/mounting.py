"""Around the application, for the paths of protocols only: what a request is, and every failure as that protocol tells it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.api import doors, pages
from pinset.api.problems import MEDIA_TYPE
from pinset.api.routing import add_routes
from pinset.compat import langfuse, langsmith, mlflow, ofrep, opik, phoenix
from pinset.compat.ofrep.sets import Sets
from pinset.config import Compat as Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pinset.compat.protocol import Protocol

PROTOCOLS: Final[tuple[Protocol, ...]] = (
    langfuse.PROTOCOL, langsmith.PROTOCOL, mlflow.PROTOCOL, ofrep.PROTOCOL, opik.PROTOCOL, phoenix.PROTOCOL,
)  # fmt: skip
_LONGEST: Final = 256 * 1024
"""Bytes of a problem document."""


class Compat:
    """The application with its protocols: an ASGI application. api: the one at the core of it."""

    def __init__(self, app: ASGIApp, api: FastAPI, protocols: Mapping[str, Protocol]) -> None:
        self.api = api
        self._app, self._protocols = app, protocols

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is of no protocol as it is."""
        path: str = scope.get("path", "")
        protocol = self._protocols.get(path.split("/", 3)[2]) if path.startswith(doors.COMPAT) else None
        if scope["type"] != "http" or protocol is None or not path.startswith(protocol.prefix):
            await self._app(scope, receive, send)
            return
        asked = f"{scope['method']} {path[len(protocol.prefix) - 1 :]}"
        kinds = (
            (doors.READS, protocol.reads),
            (doors.COSTLY, protocol.writes),
            (doors.RAW, protocol.raw),
            (pages.OPEN, protocol.opened),
        )
        scope.update({mark: True for mark, pattern in kinds if pattern.fullmatch(asked)})
        await self._app(scope, receive, _Answer(protocol, asked, send))


def with_compat(app: ASGIApp, api: FastAPI, chosen: Settings | None = None) -> Compat:
    """An application that speaks the protocols which are chosen. app: the application, or what is around it already."""
    chosen = chosen or Settings()
    spoken = {one.name: one for one in PROTOCOLS if chosen.protocols[one.name].enabled}
    api.state.compat, api.state.flag_sets = chosen, Sets()
    for protocol in spoken.values():
        add_routes(api, protocol.router)
        for beginning, key in (protocol.posted or {}).items():
            api.state.hot.posted[(protocol.prefix.rstrip("/") + beginning).encode()] = key
    return Compat(app, api, spoken)


class _Answer:
    """Sends an answer on; a problem document as the protocol's own words for it."""

    def __init__(self, protocol: Protocol, asked: str, send: Send) -> None:
        self._protocol, self._asked, self._send = protocol, asked, send
        self._problem: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _media_type(message) == MEDIA_TYPE.encode():
            self._problem = message
        elif self._problem is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")[: _LONGEST - len(self._body)]
            if not message.get("more_body", False):
                await self._finish(self._problem)

    async def _finish(self, start: Message) -> None:
        try:
            problem: dict[str, Any] = json.loads(self._body)
        except ValueError:  # of HEAD there is no body
            problem = {}
        problem = {
            "status": start["status"],
            "title": "",
            "detail": "",
            "hint": "",
            "code": "",
            **problem,
            "asked": self._asked,
        }
        status, told = self._protocol.told(start["status"], problem)
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
        dropped = (b"content-type", b"content-length", b"www-authenticate")
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in dropped]
        headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await self._send({**start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _media_type(message: Message) -> bytes:
    for name, value in message.get("headers", []):
        if name.lower() == b"content-type":
            return bytes(value).split(b";")[0].strip().lower()
    return b""
