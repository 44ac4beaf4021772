"""`pinset` for tests that type many commands: a process that has imported the command line forks for each of them.

A command is the same program in a process of its own; what is saved is the half second in which Python reads it. Its
children are forked likewise: see `children`.
Commands that stay (``serve``, ``watch``) are started as users start them, for tests end them by signals.
"""

from __future__ import annotations

import atexit
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TextIO

import children
import compiled

_STAYING: Final = ("serve", "watch")
_APART: Final = re.compile(r"\.(__main__|migrations|gitstore\.(writer|child)|api|web|testing|telemetry)(\.|$)")
"""Modules that commands import rarely, or never in their own process."""
# What a command is typed as: it must itself start at once, so it imports nothing but what sends its streams along.
_CLIENT: Final = """\
#!{python} -SE
import os, sys
if any(word in {staying!r} for word in sys.argv[1:]):
    os.execv({python!r}, [{python!r}, "-m", "pinset_cli.main", *sys.argv[1:]])
import _socket, struct
for number in (0, 1, 2):
    try:
        os.fstat(number)
    except OSError:
        os.execv({python!r}, [{python!r}, "-m", "pinset_cli.main", *sys.argv[1:]])
asked = "\\0".join([os.getcwd(), *sys.argv[1:], "", *(f"{{k}}={{v}}" for k, v in os.environ.items())])
asked = asked.encode("utf-8", "surrogateescape")
server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
server.connect({place!r})
streams = struct.pack("3i", 0, 1, 2)
server.sendmsg([struct.pack("I", len(asked))], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
while asked:
    asked = asked[server.send(asked):]
try:
    ended = server.recv(1)
except KeyboardInterrupt:
    sys.exit(130)
os._exit(ended[0] if ended else 70)
"""
_running: list[Path] = []


def install(directory: Path) -> Path:
    """Put ``pinset`` into a directory, made where it is not there. The process that serves it ends with the tests."""
    directory.mkdir(exist_ok=True)
    command = directory / "pinset"
    command.write_text(_CLIENT.format(python=sys.executable, staying=_STAYING, place=str(_place())))
    command.chmod(0o755)
    return directory


def _place() -> Path:
    """The socket of the process that forks, which is started by who asks first."""
    if not _running:
        folder = tempfile.TemporaryDirectory(prefix="pinset-warm-")
        place = Path(folder.name) / "socket"
        read, write = os.pipe()
        server = subprocess.Popen(
            [sys.executable, __file__, str(place), str(write), str(read), str(children.place())],
            pass_fds=(read, write),
            start_new_session=True,
        )
        os.close(write)
        assert os.read(read, 1) == b"!", "the command line could not be imported"

        def end() -> None:
            server.kill()
            server.wait()
            folder.cleanup()

        atexit.register(end)
        _running.append(place)
    return _running[0]


def _serve(place: str, ready: int, forking: str) -> None:
    """Fork for each connection, until killed."""
    from pinset.gitstore import process

    import_all()
    compiled.beforehand()
    process.subprocess = children.starting(Path(forking))
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(place)
    listening.listen(64)
    os.write(ready, b"!")
    os.close(ready)
    while True:
        client, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _answer(client)
        client.close()
        with suppress(ChildProcessError):  # there is none
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(client: socket.socket) -> None:
    """Run one command, and say how it ended."""
    status = 70
    try:
        size, streams, *_ = socket.recv_fds(client, 4, 3)
        asked = bytearray()
        while len(asked) < int.from_bytes(size, sys.byteorder):
            asked += client.recv(1 << 16)
        status = _run(os.fsdecode(bytes(asked)).split("\0"), streams)
    finally:
        client.sendall(bytes([status]))
        os._exit(0)


def _run(asked: list[str], streams: list[int]) -> int:
    import time

    from pinset_cli import main

    end = asked.index("", 1) if "" in asked[1:] else len(asked)
    while not all("=" in one for one in asked[end + 1 :]):  # an argument may be empty too
        end = asked.index("", end + 1)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked[0])
    os.environ.clear()
    os.environ.update(one.split("=", 1) for one in asked[end + 1 :])
    time.tzset()
    sys.argv = ["pinset", *asked[1:end]]
    sys.stdin, sys.stdout, sys.stderr = _stream(0), _stream(1), _stream(2)
    try:
        main.run()
    except SystemExit as ended:
        sys.stdout.flush()
        return int(ended.code or 0)
    raise AssertionError("the command line did not say how it ended")


def _stream(number: int) -> TextIO:
    """A standard stream anew: nothing of the one that this process began with is in it."""
    at_once = number == 2 or bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = io.FileIO(number, "r" if number == 0 else "w", closefd=False)
    binary: Any = io.BufferedReader(raw) if number == 0 else io.BufferedWriter(raw)
    return io.TextIOWrapper(binary, encoding="utf-8", line_buffering=at_once, write_through=at_once)


def import_all(apart: re.Pattern[str] = _APART) -> None:
    """Everything that commands import when they need it. apart: what is left out."""
    from importlib import import_module
    from pkgutil import walk_packages

    for name in ("pinset_cli", "pinset"):
        package: Any = import_module(name)
        for found in walk_packages(package.__path__, f"{name}."):
            if not apart.search(found.name):
                import_module(found.name)


if __name__ == "__main__":
    os.close(int(sys.argv[3]))
    _serve(sys.argv[1], int(sys.argv[2]), sys.argv[4])
