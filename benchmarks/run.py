"""What `make bench` prints: publish, promote and get here, beside the floor that git itself sets on this disk.

Medians of interleaved runs in one process. The floor writes two blobs, one tree and one commit and moves a ref by
compare-and-swap with bare pygit2, fsync on: what a publish or a promotion cannot do without.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pygit2

from pinset import bootstrap
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 60
BY = Caller(actor="bench")


def manifest(number: int) -> dict[str, str]:
    text = f"Summarize {{{{ticket}}}} ({number})."
    lines = f"release:\n  feature: bench\n  model: {{name: m, pinned_version: '1'}}\n  prompt: {{text: '{text}'}}\n"
    return {"release.yaml": lines}


class Floor:
    """The same on bare pygit2."""

    def __init__(self, directory: Path) -> None:
        pygit2.settings.enable_fsync_gitdir(True)  # noqa: FBT003 - the library's own signature
        self._repo = pygit2.init_repository(str(directory), bare=True)
        self._signature = pygit2.Signature("bench", "bench@localhost", 0, 0)
        self._tips: list[pygit2.Oid] = []

    def publish(self, number: int) -> None:
        tree = self._repo.TreeBuilder()
        for name in ("manifest.json", "release.yaml"):
            tree.insert(name, self._repo.create_blob(f"{name} {number}".encode()), pygit2.enums.FileMode.BLOB)
        self._move("refs/heads/release", tree.write(), number)

    def promote(self, number: int) -> None:
        self._move("refs/heads/alias", self._repo[self._tips[-1]].tree_id, number)

    def _move(self, ref: str, tree: pygit2.Oid, number: int) -> None:
        parents = self._tips[-1:]
        commit = self._repo.create_commit(None, self._signature, self._signature, str(number), tree, parents)
        with self._repo.transaction() as transaction:
            transaction.lock_ref(ref)
            transaction.set_target(ref, commit)
        self._tips = [commit]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def main() -> None:
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        bootstrap.create_registry(home / "registry")
        registry, floor = bootstrap.local_registry(home / "registry", serving=True), Floor(home / "floor.git")
        registry.publish(BY, manifest(0), alias="production")
        floor.publish(0)
        for number in range(1, ROUNDS + 1):
            rounds: dict[str, Callable[[], object]] = {
                "publish": partial(registry.publish, BY, manifest(number)),
                "publish, floor": partial(floor.publish, number),
                "promote": partial(registry.promote, BY, f"bench@v{number + 1}", "production"),
                "promote, floor": partial(floor.promote, number),
                "get by alias": partial(registry.release, "bench@production"),
                "check": partial(registry.check, manifest(number)),
            }
            for name, work in rounds.items():
                figures.setdefault(name, []).append(timed(work))
        registry.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {ROUNDS} rounds; ms")
    for name, values in figures.items():
        floor_of = figures.get(f"{name}, floor")
        median, ninth = statistics.median(values), sorted(values)[len(values) * 9 // 10]
        ratio = f"   {median / statistics.median(floor_of):.1f} x the floor" if floor_of else ""
        print(f"{name:16} median {median:7.2f}   p90 {ninth:7.2f}{ratio}")


if __name__ == "__main__":
    main()
