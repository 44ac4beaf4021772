"""Children of git stores for tests that are about something else: a process that has imported the child forks for each.

A child is the same program in a process of its own, with the same pipes and the same end; what is saved is the eighth of
a second in which Python reads it, of which a suite has thousands. Tests of how children start, end and are traced
start them as users do: see `conftest.COLD`.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

_NUMBER: Final = struct.Struct("i")
_MOST_STREAMS: Final = 16
_running: dict[str, Path] = {}


def place(script: str = __file__) -> Path:
    """The socket of the process that forks, which is started by who asks first and ends with the tests.

    script: what it runs, with the socket's place as its argument.
    """
    if script not in _running:
        folder = tempfile.TemporaryDirectory(prefix="pinset-forked-")
        found = Path(folder.name) / "socket"
        command = [sys.executable, "-P", script, str(found)]
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        env |= {"PYTHONPATH": os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p), "LC_ALL": "C"}
        pipe, starter = subprocess.PIPE, os.getpid()
        server = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env, start_new_session=True)
        assert server.stdout is not None
        assert server.stdout.read(1) == b"!", "the child could not be imported"

        def end() -> None:
            if os.getpid() != starter:
                return
            server.kill()
            server.communicate()
            folder.cleanup()

        atexit.register(end)
        _running[script] = found
    return _running[script]


def starting(at: Path) -> Any:
    """What `pinset.gitstore.process` knows of `subprocess`, forking at the socket ``at``."""
    kept = ("PIPE", "DEVNULL", "TimeoutExpired")

    def popen(command: Sequence[str], **given: Any) -> Forked:
        return Forked(at, command, cwd=given["cwd"], env=given["env"], pass_fds=given["pass_fds"])

    return SimpleNamespace(Popen=popen, **{name: getattr(subprocess, name) for name in kept})


class Forked:
    """A child, with what is used of `subprocess.Popen`."""

    def __init__(
        self, at: Path, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], pass_fds: Sequence[int]
    ) -> None:
        self.returncode: int | None = None
        theirs, mine = os.pipe()
        self.stdin = open(mine, "wb", buffering=0)  # noqa: PTH123, SIM115 - a pipe that stays open
        mine, answers = os.pipe()
        self.stdout = open(mine, "rb", buffering=0)  # noqa: PTH123, SIM115 - a pipe that stays open
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.connect(str(at))
        asked = json.dumps({"arguments": list(command[4:]), "cwd": str(cwd), "env": dict(env)}).encode()
        socket.send_fds(server, [_NUMBER.pack(len(asked))], [theirs, answers, *pass_fds])
        server.sendall(asked)
        os.close(theirs)
        os.close(answers)
        (self.pid,) = _NUMBER.unpack(server.recv(_NUMBER.size))
        self._server = server.detach()

    def wait(self, timeout: float | None = None) -> int:
        """How the child ended, once it has. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._server, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired("child", timeout or 0)
            (self.returncode,) = _NUMBER.unpack(os.read(self._server, _NUMBER.size))
            os.close(self._server)
        return self.returncode

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        try:
            self.wait(0)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)


def serve(at: str, be: Callable[[dict[str, Any], list[int]], None]) -> None:
    """Fork for each connection, and say how each child ended; until killed, or who started it is gone.

    be: what a child does with what was asked for and the streams that came with it.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(at)
    listening.listen(64)
    os.write(1, b"!")
    selector = selectors.DefaultSelector()
    selector.register(listening, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj == 0:
                return
            if key.fileobj is listening:
                asker, _ = listening.accept()
                pid = _fork(asker, be)
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asker))
            else:
                selector.unregister(key.fileobj)
                os.close(key.fd)
                _end(*key.data)


def _fork(asker: socket.socket, be: Callable[[dict[str, Any], list[int]], None]) -> int:
    """Start a child as it is asked for. Its process id."""
    size, streams, *_ = socket.recv_fds(asker, _NUMBER.size, _MOST_STREAMS)
    asked = json.loads(asker.recv(_NUMBER.unpack(size)[0], socket.MSG_WAITALL))
    pid = os.fork()
    if pid == 0:
        be(asked, streams)
    for stream in streams:
        os.close(stream)
    asker.sendall(_NUMBER.pack(pid))
    return pid


def only(streams: Collection[int]) -> None:
    """Close all but these in a child that was forked: what the process that forked had open is none of its."""
    for number in {int(name) for name in os.listdir("/proc/self/fd")} - set(streams):  # noqa: PTH208
        with suppress(OSError):  # the one that listed them is closed
            os.close(number)


def _be(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the child. Keeps what it was given open, as it would, and nothing of the process that forked."""
    status = 1
    try:
        os.dup2(streams[0], 0)
        os.dup2(streams[1], 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        only({0, 1, 2, *streams[2:]})
        os.chdir(asked["cwd"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.argv = ["child", *asked["arguments"]]

        from pinset.gitstore import child

        status = child.main()
    finally:
        os._exit(status)


def _end(pid: int, asker: socket.socket) -> None:
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # who asked may be gone
        asker.sendall(_NUMBER.pack(os.waitstatus_to_exitcode(status)))
    asker.close()


if __name__ == "__main__":
    from pinset.gitstore import child, writer  # noqa: F401 - the child imports it

    serve(sys.argv[1], _be)
