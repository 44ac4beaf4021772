"""One child process and the pipes to it, every wait with an end."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pinset.gitstore import frames

if TYPE_CHECKING:
    from collections.abc import Sequence

_CLOSE_SECONDS: Final = 5.0


class ChildDied(Exception):  # noqa: N818 - says what happened; never leaves the package
    """The child ended before it answered."""


class Child:
    """A running child of one repository. inherited: file descriptors it keeps open."""

    def __init__(self, repository: Path, inherited: Sequence[int] = ()) -> None:
        self.started = time.time()
        self._process = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
            [sys.executable, "-P", "-m", "pinset.gitstore.child", str(repository)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            pass_fds=tuple(inherited),
            cwd=repository.parent,
            env=clean_environment(PYTHONPATH=os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)),
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the child has no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def send(self, message: dict[str, Any], seconds: float) -> None:
        """Send a request. Raises TimeoutError, ChildDied."""
        deadline = time.monotonic() + seconds
        left = memoryview(frames.pack(message))
        try:
            while left:
                _wait(self._stdin.fileno(), select.POLLOUT, deadline)
                left = left[os.write(self._stdin.fileno(), left) :]
        except BrokenPipeError as error:
            raise ChildDied from error

    def receive(self, seconds: float) -> dict[str, Any]:
        """The next answer. Raises TimeoutError, ChildDied."""
        deadline = time.monotonic() + seconds
        (length,) = frames.LENGTH.unpack(self._exactly(frames.LENGTH.size, deadline))
        if length > frames.FRAME_LIMIT:
            raise ChildDied(f"an answer of {length} bytes")
        return frames.unpack(self._exactly(length, deadline))

    def kill(self) -> int:
        """End the child at once and wait for it. Its exit status, negative for a signal."""
        self._process.kill()
        return self._finish()

    def close(self) -> None:
        """Let the child end by itself, or end it."""
        self._stdin.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._finish()

    def abandon(self) -> None:
        """Forget the child of another process after a fork: it is not ours to end."""
        self._stdin.close()
        self._stdout.close()
        self._process.returncode = 0

    def status(self) -> int:
        """The exit status of a child that has closed its pipe."""
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._finish()

    def _finish(self) -> int:
        self._process.wait()
        self._stdin.close()
        self._stdout.close()
        return self._process.returncode

    def _exactly(self, size: int, deadline: float) -> bytes:
        got = bytearray()
        while len(got) < size:
            _wait(self._stdout.fileno(), select.POLLIN, deadline)
            piece = os.read(self._stdout.fileno(), min(size - len(got), 1 << 20))
            if not piece:
                raise ChildDied
            got += piece
        return bytes(got)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without what steers git from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", **more}


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    left = deadline - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError
