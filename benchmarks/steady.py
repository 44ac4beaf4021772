"""Steady fetches by alias while another client publishes and promotes as fast as it can, also where every sync of the disk takes 200 ms.

An open loop: times count from when a question was due, so that a server that stands still for a write is seen.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import large
import servers
from figures import Figure
from load import Load, percentile

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "bundle"
RATE, SECONDS, CONNECTIONS = 2000, 10.0, 16
WANTED = 10.0
"""Milliseconds of the 99th percentile."""
SLOW = (
    "strace", "-f", "--seccomp-bpf", "-qq", "-o", os.devnull, "-e", "trace=fsync,fdatasync",
    "-e", "inject=fsync,fdatasync:delay_enter=200000",
)  # fmt: skip
"""With the filter only the calls that are slowed stop for strace; without it every call of the server would."""
WRITER = """
import json, random, signal, sys, time
import large
from pinset.client.remote import RemoteRegistry
from pinset.ports.registry import Caller

told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(True))
registry, by, dice, took = RemoteRegistry(sys.argv[1]), Caller(actor="bench"), random.Random(2), []
files = large.files_of(sys.argv[2], dice)
print("ready", flush=True)
while not told:
    begun = time.perf_counter()
    files = large.edited(files, len(took), dice)
    made = registry.publish(by, files)
    registry.promote(by, made["ref"], "production")
    took.append((time.perf_counter() - begun) * 1000)
print(json.dumps(took), flush=True)
"""
"""Publishes and promotes until it is told to stop, at least once; then says the milliseconds of each pair."""


def figures() -> list[Figure]:
    """Of a release of 4 kB, one worker; each time beside a server that does nothing, which shows what generator and strace cost."""
    with tempfile.TemporaryDirectory(prefix="pinset-steady-") as folder:
        found = _served(_registry(Path(folder) / "registry"), "", ())
        if _slows(Path(folder)):
            found += _served(_registry(Path(folder) / "slow"), ", syncs of 200 ms", SLOW)
        else:
            print("steady: no strace that may slow a call is here; syncs of 200 ms are skipped", file=sys.stderr)
    return found


def _served(home: Path, how: str, under: tuple[str, ...]) -> list[Figure]:
    with servers.trivial(under) as url:
        floor = _fetched(url)
    with servers.pinset(home, under=under) as url:
        quiet = _fetched(_alias(url))
        with _writing(url) as took:
            values = _fetched(_alias(url))
    return [
        *_named(f"steady answers of nothing{how}", floor, None),
        *_named(f"steady fetches{how}", quiet, None),
        # Wanted is that no fetch waits for a disk; writes that are not slowed take a core's time from it besides.
        *_named(f"steady fetches beside writes{how}", values, WANTED if under else None),
        Figure(f"publish and promote meanwhile{how}", values=took),
    ]


def _fetched(url: str) -> list[float]:
    with Load(url, {"Accept-Encoding": "identity"}, connections=CONNECTIONS) as load:
        load.flat_out(1)
        return load.steady(RATE, SECONDS)


def _named(name: str, values: list[float], wanted: float | None) -> list[Figure]:
    return [
        Figure(f"{name}, p50", values=[statistics.median(values)]),
        Figure(f"{name}, p99", values=[percentile(values, 0.99)], wanted=wanted),
    ]


@contextlib.contextmanager
def _writing(url: str) -> Iterator[list[float]]:
    """Another client writes; the milliseconds of each publish and promote are there when it has ended."""
    took: list[float] = []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WRITER, url, NAME]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        try:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            yield took
            writer.send_signal(signal.SIGTERM)
            took += json.loads(writer.stdout.readline())
        finally:
            writer.kill()


def _registry(home: Path) -> Path:
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home)) as registry:
        registry.publish(Caller(actor="bench"), large.files_of(NAME, random.Random(1)), alias="production")
    return home


def _alias(url: str) -> str:
    return f"{url}/v1/bundles/{NAME}/aliases/production"


def _slows(folder: Path) -> bool:
    """Whether strace is here and may do it."""
    if shutil.which("strace") is None:
        return False
    done = subprocess.run([*SLOW, "sync", "-d", str(folder)], capture_output=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    for figure in figures():
        print("  ".join(figure.row()))
