"""What git itself sends to those who clone or fetch: `git http-backend` in children, of whose output nothing is kept here.

It only reads, and safely so beside writers and `gc`. Of the repository it shows the registry's own branches, whatever its
configuration says; no hook, and nothing of the user's or the system's configuration, is in its way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pinset.errors import Integrity, Unavailable
from pinset.gitstore.faults import system_error
from pinset.gitstore.scanning import VERIFY_HINT
from pinset.gitstore.sweeping import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "http.uploadpack=true",
    "http.receivepack=false",
    "http.getanyfile=false",
    "uploadpack.allowTipSHA1InWant=false",
    "uploadpack.allowReachableSHA1InWant=false",
    "uploadpack.allowAnySHA1InWant=false",
    "uploadpack.allowRefInWant=false",
    "uploadpack.allowFilter=true",
    # Of the filters those that cost no more than to send all: another one reads a file of patterns out of the repository.
    "uploadpackfilter.allow=false",
    "uploadpackfilter.blob:none.allow=true",
    "uploadpackfilter.blob:limit.allow=true",
    "uploadpackfilter.tree.allow=true",
    "uploadpackfilter.tree.maxDepth=0",
    "uploadpack.hideRefs=refs",
    "uploadpack.hideRefs=!refs/heads",
    "pack.windowMemory=64m",
)
_LOG: Final = logging.getLogger("pinset.git")
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
"""All of this process's environment that git needs."""
_NICE: Final = 10
_MOST_HIDDEN: Final = 100
_HEAD_BYTES: Final = 16 * 1024
_AHEAD_BYTES: Final = 1024 * 1024
"""Bytes that are read before somebody takes them; git waits meanwhile."""
_TOLD_BYTES: Final = 4096
"""Bytes of what git says on standard error, from the end."""
_TOLD_LINES: Final = 10
_LINGER_SECONDS: Final = 10.0
"""How long git may take to end once it has sent everything."""
_INSTALL: Final = "install all of git 2.33 or newer: its http-backend is in the package git, on Alpine in git-daemon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client of git asks for. path: below the repository, with the slash. protocol: its ``Git-Protocol`` header.

    name: what the log calls it. hidden: branches that are not shown to it.
    """

    method: str
    path: str
    query: str = ""
    content_type: str = ""
    protocol: str = ""
    body: bytes = b""
    name: str = ""
    hidden: Sequence[str] = ()


class Uploads:
    """All that one event loop sends of one repository."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository.absolute()
        self._running: set[Upload] = set()

    @property
    def running(self) -> int:
        """How many processes there are, those too that were ended and are not gone yet."""
        return len(self._running)

    async def begin(self, asked: Asked) -> Upload:
        """Start git, and wait for the head of its answer. Whoever begins one ends it, whatever becomes of it.

        Raises Unavailable, ReadOnly, Integrity.
        """
        self._refuse_unswept()
        loop = asyncio.get_running_loop()
        try:
            transport, upload = await loop.subprocess_exec(
                partial(Upload, asked.name),
                *_command(asked),
                stdin=asyncio.subprocess.PIPE if asked.body else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._repository.parent,
                env=_environment(self._repository, asked),
                # A group of its own: git starts git, and all of it is to end at once.
                start_new_session=True,
            )
        except OSError as error:
            raise system_error(error, "git cannot be run") from error
        self._running.add(upload)
        upload.when_gone = self._running.discard
        if upload.gone.is_set():
            self._running.discard(upload)
        try:
            _feed(transport, asked.body)
            await upload.read_head()
        except BaseException:
            upload.end()
            raise
        return upload

    def _refuse_unswept(self) -> None:
        """Raises Unavailable while what was purged is there: in newer protocols who knows an object's id is sent it."""
        if os.path.lexists(self._repository.with_name(MARKER)):
            raise Unavailable(
                "a purge is not finished: what it removes is still in the repository",
                hint="try again in a minute; where that does not help: pinset gc",
            )

    async def close(self) -> None:
        """End all of them at once, and wait until they are gone."""
        for upload in list(self._running):
            upload.end()
        for upload in list(self._running):
            await upload.be_gone()


