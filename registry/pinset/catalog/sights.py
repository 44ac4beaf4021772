"""Sights: one small file a process in ``serving/`` of the registry's directory, and in memory."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.adoption import CLIENT, FORGOTTEN, newest
from pinset.domain.names import HIGHEST_VERSION, is_alias, is_bundle_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.domain.adoption import Held, Table, Who

_FOLDER: Final = "serving"
_FILE: Final = re.compile(r"\.?([1-9][0-9]{0,9})\.json")
_LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a file that is read: several times what the largest table takes."""
_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""What others put in a file's place leads nowhere, and a pipe there keeps nobody waiting."""


class FileSights:
    """Implements `ports.sights.Sights` in a registry's directory. now: seconds that all processes count alike."""

    def __init__(self, directory: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._folder, self.now = directory / _FOLDER, now
        self._own: Table = {}
        self._told = False

    def keep(self, table: Table) -> None:
        """Put a new file in the place of the old one. It need not survive a power cut, so nothing waits for the disk."""
        self._own = table
        if not table and not self._told:
            return
        new = self._folder / f".{os.getpid()}.json"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with os.fdopen(os.open(new, flags | _SAFELY, 0o600), "w", encoding="ascii") as file:
                file.writelines(_pieces(table, self.now()))
            new.replace(self._folder / f"{os.getpid()}.json")
            self._told = True
        except OSError:
            with suppress(OSError):
                new.unlink()

    def everyone(self) -> dict[Who, Held]:
        """Our own and the others' files. Those of processes that are gone, and old ones, are removed on the way."""
        return newest([*self._others(), self._own], self.now())

    def close(self) -> None:
        """Remove our file."""
        self._own = {}
        if self._told:
            self._told = False
            with suppress(OSError):
                (self._folder / f"{os.getpid()}.json").unlink()

    def _others(self) -> Iterator[dict[Who, Held]]:
        try:
            there = sorted(self._folder.iterdir())
        except OSError:
            return
        for path in there:
            match = _FILE.fullmatch(path.name)
            if match is None or int(match[1]) == os.getpid():
                continue
            lives = _lives(int(match[1]))
            if lives and path.name.startswith("."):
                continue  # it is being written
            table = _read(path, self.now()) if lives else None
            if table is not None:
                yield table
                continue
            with suppress(OSError):
                path.unlink()


class MemorySights:
    """Implements `ports.sights.Sights` for one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self._own: Table = {}

    def keep(self, table: Table) -> None:
        """Remember it."""
        self._own = table

    def everyone(self) -> dict[Who, Held]:
        """What is remembered and not too old."""
        return newest([self._own], self.now())

    def close(self) -> None:
        """Forget it."""
        self._own = {}


def _pieces(table: Table, now: float) -> Iterator[str]:
    """A table as JSON: clients and their times by bundle, alias and version.

    In pieces: a thread that writes one long text as a whole lets no other compute.
    """
    groups: dict[tuple[str, str, int | None], dict[str, float]] = {}
    for (client, bundle, alias), (version, at) in table.items():
        groups.setdefault((bundle, alias, version), {})[client] = round(at, 3)
    start = f'{{"format": 1, "told": {json.dumps(now)}, "held": ['
    for key, clients in groups.items():
        yield start + json.dumps([*key, clients])
        start = ",\n"
    yield ("" if groups else start) + "]}"


def _read(path: Path, now: float) -> dict[Who, Held] | None:
    """What a file says: {} for one that cannot be read just now, None for one that is too old or none of ours."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _SAFELY), "rb") as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            raw = file.read(_LARGEST + 1) if plain else b""
    except OSError as error:
        return None if error.errno == errno.ELOOP else {}
    try:
        said: Any = json.loads(raw) if len(raw) <= _LARGEST else None
        # A time to come is one of before the machine was started anew.
        if said["format"] != 1 or not now - FORGOTTEN <= said["told"] <= now:
            return None
        return dict(_held(said["held"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def _held(groups: Any) -> Iterator[tuple[Who, Held]]:
    """Raises ValueError, TypeError, OverflowError for what is no table."""
    for bundle, alias, version, clients in groups:
        if not is_bundle_name(bundle) or not is_alias(alias) or not _is_held(version):
            raise ValueError(groups)
        for client, at in dict(clients).items():
            if not CLIENT.fullmatch(client) or type(at) not in (int, float):
                raise ValueError(groups)
            yield (client, bundle, alias), (version, float(at))


def _is_held(version: Any) -> bool:
    return version is None or (type(version) is int and 1 <= version <= HIGHEST_VERSION)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
