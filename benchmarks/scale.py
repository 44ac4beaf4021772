"""What a registry of 100,000 releases costs beside one of 100, how it starts, and what it takes on the disk."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import large
from figures import Figure, timed

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 80
PAGE = 10
"""Items of a page: as many as the small registry can fill."""
SMALL, LARGE = large.Large(10, 10, 10), large.Large(1000, 100, 10)
MEASURED = 1000
"""Releases that are published for the size on the disk."""
BY = Caller(actor="bench")


def figures() -> list[Figure]:
    """Makes both registries, which takes about a minute."""
    folder = Path(tempfile.mkdtemp())
    try:
        large.make(folder / "small", SMALL)
        took, used = _made(folder / "large")
        count = LARGE.bundles * LARGE.releases
        rates = [
            Figure("reindex, by the clock", "releases/s", [count / took]),
            Figure("reindex, by a core's time", "releases/s", [count / used], wanted=2000, at_least=True),
        ]
        return [*_requests(folder), *rates, *_starts(folder / "large"), _size(folder / "sizes")]
    finally:
        shutil.rmtree(folder)


def _made(directory: Path) -> tuple[float, float]:
    """Seconds by the clock and of all cores' time that the reindex of the large registry takes."""
    large.make_repository(directory, LARGE)
    before = os.times()
    with closing(bootstrap.local_registry(directory)) as registry:
        took = timed(registry.reindex) / 1000
    after = os.times()
    return took, sum(after[:4]) - sum(before[:4])


def _requests(folder: Path) -> Iterator[Figure]:
    registries = {name: bootstrap.local_registry(folder / name, serving=True) for name in ("small", "large")}
    counts = {"small": SMALL.bundles, "large": LARGE.bundles}
    dice = random.Random(1)
    values: dict[str, dict[str, list[float]]] = {}
    for _ in range(ROUNDS):
        for name, registry in registries.items():
            bundle = f"bundle-{dice.randrange(counts[name]):05}"
            for request, work in _works(registry, bundle, dice).items():
                values.setdefault(request, {}).setdefault(name, []).append(timed(work))
    for registry in registries.values():
        registry.close()
    for request, both in values.items():
        yield Figure(request, values=both["large"], beside=Figure("of 100", values=both["small"]), wanted=1.2)


def _works(registry: Any, bundle: str, dice: random.Random) -> dict[str, Callable[[], object]]:
    return {
        "get by alias, of 100,000": partial(registry.release, f"{bundle}@production"),
        "get by version": partial(registry.release, f"{bundle}@v{dice.randrange(1, 10)}"),
        "list bundles": partial(registry.bundles, limit=PAGE),
        "list bundles by alias": partial(registry.bundles, limit=PAGE, alias="production"),
        "list releases": partial(registry.releases, bundle, limit=PAGE),
        "page of a history": partial(registry.history, bundle, "production", limit=PAGE),
        "publish, of 100,000": partial(registry.publish, BY, large.files_of(bundle, dice)),
        "promote, of 100,000": partial(registry.promote, BY, f"{bundle}@latest", "production"),
        "roll back": partial(registry.rollback, BY, bundle, "production"),
    }


def _starts(directory: Path) -> list[Figure]:
    """Until a server's first answer, and what a worker holds after many."""
    starts, held = [], []
    for _ in range(5):
        port = _free_port()
        command = [sys.executable, "-m", "pinset_cli", "serve", "--registry", str(directory), "--port", str(port)]
        begun = time.perf_counter()
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}/v1/bundles?limit=100"
        while not _answers(url):
            assert server.poll() is None, "the server ended"
            time.sleep(0.005)
        starts.append((time.perf_counter() - begun) * 1000)
        for _ in range(200):
            assert _answers(url)
        held.append(_peak(server.pid))
        server.send_signal(signal.SIGINT)
        server.wait(60)
    return [
        Figure("cold start of serve, to its first answer", values=starts, wanted=2000),
        Figure("memory of a worker, at its most", "MB", held, wanted=200),
    ]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.read())
    except OSError:
        return False


def _peak(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def _size(directory: Path) -> Figure:
    """Bytes of the repository for a release that changes a sentence, after `gc`."""
    bootstrap.create_registry(directory)
    dice = random.Random(2)
    texts = {name: large.files_of(name, dice) for name in large.Large(20, 1, 1).names}
    with closing(bootstrap.local_registry(directory, serving=True)) as registry:
        before = _bytes(directory)
        for number in range(MEASURED):
            name = list(texts)[number % len(texts)]
            texts[name] = large.edited(texts[name], number // len(texts), dice)
            registry.publish(BY, texts[name])
        registry.gc()
        return Figure("repository after gc", "B a release", [(_bytes(directory) - before) / MEASURED], wanted=1024)


def _bytes(directory: Path) -> int:
    files = (directory / bootstrap.REPOSITORY).rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())
