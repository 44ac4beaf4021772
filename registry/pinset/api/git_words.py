"""Around the application, for the paths of git only: what a request is, and every failure in words that git shows.

Git prints an answer that is plain text, each line behind ``remote:``, and of any other only its status; who else asks is
told by a problem document. It sends a credential once it is told to send Basic.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pinset.api import doors
from pinset.api.problems import MEDIA_TYPE
from pinset.api.streams import dropping

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DROP: Final = "pinset.drop"
"""Set in the scope of a request of git: what ends its connection at once."""
_SENDS: Final = ("/git/git-upload-pack", "/git/registry.git/git-upload-pack")
_CHALLENGE: Final = b'Basic realm="pinset", charset="UTF-8"'
_LONGEST: Final = 256 * 1024
"""Bytes of a problem document."""


class GitWords:
    """ASGI middleware. All that is none of git's passes by untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark what a request is, and send what git understands."""
        if scope["type"] != "http" or not scope["path"].startswith(doors.GIT):
            await self._app(scope, receive, send)
            return
        sends = scope["path"] in _SENDS
        marks = {doors.READS: sends, doors.RAW: sends, DROP: dropping(receive)}
        await self._app({**scope, **marks}, receive, _Told(send) if _is_sent_by_git(scope) else _challenging(send))


class _Told:
    """Sends an answer on; a problem document as text."""

    def __init__(self, send: Send) -> None:
        self._send = send
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
        body = _text(self._body)
        dropped = (b"content-type", b"content-length")
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in dropped]
        headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await _challenging(self._send)({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def _challenging(send: Send) -> Send:
    """Send, with Basic asked for where a credential is needed."""

    async def challenging(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 401:
            kept = [(name, value) for name, value in message["headers"] if name.lower() != b"www-authenticate"]
            message = {**message, "headers": [*kept, (b"www-authenticate", _CHALLENGE)]}
        await send(message)

    return challenging


def _is_sent_by_git(scope: Scope) -> bool:
    """Whether git asks, or a library that says it is like it."""
    return any(name.lower() == b"user-agent" and b"git" in value.lower() for name, value in scope["headers"])


def _text(problem: bytes) -> bytes:
    """What a problem document says, for people; of HEAD there is none."""
    try:
        found: dict[str, Any] = json.loads(problem)
    except ValueError:
        return b""
    lines = [f"error: {found['detail']}", *([f"hint: {found['hint']}"] if found["hint"] else [])]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _media_type(message: Message) -> bytes:
    for name, value in message.get("headers", []):
        if name.lower() == b"content-type":
            return bytes(value).split(b";")[0].strip().lower()
    return b""
