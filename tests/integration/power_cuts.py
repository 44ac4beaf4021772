"""Records a run, and cuts the power at its moments: what every campaign of power cuts shares."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from power_loss import OPTIONS, Disk, on_disk, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tracing import Worker

REGISTRY: Final = "some/where/registry"
POLICIES: Final[dict[str, dict[str, str]]] = {
    "nothing": {"name": "no", "gone": "no", "data": "no"},
    "names": {"name": "yes", "gone": "yes", "data": "no"},
    "removals": {"name": "no", "gone": "yes", "data": "no"},
    "sizes": {"name": "yes", "gone": "yes", "data": "zeros"},
    "data": {"name": "no", "gone": "no", "data": "yes"},
    "halves": {"name": "yes", "gone": "yes", "data": "half"},
    "everything": {"name": "yes", "gone": "yes", "data": "yes"},
}
"""What becomes of what was not synced: of its bytes, of removals, of all other changes of names."""


@dataclass(frozen=True)
class Recorded:
    """A run: the calls, what was there after it, where all of it happened."""

    calls: list[tuple[str, str, list[str], str]]
    after: dict[str, bytes | str | None]
    root: Path


def record(scratch: Path, worker: Worker, jobs: list[dict[str, Any]], base: Path | None = None) -> Recorded:
    """Run jobs, one life each, in an empty directory, or in a copy of base. The registry is at REGISTRY in it.

    A job with ``killed_at`` is killed at that fsync of its git process.
    """
    root = scratch / "disk"
    _begin(root, base)
    calls: list[tuple[str, str, list[str], str]] = []
    for job in jobs:
        kill = ["-e", f"inject=fsync:signal=KILL:when={job['killed_at']}"] if "killed_at" in job else []
        ran = worker.run({"directory": str(root / REGISTRY), **job}, [*OPTIONS, *kill], scratch / "trace")
        assert len(ran.acknowledged) == (0 if kill else len(job["steps"])), ran.lines
        calls += records(ran.trace)
    after = on_disk(root)
    _begin(root, base)
    return Recorded(calls, after, root)


def _begin(root: Path, base: Path | None) -> None:
    shutil.rmtree(root, ignore_errors=True)
    if base is None:
        root.mkdir(parents=True)
    else:
        shutil.copytree(base, root, symlinks=True)


def moments(recorded: Recorded) -> Iterator[tuple[Disk, dict[str, dict[str, Any]], str | None]]:
    """The disk after each call that changed it, what was acknowledged before, and the step acknowledged just then."""
    disk, said, changes = Disk(recorded.root), dict[str, dict[str, Any]](), 0
    for pid, name, arguments, answer in recorded.calls:
        line = acknowledged(name, arguments)
        if line is not None:
            said[line["done"]["key"]] = line
            yield disk, dict(said), line["done"]["key"]
            continue
        disk.apply(pid, name, arguments, answer)
        if disk.changes != changes:
            changes = disk.changes
            yield disk, dict(said), None
    left = disk.left(lambda _: "yes")
    left, after = without_shared_memory(left), without_shared_memory(recorded.after)
    different = sorted(path for path in {*left, *after} if left.get(path, 0) != after.get(path, 0))
    assert not different, f"the replay is not what happened: {different[:5]}"


def without_shared_memory(left: dict[str, Any]) -> dict[str, Any]:
    # SQLite writes to it through memory, which no system call shows, and makes it anew after a crash.
    return {path: what for path, what in left.items() if not path.endswith("-shm")}


def acknowledged(name: str, arguments: list[str]) -> dict[str, Any] | None:
    """What the worker told its caller with this call."""
    if name != "write" or not arguments[0].startswith("1<"):
        return None
    said = bytes.fromhex(arguments[1].strip('"').replace("\\x", ""))
    line: dict[str, Any] | None = json.loads(said) if said.startswith(b'{"done"') else None
    return line


def losses(
    recorded: Recorded,
    judged: Callable[[dict[str, Any], dict[str, dict[str, Any]]], list[str]],
    *,
    seed: int,
    between: int,
    draws: int,
    policies: Sequence[str] = tuple(POLICIES),
    counted: Callable[..., None] | None = None,
) -> list[str]:
    """What breaks a promise after a power cut: at each acknowledgement with some policies and draws, and between
    them at so many moments with one draw or policy each. judged: what is wrong with what is left, given what was said.
    counted: is told how many different disks were judged."""
    dice = random.Random(seed)
    total = sum(step is None for _, _, step in moments(recorded))
    drawn = set(dice.sample(range(total), min(between, total)))
    problems: list[str] = []
    seen: set[tuple[str, int]] = set()
    number = 0
    for disk, said, step in moments(recorded):
        if step is None:
            number += 1
            if number - 1 not in drawn:
                continue
            plans = [dice.choice([*POLICIES, "draw"])]
        else:
            plans = [*policies, *["draw"] * draws]
        for plan in plans:
            left = disk.left(drawing(dice) if plan == "draw" else POLICIES[plan].__getitem__)
            key = hashlib.sha256(repr(left).encode()).hexdigest(), len(said)
            if key not in seen:
                seen.add(key)
                where = f"{'after ' + step if step else f'at moment {number}'}, {plan} reached the disk"
                problems += [f"{where}: {one}" for one in judged(left, said)]
    if counted is not None:
        counted(cuts=len(seen))
    return problems


def drawing(dice: random.Random) -> Callable[[str], str]:
    """Some of the changes reach the disk: few, about a half, or nearly all."""
    share = dice.choice([0.1, 0.5, 0.9])

    def choose(kind: str) -> str:
        if dice.random() > share:
            return "no"
        return dice.choice(["yes", "yes", "zeros", "half"]) if kind == "data" else "yes"

    return choose
