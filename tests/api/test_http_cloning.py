"""An answer to git owns a process and a place, and neither is left of it: whole, hung up on, stalled, revoked, too long."""

from __future__ import annotations

import asyncio
import gzip
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from pinset import config
from pinset.api import cloning as c
from pinset.api.app import create_app
from pinset.api.settings import Settings
from pinset.errors import InvalidInput, TooLarge
from pinset.gitstore.upload import Uploads
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

OPS: Final = Caller(actor="ops")
HEAD: Final = r"printf 'Content-Type: text/x\r\n\r\n'"
ENDLESS: Final = f"{HEAD}; sleep 1000 & echo $! > child; echo $$ > parent; exec cat /dev/zero"
"""Sends for ever, and has started another process."""
SILENT: Final = "sleep 1000 & echo $! > child; echo $$ > parent; wait"


class Server:
    """An application whose git is a script. It is asked without a socket, so that a client may do anything."""

    def __init__(self, registry: LocalRegistry, folder: Path, *, at_once: int = 1, seconds: float = 60.0) -> None:
        self.folder = folder
        self.uploads = Uploads(folder / "repository.git")
        chosen = config.Git(at_once=at_once, seconds=seconds)
        self.app = create_app(registry, settings=Settings(git=chosen), uploads=self.uploads)
        self.gate = self.app.state.cloning.gate

    def client(self, **given: Any) -> Client:
        return Client(self, **given)

    async def is_empty(self) -> None:
        """Wait until no place is taken, and every process is gone."""
        await _until(lambda: not (self.gate._here or self.uploads.running or any(map(_runs, self.pids()))))

    def pids(self) -> list[int]:
        files = [self.folder / name for name in ("parent", "child")]
        return [int(file.read_text()) for file in files if file.exists() and file.read_text().strip()]


