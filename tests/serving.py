"""A server as a process of its own, as `pinset serve` runs it, on a free port of loopback."""

from __future__ import annotations

import json
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import forked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVE = """
import json, sys
from pathlib import Path
from pinset.bootstrap import serve_registry
serve_registry(Path(sys.argv[1]), host="127.0.0.1", port=0, talk=lambda text: print(text, flush=True),
               **json.loads(sys.argv[2]))
"""


@dataclass
class Server:
    """A server that runs. said: its first line; out, err: what it printed after that, once it has ended."""

    process: Any
    said: str
    out: str = ""
    err: str = ""

    @property
    def address(self) -> str:
        """Its ``http://`` address."""
        return self.said.split(" on ")[1].split()[0]

    @property
    def end(self) -> tuple[str, int]:
        """Where its socket is."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        return host, int(port)


@contextmanager
def serving(home: Path, *, before: str = "", ends_within: float = 30, **given: Any) -> Iterator[Server]:
    """Serve a registry, and end it as a supervisor does.

    before: Python that the process runs first. ends_within: seconds that it may take to end. given: to `serve_registry`.
    """
    command = ["-c", before + SERVE, str(home), json.dumps(given)]
    pipe = subprocess.PIPE
    with forked.start(command, stdout=pipe, stderr=pipe, text=True) as process:
        told = process.stderr if given.get("log") == "json" else process.stdout
        assert told is not None
        server = Server(process, "")
        try:
            server.said = told.readline()
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            server.out, server.err = process.communicate(timeout=ends_within)
