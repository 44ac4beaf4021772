"""``/git``: the registry's repository for `git clone` and `git fetch`. Read-only, and only git's smart protocol."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p  # noqa: TC001 - the framework reads the annotations
from pinset.api.bodies import Disconnected
from pinset.api.cloning import Clone
from pinset.api.problems import RefusedRequest
from pinset.errors import NotFound, PermissionDenied, TooLarge
from pinset.gitstore.upload import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.cloning import Cloning

router = APIRouter(prefix="/git", include_in_schema=False)

BODY_BYTES: Final = 8 * 1024 * 1024
"""Of a request, as it is sent."""
_UPLOAD: Final = "git-upload-pack"
_RECEIVE: Final = "git-receive-pack"
_TYPE: Final = f"application/x-{_UPLOAD}-request"
_COMPRESSED: Final = ("gzip", "x-gzip")
_PROTOCOL: Final = re.compile(r"[A-Za-z0-9=:._-]{1,64}")
_READ_ONLY: Final = (
    "use the command line: pinset publish, pinset promote, with --registry and the address of this server"
)


@router.get("/info/refs")
@router.get("/registry.git/info/refs")
async def show_refs(asked: p.ReadsAll, service: Annotated[str, Query(max_length=64)] = "") -> Response:
    """What a client begins with: what git can do here, and in older protocols every branch."""
    cloning = _cloning(asked.request)
    if service == _RECEIVE:
        raise _read_only()
    if service != _UPLOAD:
        raise _nothing()
    cloning.check()
    made = partial(Asked, method="GET", path="/info/refs", query=f"service={_UPLOAD}")
    return Clone(cloning, _asked(cloning, asked.request, made), compressed=False)


@router.post(f"/{_UPLOAD}")
@router.post(f"/registry.git/{_UPLOAD}")
async def send_objects(asked: p.ReadsAll) -> Response:
    """Branches, or the objects of them that a client lacks."""
    cloning, headers = _cloning(asked.request), asked.request.headers
    if headers.get("content-type", "").strip().lower() != _TYPE:
        raise RefusedRequest(415, "unsupported_media_type", "the body is not a request of git", f"send it as {_TYPE}")
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in (*_COMPRESSED, "identity"):
        raise RefusedRequest(415, "unsupported_media_type", "the body is compressed in a way of its own", "send gzip")
    cloning.check()
    body = await _body(asked.request)
    made = partial(Asked, method="POST", path=f"/{_UPLOAD}", content_type=_TYPE)
    return Clone(cloning, _asked(cloning, asked.request, made), body, compressed=encoding in _COMPRESSED)


@router.post(f"/{_RECEIVE}")
@router.post(f"/registry.git/{_RECEIVE}")
async def refuse_objects(asked: p.ReadsAll) -> Response:
    """Nobody pushes."""
    _cloning(asked.request)
    raise _read_only()


@router.get("/{path:path}")
async def show_nothing(asked: p.ReadsAll) -> Response:
    """All else that a repository has, among it what git's dumb protocol would read."""
    _cloning(asked.request)
    raise _nothing()


def _cloning(request: Request) -> Cloning:
    """Raises NotFound where the registry is not served to git."""
    found: Cloning | None = request.app.state.cloning
    if found is None:
        raise NotFound(
            "this server serves no clones",
            hint="whoever keeps it leaves out --no-git, and enabled = false in [git] of config.toml",
        )
    return found


def _asked(cloning: Cloning, request: Request, made: Callable[..., Asked]) -> Callable[[bytes], Asked]:
    protocol = request.headers.get("git-protocol", "")
    protocol = protocol if _PROTOCOL.fullmatch(protocol) else ""
    name = request.scope["pinset.request_id"]
    return lambda body: made(protocol=protocol, body=body, name=name, hidden=sorted(cloning.hidden()))


async def _body(request: Request) -> bytes:
    """Read before a place is taken, so that a slow line takes none. Raises TooLarge, RefusedRequest."""
    settings: Any = request.app.state.settings
    parts, size = [], 0
    try:
        async with asyncio.timeout(settings.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > BODY_BYTES:
                    hint = "fetch some branches at a time: git fetch origin BRANCH"
                    raise TooLarge(f"the body is over {BODY_BYTES:,} bytes", hint=hint)
                parts.append(part)
    except TimeoutError:
        detail = f"the body did not arrive within {settings.body_seconds:g} s"
        raise RefusedRequest(408, "request_timeout", detail, "send it again over a better line") from None
    except ClientDisconnect as error:
        raise Disconnected from error
    return b"".join(parts)


def _read_only() -> PermissionDenied:
    return PermissionDenied(
        "nobody pushes into a registry: a release and a move are made by the registry alone", hint=_READ_ONLY
    )


def _nothing() -> NotFound:
    return NotFound("git finds nothing at this address", hint="git clone http://ADDRESS/git registry")