class Upload(asyncio.SubprocessProtocol):
    """One answer of git. status, headers: its head. gone: set once nothing of it runs.

    What git says on standard error goes to the log at the end.
    """

    def __init__(self, name: str) -> None:
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.when_gone: Callable[[Upload], None] = lambda _upload: None
        self._name, self._told = name, b""
        self._transport: Any = None
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._paused = self._all = self._exited = self._ended = False
        self.gone = asyncio.Event()
        self._more = asyncio.Event()

    async def piece(self) -> bytes:
        """The next bytes of its body; b'' at the end, once git has ended too. Nothing is read far ahead of this."""
        while not self._pieces and not self._all:
            self._more.clear()
            await self._more.wait()
        if not self._pieces:
            await self.be_gone()
            return b""
        found = self._pieces.popleft()
        self._ahead -= len(found)
        if self._paused and self._ahead <= _AHEAD_BYTES // 2 and not self._all:
            self._paused = False
            self._transport.get_pipe_transport(1).resume_reading()
        return found

    def end(self) -> None:
        """End git and all that it started, at once, if they run. Idempotent."""
        if self._ended:
            return
        self._ended = True
        # Once all of them are gone their number may be somebody else's; whoever holds a pipe still has it.
        if self._transport is not None and not (self._exited and self.gone.is_set()):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), signal.SIGKILL)
        if self._transport is not None:
            self._transport.close()
        self._all = True
        self._pieces.clear()
        self._more.set()
        for line in _lines(self._told):
            _LOG.warning("the clone %s: git says: %s", self._name, line)

    async def read_head(self) -> None:
        """Take the head off the output. Raises Integrity, Unavailable."""
        found = b""
        while b"\r\n\r\n" not in found:
            piece = await self.piece()
            found += piece
            if not piece or len(found) > _HEAD_BYTES + _AHEAD_BYTES:
                raise self._silent()
        head, _, body = found.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"status":
                self.status = int(value.split()[0])
            else:
                self.headers.append((name.lower(), value.strip()))
        if self.status != 200:
            while await self.piece():
                pass
            raise Integrity("git cannot read the repository", hint=VERIFY_HINT)
        if body:
            self._pieces.appendleft(body)
            self._ahead += len(body)

    async def be_gone(self) -> None:
        """Wait until nothing of git runs; what takes too long is ended."""
        try:
            async with asyncio.timeout(_LINGER_SECONDS):
                await self.gone.wait()
        except TimeoutError:
            self.end()

    def _silent(self) -> Unavailable:
        if b"is not a git command" in self._told:
            return Unavailable("git's http-backend is not installed", hint=_INSTALL)
        return Unavailable("git gave no answer", hint="try again; the server's log has what git said")

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        """It runs."""
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """It wrote."""
        if fd != 1:
            self._told = (self._told + data)[-_TOLD_BYTES:]
            return
        if self._ended:
            return
        self._pieces.append(data)
        self._ahead += len(data)
        if not self._paused and self._ahead >= _AHEAD_BYTES:
            self._paused = True
            self._transport.get_pipe_transport(1).pause_reading()
        self._more.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - as the event loop calls it
        """It closed a pipe."""
        if fd == 1:
            self._all = True
            self._more.set()

    def process_exited(self) -> None:
        """It ended, and its end was taken note of: nothing is left of it but, it may be, what it started."""
        self._exited = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - as the event loop calls it
        """It has ended, and nobody has a pipe any more."""
        self.gone.set()
        self.when_gone(self)


def _lines(told: bytes) -> list[str]:
    """The last lines of what git says, each as it was left: a client of old protocols has progress written here."""
    lines = (line.rstrip("\r").rpartition("\r")[2].strip() for line in told.decode("utf-8", "replace").split("\n"))
    return [line for line in lines if line][-_TOLD_LINES:]


def _command(asked: Asked) -> list[str]:
    binary = shutil.which("git")
    if binary is None:
        raise Unavailable("the git program is not installed", hint="install git 2.33 or newer")
    if len(asked.hidden) > _MOST_HIDDEN:
        what = f"{len(asked.hidden):,} branches were moved behind the registry's back"
        raise Integrity(what, hint="put them aside and go on: pinset repair")
    settings = (*_SETTINGS, *(f"uploadpack.hideRefs={ref}" for ref in asked.hidden))
    nice = ("nice", "-n", str(_NICE)) if shutil.which("nice") else ()
    return [*nice, binary, *(word for setting in settings for word in ("-c", setting)), "http-backend"]


def _environment(repository: Path, asked: Asked) -> dict[str, str]:
    """Of this process's environment what git needs, and the request as CGI has it."""
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "LC_ALL": "C",
        "HOME": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_PROJECT_ROOT": str(repository.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.name}{asked.path}",
        "REQUEST_METHOD": asked.method,
        "QUERY_STRING": asked.query,
        "CONTENT_TYPE": asked.content_type,
        "CONTENT_LENGTH": str(len(asked.body)),
        "HTTP_GIT_PROTOCOL": asked.protocol,
        "GIT_PROTOCOL": asked.protocol,
        "GIT_HTTP_MAX_REQUEST_BUFFER": str(len(asked.body) + 1),
    }


def _feed(transport: Any, body: bytes) -> None:
    """Give git the request; the event loop writes it as git reads. One that has ended by now reads nothing."""
    pipe = transport.get_pipe_transport(0)
    if pipe is not None and not pipe.is_closing():
        pipe.write(body)
        if not pipe.is_closing():
            pipe.write_eof()