class Client:
    """One request. takes: bytes of the body that it takes before it stalls; None for all of them."""

    def __init__(
        self, server: Server, *, takes: int | None = None, method: str = "GET", token: str = "", body: bytes = b""
    ) -> None:
        service = {"GET": "info/refs", "POST": "git-upload-pack"}[method]
        headers = {"host": "localhost", "user-agent": "git/2.40", "git-protocol": "version=2"}
        headers |= {"authorization": f"Bearer {token}"} if token else {}
        headers |= {"content-type": "application/x-git-upload-pack-request"} if method == "POST" else {}
        self.scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": f"/git/{service}", "scheme": "http",
            "raw_path": f"/git/{service}".encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 7467),
            "query_string": b"service=git-upload-pack" if method == "GET" else b"", "root_path": "", "state": {},
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        self.left, self.body, self._takes, self._given = asyncio.Event(), b"", takes, body
        self.taken, self.status, self.headers = 0, 0, {}
        self.task = asyncio.create_task(self._ask(server))

    async def _ask(self, server: Server) -> None:
        await server.app(self.scope, self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        if self._given is not None:
            given, self._given = self._given, None
            return {"type": "http.request", "body": given, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], dict(message["headers"])
            return
        self.taken += len(message["body"])
        if self.status != 200:
            self.body += message["body"]
        if self._takes is not None and self.taken >= self._takes:
            await asyncio.Event().wait()  # as a server's own end waits for a client that reads no more

    async def answers(self) -> None:
        await _until(lambda: self.status != 0)


async def _until(met: Callable[[], bool]) -> None:
    while not met():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.005)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(FileNotFoundError), open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123
        # Nobody may take note of its end where the container's first process does not: then it has ended all the same.
        return stat.read().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def play(memory: LocalRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs what a test does on a server with a script for git."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    (tmp_path / "repository.git").mkdir()

    def run(script: str, what: Callable[[Server], Any], **given: Any) -> None:
        (binaries / "git").write_text(f"#!/bin/sh\n{script}\n")
        (binaries / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{binaries}:{os.environ['PATH']}")

        async def whole() -> None:
            async with asyncio.timeout(60):
                server = Server(memory, tmp_path, **given)
                await what(server)
                await server.is_empty()

        asyncio.run(whole())

    return run


def test_a_client_that_hangs_up_leaves_no_process_and_no_place(play: Callable[..., None]) -> None:
    async def what(server: Server) -> None:
        client = server.client(takes=3_000_000)
        await _until(lambda: client.taken >= 3_000_000)
        assert (server.gate._here, server.uploads.running, len(server.pids())) == (1, 1, 2)
        assert all(map(_runs, server.pids()))
        client.left.set()
        await client.task
        await server.is_empty()

    play(ENDLESS, what)


def test_one_that_hangs_up_while_it_waits_leaves_its_place_to_others(play: Callable[..., None]) -> None:
    async def what(server: Server) -> None:
        first, second = server.client(takes=1), server.client()
        await first.answers()
        await _until(lambda: server.gate._here == 2)
        second.left.set()
        await second.task
        assert (second.status, server.gate._here) == (0, 1)
        first.left.set()
        await first.task
        third = server.client(takes=1)
        await third.answers()
        assert third.status == 200
        third.left.set()
        await third.task

    play(ENDLESS, what)


def test_one_that_stalls_is_read_ahead_of_a_little_and_cut_off_by_time(play: Callable[..., None]) -> None:
    async def what(server: Server) -> None:
        client = server.client(takes=1)
        await client.answers()
        await asyncio.sleep(0.2)
        (upload,) = server.uploads._running
        assert upload._ahead < 2_000_000, "git waits for the client"
        await client.task
        assert client.status == 200

    play(ENDLESS, what, seconds=1.0)


def test_git_that_never_answers_is_ended_and_said_to_be_busy(play: Callable[..., None], monkeypatch: Any) -> None:
    monkeypatch.setattr(c, "WAIT_SECONDS", 0.2)

    async def what(server: Server) -> None:
        client = server.client()
        await client.task
        assert (client.status, client.headers[b"retry-after"]) == (503, b"10")

    play(SILENT, what, seconds=0.3)


def test_who_is_one_too_many_waits_and_is_told_to_come_again(play: Callable[..., None], monkeypatch: Any) -> None:
    monkeypatch.setattr(c, "WAIT_SECONDS", 0.2)

    async def what(server: Server) -> None:
        first = server.client(takes=1)
        await first.answers()
        waiting = [server.client() for _ in range(4)]
        await _until(lambda: server.gate._here == 5)
        beyond = server.client()
        await beyond.task
        assert (beyond.status, b"does at once" in beyond.body) == (503, True)
        assert not any(one.status for one in waiting), "it was told at once, and they wait"
        for one in waiting:
            await one.task
            assert (one.status, one.headers[b"retry-after"]) == (503, b"10")
        first.left.set()
        await first.task

    play(ENDLESS, what)


def test_when_the_server_ends_so_does_what_it_started(play: Callable[..., None]) -> None:
    async def what(server: Server) -> None:
        cancelled, closed = server.client(takes=1), server.client(takes=1)
        for one in (cancelled, closed):
            await one.answers()
        cancelled.task.cancel()
        await cancelled.task  # as at the end of a server's patience: it says so, and there is no bug to be logged
        await _until(lambda: server.uploads.running == 1)
        async with server.app.router.lifespan_context(server.app):
            pass
        assert server.uploads.running == 0
        closed.left.set()
        await closed.task

    play(ENDLESS, what, at_once=2)


def test_a_revoked_token_ends_a_clone_that_runs(play: Callable[..., None], memory: LocalRegistry) -> None:
    made = memory.create_token(OPS, "ci", can="read")

    async def what(server: Server) -> None:
        client = server.client(takes=1, token=made["token"])
        await client.answers()
        memory.revoke_token(OPS, "ci")
        await client.task

    play(ENDLESS, what)


def test_what_git_says_is_in_the_log_and_a_failure_is_told(play: Callable[..., None], caplog: Any) -> None:
    async def what(server: Server) -> None:
        client = server.client()
        await client.task
        assert (client.status, client.body.splitlines()[0]) == (503, b"error: git gave no answer")

    play("echo 'fatal: bad \x1b[31mobject' >&2; exit 3", what)
    assert "git says: fatal: bad" in caplog.text

    async def refused(server: Server) -> None:
        client = server.client()
        await client.task
        assert (client.status, b"pinset verify" in client.body) == (500, True)

    play(r"printf 'Status: 404 Not Found\r\n\r\n'; echo no >&2", refused)

    async def missing(server: Server) -> None:
        client = server.client()
        await client.task
        assert b"hint: install all of git" in client.body

    play("""echo "git: 'http-backend' is not a git command. See 'git --help'." >&2; exit 1""", missing)


def test_progress_does_not_fill_the_log(play: Callable[..., None], caplog: Any) -> None:
    async def what(server: Server) -> None:
        await server.client().task

    count = r"""for n in 1 2 3 4 5 6 7 8 9; do printf 'Counting: %s\r' $n; echo "line $n"; echo; done >&2"""
    done = r"printf 'Counting: 1\rCounting: 2, done.\n' >&2"
    play(f"{HEAD}; {count}; {count}; {done}", what)
    said = [one.getMessage().partition("git says: ")[2] for one in caplog.records if "git says" in one.getMessage()]
    assert said == [*(f"line {n}" for n in range(1, 10)), "Counting: 2, done."]


def test_git_is_given_the_request_and_nothing_of_our_environment(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PINSET_TOKEN", "pst_secret")
    monkeypatch.setenv("GIT_DIR", "/elsewhere")
    body = b"0000" * 100_000

    async def what(server: Server) -> None:
        client = server.client(method="POST", body=body)
        await client.task
        assert client.status == 200

    play(f'env > env; cat > body; echo "$@" > words; {HEAD}', what)
    given = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert (tmp_path / "body").read_bytes() == body
    assert (given["REQUEST_METHOD"], given["PATH_INFO"], given["GIT_PROTOCOL"], given["CONTENT_LENGTH"]) == (
        "POST", "/repository.git/git-upload-pack", "version=2", str(len(body)),
    )  # fmt: skip
    assert {name for name in given if name.startswith(("PINSET_", "GIT_DIR", "USER", "XDG"))} == set()
    assert (given["HOME"], given["GIT_CONFIG_GLOBAL"]) == (os.devnull, os.devnull)
    words = (tmp_path / "words").read_text()
    assert words.endswith(" http-backend\n")
    assert "-c http.receivepack=false" in words


def test_nobody_is_served_what_a_purge_has_not_removed_yet(play: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "unswept").touch()

    async def what(server: Server) -> None:
        client = server.client()
        await client.task
        assert (client.status, b"a purge is not finished" in client.body) == (503, True)
        assert server.pids() == []

    play(ENDLESS, what)


def test_branches_that_somebody_moved_are_hidden(play: Callable[..., None], tmp_path: Path) -> None:
    async def what(server: Server) -> None:
        server.app.state.foreign.refs = frozenset({"refs/heads/releases/forged"})
        await server.client().task
        server.app.state.foreign.refs = frozenset(f"refs/heads/releases/b{n}" for n in range(101))
        client = server.client()
        await client.task
        assert (client.status, b"pinset repair" in client.body) == (500, True)

    play(f'echo "$@" > words; {HEAD}', what)
    assert "-c uploadpack.hideRefs=refs/heads/releases/forged http-backend" in (tmp_path / "words").read_text()


def test_a_body_is_unpacked_whole_within_a_limit_or_not_at_all() -> None:
    assert c.unpacked(gzip.compress(b"0000" * 50_000)) == b"0000" * 50_000
    bomb = gzip.compress(bytes(c.UNPACKED_BYTES + 1))
    with pytest.raises(TooLarge):
        c.unpacked(bomb)
    whole = gzip.compress(b"0000")
    for wrong in (b"", b"0000", whole[:-1], whole + b"x", whole[:10] + b"\xff" * 9):
        with pytest.raises(InvalidInput):
            c.unpacked(wrong)
