"""What git sends to those who clone or fetch, as an answer that is passed on as it comes.

An answer owns its child process and its place among those that are served at once, and lets go of both at its end, however
that comes: whole, cut off by a client that left, by a credential that was revoked, by time, or by the server's own end.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from pinset.api.gate import Gate
from pinset.api.git_words import DROP
from pinset.errors import Busy, InvalidInput, TooLarge

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import Message, Receive, Scope, Send

    from pinset.api.watch import Watch
    from pinset.config import Git
    from pinset.gitstore.upload import Asked, Uploads

UNPACKED_BYTES: Final = 32 * 1024 * 1024
"""Of a request that came compressed: what is wanted and what is there already, 50 bytes for each branch or commit."""
WAIT_SECONDS: Final = 30.0
"""How long a request waits for its turn: git itself does not come again."""
RETRY_SECONDS: Final = 10
_PIECE: Final = 64 * 1024
_LOG: Final = logging.getLogger("pinset.git")


class Cloning:
    """Who is served at once by one process, and with what. hidden: the branches that nobody is shown."""

    def __init__(self, uploads: Uploads, chosen: Git, watch: Watch, hidden: Callable[[], frozenset[str]]) -> None:
        self.uploads, self.watch, self.hidden = uploads, watch, hidden
        self.gate = Gate(chosen.at_once)
        self.seconds = chosen.seconds

    def check(self) -> None:
        """Raises Busy where nobody else may even wait: better said before a body is read."""
        try:
            self.gate.check()
        except Busy as error:
            raise _busy() from error

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One turn. Raises Busy where it does not come in time."""
        turn = self.gate.turn()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await turn.__aenter__()
        except (TimeoutError, Busy) as error:
            raise _busy() from error
        try:
            yield
        finally:
            await turn.__aexit__(None, None, None)

    async def close(self) -> None:
        """End all that runs, at once."""
        await self.uploads.close()


class Clone(Response):
    """One answer. Raises Busy, and what `unpacked` and starting git raise, before it begins.

    asked: what git is asked, of its body unpacked. compressed: whether the body is, with gzip.
    """

    def __init__(
        self, cloning: Cloning, asked: Callable[[bytes], Asked], body: bytes = b"", *, compressed: bool
    ) -> None:
        super().__init__()
        self._cloning, self._asked = cloning, asked
        self._body, self._compressed = body, compressed
        self._limit: asyncio.Timeout | None = None
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the turn, start git and pass on what it sends, no faster than the client takes it."""
        seconds, began = self._cloning.seconds, False

        async def sending(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        leaving = asyncio.create_task(self._wait_for_leave(receive))
        try:
            async with asyncio.timeout(seconds + WAIT_SECONDS) as self._limit:
                with self._cloning.watch.over(_authorization(scope), self):
                    async with self._cloning.turn():
                        # Who left just when the turn came has left.
                        self._limit.reschedule(asyncio.get_running_loop().time() + (0 if self._over else seconds))
                        await self._serve(scope, sending)
        except TimeoutError:
            if not self._over:
                _LOG.warning("the clone %s took over %g s and was cut off", scope["pinset.request_id"], seconds)
                if not began:
                    raise _busy() from None
            await _drop(scope)
        except asyncio.CancelledError:
            _LOG.warning("the clone %s was cut off: the server ends", scope["pinset.request_id"])
            await _drop(scope)
        finally:
            leaving.cancel()

    def end(self) -> None:
        """Cut it off: its client has left, or its credential is good no longer."""
        self._over = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def _serve(self, scope: Scope, send: Send) -> None:
        body = await run_in_threadpool(unpacked, self._body) if self._compressed else self._body
        upload = await self._cloning.uploads.begin(self._asked(body))
        del body
        self._body = b""
        try:
            await send({"type": "http.response.start", "status": upload.status, "headers": upload.headers})
            while not scope.get("pinset.bodiless") and (piece := await upload.piece()):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            # Where git failed it has told the client so, and what it sent shows by itself that it is not whole.
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            upload.end()

    async def _wait_for_leave(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.end()


async def _drop(scope: Scope) -> None:
    """End the connection: what was sent is not whole, and must not seem so. Returns once the server knows."""
    scope[DROP]()
    await asyncio.sleep(0)


def unpacked(body: bytes) -> bytes:
    """A body that came compressed. Raises InvalidInput where it is no gzip, TooLarge."""
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    parts, size, left = [], 0, body
    try:
        while left and not stream.eof:
            part = stream.decompress(left, _PIECE)
            left = stream.unconsumed_tail
            size += len(part)
            if size > UNPACKED_BYTES:
                hint = "fetch some branches at a time: git fetch origin BRANCH"
                raise TooLarge(f"the body is over {UNPACKED_BYTES:,} bytes", hint=hint)
            parts.append(part)
    except zlib.error as error:
        raise InvalidInput("the body is no gzip", hint="send it as git does") from error
    if not stream.eof or stream.unused_data:
        raise InvalidInput("the body is no whole gzip", hint="send it as git does")
    return b"".join(parts)


def _busy() -> Busy:
    return Busy(
        "the server sends as many clones as it does at once",
        hint=f"try again in {RETRY_SECONDS} s; [git] at_once in config.toml says how many there may be",
        details={"retry_after": RETRY_SECONDS},
    )


def _authorization(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value.decode("latin-1"))
    return None
