"""Progress of long work, on a terminal only."""

from __future__ import annotations

import contextlib
import sys
import time


class TerminalProgress:
    """Implements `pinset.ports.progress.Progress`: one line on stderr, a few times a second."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 0.5

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """Say how far the work is, unless it was said a moment ago."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + 0.2
        with contextlib.suppress(OSError):  # a terminal that has gone must not stop the work
            sys.stderr.write(f"\r\x1b[K{what}: {done:,}" + (f" of {total:,}" if total else ""))
            sys.stderr.flush()
            if done == total:
                sys.stderr.write("\r\x1b[K")


def progress() -> TerminalProgress | None:
    """Where progress goes: nowhere, unless stderr is a terminal."""
    return TerminalProgress() if sys.stderr is not None and sys.stderr.isatty() else None
