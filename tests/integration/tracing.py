"""strace around one write: what it calls, and what is told to fail."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import pinset

if TYPE_CHECKING:
    from types import TracebackType

WORKER: Final = Path(__file__).with_name("crash_worker.py")
SOURCE: Final = str(Path(pinset.__file__).parents[1])
STRACE: Final = ("strace", "-qq", "--signal=none")


@cache
def why_not() -> str:
    """Why nothing can be traced here; '' where it can."""
    if shutil.which("strace") is None:
        return "strace is not installed: apt-get install strace"
    done = subprocess.run([*STRACE, "-o", "/dev/null", "true"], check=False, capture_output=True, text=True, timeout=60)
    return f"strace is not allowed here: {done.stderr.strip()[:200]}" if done.returncode else ""


@dataclass(slots=True)
class Ran:
    """How a job ended. trace: strace's lines. lines: what the worker said. status: as of os.waitpid."""

    trace: str
    lines: list[dict[str, Any]] = field(default_factory=list)
    status: int = 0

    @property
    def acknowledged(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "done" in line]

    def of(self, key: str) -> dict[str, Any] | None:
        """What was said of the step of that key; None where nobody lived to say it."""
        for line in self.lines:
            step = line.get("done") or line.get("failed")
            if step is not None and step["key"] == key:
                return line
        return None


class Worker:
    """A running crash_worker. patches: the folder of a ``sitecustomize.py`` that breaks the product in its processes."""

    def __init__(self, patches: Path | None = None) -> None:
        path = os.pathsep.join([str(patches), SOURCE] if patches else [SOURCE])
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PINSET_"))}
        self._process = subprocess.Popen(
            [sys.executable, str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**kept, "PYTHONPATH": path, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            bufsize=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def run(self, job: dict[str, Any], options: list[str], output: Path, *, who: str = "both") -> Ran:
        """Run a job under strace. who: which process is traced, ``writer``, ``git`` or ``both``."""
        assert self._process.stdin is not None
        job = {"open": True, "warm": who != "writer", **job}
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        ready = self._line()
        assert "ready" in ready, ready
        pids = {"writer": [ready["ready"]], "git": [ready["git"]], "both": [ready["ready"], ready["git"]]}[who]
        attach = [text for pid in pids if pid for text in ("-p", str(pid))]
        tracer = subprocess.Popen([*STRACE, "-o", str(output), *options, *attach], stderr=subprocess.PIPE, text=True)
        for pid in filter(None, pids):
            wait_for_tracer(pid, tracer)
        self._process.stdin.write(b"!")
        ran = Ran("")
        while "ended" not in (line := self._line()):
            ran.lines.append(line)
        ran.status = line["ended"]
        try:
            tracer.communicate(timeout=120)  # it ends when those it traces have ended
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.communicate()
            raise
        ran.trace = output.read_text("ascii", "replace")
        return ran

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the worker ended"
        parsed: dict[str, Any] = json.loads(line)
        return parsed


def wait_for_tracer(pid: int, tracer: subprocess.Popen[str]) -> None:
    """Wait until a process is traced, at most a minute."""
    deadline = time.monotonic() + 60
    while "TracerPid:\t0\n" in _status(pid):
        if tracer.poll() == 0:
            return  # it has traced, and what it traced has ended, by a fault at the call that it was waiting in
        if tracer.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"strace does not trace: {tracer.communicate()[1]}")
        time.sleep(0.001)


def _status(pid: int) -> str:
    """What the system says of a process; '' where it is gone."""
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


_CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)$", re.MULTILINE)


def calls(trace: str) -> list[tuple[str, str]]:
    """Name and the rest of the line of each call of one process, in order."""
    return [(match[1], match[2]) for match in _CALL.finditer(trace)]
