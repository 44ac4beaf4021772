"""Python programs for tests that start many: a process that has imported all of Pinset forks for each of them.

A program is the same in a process of its own, with the same streams, signals and end, and its own id to be killed by; what
is saved is the second in which Python reads a server, of which campaigns of kills start dozens. The long campaigns of
`make torture` start them as users do. So is what a program starts itself: children of git stores, workers of a server.
"""

from __future__ import annotations

import io
import json
import os
import re
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
import types
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import children
import compiled
import warm

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBER: Final = struct.Struct("i")
_ASIDE: Final = re.compile(r"\.(__main__|migrations|gitstore\.(writer|child)|testing|telemetry)(\.|$)")
_SERVING: Final = ("uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.httptools_impl")


def start(arguments: Sequence[str], **given: Any) -> Any:
    """``python ARGUMENTS`` as `subprocess.Popen` starts it: a script, ``-m`` a module, or ``-c`` code, with what follows.

    given: the streams, ``env``, and ``text``, of which there is no other use here.
    """
    if os.environ.get("PINSET_TORTURE") == "1" or not hasattr(os, "pidfd_open"):
        return subprocess.Popen([sys.executable, *arguments], **given)
    return Program(arguments, **given)


class Program:
    """A program that was forked, with what is used of `subprocess.Popen`."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
        text: bool = False,
        env: dict[str, str] | None = None,
    ) -> None:
        self.returncode: int | None = None
        self._lock = threading.Lock()
        at = children.place(__file__)
        theirs, ours = zip(*(_ends(number, wish) for number, wish in enumerate((stdin, stdout, stderr))), strict=True)
        self.stdin, self.stdout, self.stderr = (_opened(end, number == 0, text) for number, end in enumerate(ours))
        asked = json.dumps({"arguments": list(arguments), "cwd": os.getcwd(), "env": dict(env or os.environ)}).encode()  # noqa: PTH109 - a text
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.connect(str(at))
        socket.send_fds(self._server, [_NUMBER.pack(len(asked))], theirs)
        self._server.sendall(asked)
        for end in theirs:
            os.close(end)
        (self.pid,) = _NUMBER.unpack(self._server.recv(_NUMBER.size))

    def wait(self, timeout: float | None = None) -> int:
        """How the program ended, once it has. Raises subprocess.TimeoutExpired."""
        with self._lock:
            if self.returncode is None:
                self._server.settimeout(timeout)
                try:
                    (self.returncode,) = _NUMBER.unpack(self._server.recv(_NUMBER.size))
                except (TimeoutError, BlockingIOError):
                    raise subprocess.TimeoutExpired("python", timeout or 0) from None
                self._server.close()
            return self.returncode

    def poll(self) -> int | None:
        """How it ended, if it has."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it was seen to have ended."""
        if not self._lock.locked():  # else who waits for it is told soon
            self.poll()
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def communicate(self, timeout: float | None = None) -> tuple[Any, Any]:
        """What it prints from now on, until it has ended. Raises subprocess.TimeoutExpired."""
        said: dict[int, Any] = {}
        if self.stdin is not None:
            self.stdin.close()
        readers = [
            threading.Thread(target=lambda number, stream: said.update({number: stream.read()}), args=(number, stream))
            for number, stream in ((1, self.stdout), (2, self.stderr))
            if stream is not None
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        self._close()
        return said.get(1), said.get(2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._close()
        self.wait()

    def _close(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def _ends(number: int, wish: int | None) -> tuple[int, int | None]:
    """The program's end of a stream, and ours."""
    if wish is None:
        return os.dup(number), None
    if wish == subprocess.DEVNULL:
        return os.open(os.devnull, os.O_RDWR), None
    assert wish == subprocess.PIPE
    read, write = os.pipe()
    return (read, write) if number == 0 else (write, read)


def _opened(end: int | None, writing: bool, text: bool) -> Any:
    if end is None:
        return None
    raw = io.FileIO(end, "w" if writing else "r")
    binary: Any = io.BufferedWriter(raw) if writing else io.BufferedReader(raw)
    return io.TextIOWrapper(binary, encoding="utf-8", write_through=writing) if text else binary


def _be(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the program, and end as Python does."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    children.only({0, 1, 2})
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        buffered = os.fdopen(number, mode, encoding="utf-8", closefd=False, buffering=1 if number == 2 else -1)
        setattr(sys, name, buffered)
        setattr(sys, f"__{name}__", buffered)
    what, *more = asked["arguments"]
    if what == "-m":
        sys.argv = more
        runpy.run_module(more[0], run_name="__main__", alter_sys=True)
    elif what == "-c":
        sys.argv = ["-c", *more[1:]]
        sys.path.insert(0, "")
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(more[0], "<string>", "exec"), vars(main))
    else:
        sys.argv = [what, *more]
        sys.path.insert(0, str(Path(what).parent))
        runpy.run_path(what, run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    warm.import_all(_ASIDE)
    for name in _SERVING:
        import_module(name)
    compiled.beforehand()
    children.serve(sys.argv[1], _be)
