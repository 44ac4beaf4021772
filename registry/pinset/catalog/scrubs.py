"""The record of scrubs: two files beside the registry's, and in memory."""

from __future__ import annotations

import json
import os
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from pinset.catalog.flock import flock
from pinset.errors import Busy, ReadOnly
from pinset.ports.scrubs import Scrub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILE: Final = "scrub.json"
_LOCK: Final = "scrub.lock"


class FileScrubs:
    """Implements `ports.scrubs.Scrubs` in a registry's directory."""

    def __init__(self, directory: Path) -> None:
        self._file, self._lock = directory / _FILE, directory / _LOCK

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether the lock is ours. Raises ReadOnly."""
        with ExitStack() as held:
            try:
                held.enter_context(flock(self._lock, wait_seconds=0))
                ours = True
            except Busy:
                ours = False
            yield ours

    def last(self) -> Scrub | None:
        """What the file says; None for one that is none of ours."""
        try:
            scrub = Scrub(**json.loads(self._file.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        numbers = [scrub.ended_at, scrub.problems, scrub.sound_at or 0]
        return scrub if all(type(number) is int and number >= 0 for number in numbers) else None

    def keep(self, scrub: Scrub) -> None:
        """Put a new file in the place of the old one. Raises ReadOnly."""
        new = self._file.with_name(f".{_FILE}.{os.getpid()}")
        try:
            new.write_text(json.dumps(asdict(scrub)) + "\n", "utf-8")
            new.replace(self._file)
        except OSError as error:
            new.unlink(missing_ok=True)
            raise ReadOnly(
                f"{self._file} cannot be written: {error.strerror}", hint="check the disk and the permissions"
            ) from error


class MemoryScrubs:
    """Implements `ports.scrubs.Scrubs` for the threads of one process."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._last: Scrub | None = None

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether no other thread is at it."""
        ours = self._turn.acquire(blocking=False)
        try:
            yield ours
        finally:
            if ours:
                self._turn.release()

    def last(self) -> Scrub | None:
        """The newest."""
        return self._last

    def keep(self, scrub: Scrub) -> None:
        """Remember it."""
        self._last = scrub
