"""Runs commands of the command line, each in a fork of a process that has imported it, where that process is.

    … python several.py

Reads one JSON list of words a line from standard input, and says a line for each: ``status``, ``out``, ``err``. For commands
in a mount namespace, or without the powers of root, where the process of `warm` is not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pinset
import pinset_cli

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = [
    *(str(Path(module.__file__ or "").parents[1]) for module in (pinset, pinset_cli)),
    str(Path(__file__).parents[1]),
]


class Several:
    """The program, run by what is before it. home: a folder for what the commands print."""

    def __init__(self, prefix: Sequence[str], home: Path) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES), "TMPDIR": str(home)},
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate(timeout=60)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return subprocess.CompletedProcess(words, said["status"], said["out"], said["err"])


def _ran(words: list[str]) -> dict[str, Any]:
    """Fork for one command."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(out.fileno(), 1)
                os.dup2(err.fileno(), 2)
                from pinset_cli.main import main

                status = main(words)
                sys.stdout.flush()
                sys.stderr.flush()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        out.seek(0)
        err.seek(0)
        return {"status": status, "out": out.read(), "err": err.read()}


if __name__ == "__main__":
    import compiled
    import warm

    warm.import_all()
    compiled.beforehand()
    for line in sys.stdin:
        print(json.dumps(_ran(json.loads(line))), flush=True)  # noqa: T201 - it is read
