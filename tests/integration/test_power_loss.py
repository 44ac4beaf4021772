"""The power fails at any moment: what was acknowledged is there, whatever part of the rest reached the disk."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from crash_checks import wrong
from power_loss import OPTIONS, Disk, make, on_disk, records
from tracing import Worker, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
SHORT = 8
"""Moments between two acknowledgements that the short form draws."""
STEPS: list[dict[str, Any]] = [
    {"do": "create", "key": "create"},
    {"do": "publish", "key": "1", "text": "One.", "alias": "staging"},
    {"do": "publish", "key": "2", "text": "Two."},
    {"do": "promote", "key": "3", "version": 2, "alias": "production"},
    {"do": "publish", "key": "4", "bundle": "another", "text": "Another bundle.", "alias": "production"},
    {"do": "reindex", "key": "5"},
    {"do": "promote", "key": "6", "version": 1, "alias": "production"},
]
KILLED: dict[str, Any] = {"do": "publish", "key": "killed", "bundle": "third", "text": "Three.", "alias": "staging"}
POLICIES: dict[str, dict[str, str]] = {
    "nothing": {"name": "no", "data": "no"},
    "names": {"name": "yes", "data": "no"},
    "sizes": {"name": "yes", "data": "zeros"},
    "data": {"name": "no", "data": "yes"},
    "halves": {"name": "yes", "data": "half"},
    "everything": {"name": "yes", "data": "yes"},
}


@dataclass(frozen=True)
class Recorded:
    """A run: the calls, what was there before it and after it, where the registry is made."""

    calls: list[tuple[str, str, list[str], str]]
    after: dict[str, bytes | str | None]
    root: Path
    registry: str


def record(scratch: Path, worker: Worker, jobs: list[dict[str, Any]], base: Path | None = None) -> Recorded:
    """Run jobs, one life each, in an empty directory whose registry lies some directories deep, or in a copy of base.

    A job with ``killed_at`` is killed at that fsync of its git process.
    """
    root = scratch / "disk"
    registry = "some/where/registry"
    _begin(root, base)
    calls: list[tuple[str, str, list[str], str]] = []
    for job in jobs:
        kill = ["-e", f"inject=fsync:signal=KILL:when={job['killed_at']}"] if "killed_at" in job else []
        ran = worker.run({"directory": str(root / registry), **job}, [*OPTIONS, *kill], scratch / "trace")
        assert len(ran.acknowledged) == (0 if kill else len(job["steps"])), ran.lines
        calls += records(ran.trace)
    after = on_disk(root)
    _begin(root, base)
    return Recorded(calls, after, root, registry)


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
    assert without_shared_memory(left) == without_shared_memory(recorded.after), "the replay is not what happened"


def without_shared_memory(left: dict[str, Any]) -> dict[str, Any]:
    # SQLite writes to it through memory, which no system call shows, and makes it anew after a crash.
    return {path: what for path, what in left.items() if not path.endswith("-shm")}


def acknowledged(name: str, arguments: list[str]) -> dict[str, Any] | None:
    """What the worker told its caller with this call."""
    if name != "write" or not arguments[0].startswith("1<"):
        return None
    line = json.loads(bytes.fromhex(arguments[1].strip('"').replace("\\x", "")))
    return line if "done" in line else None


def losses(recorded: Recorded, scratch: Path, *, seed: int, between: int, draws: int) -> list[str]:
    """What breaks a promise after a power cut: at each acknowledgement with every policy and some draws, and between
    them at so many moments with one draw or policy each."""  # fmt: skip
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
            plans = [*POLICIES, *["draw"] * draws]
        for plan in plans:
            left = disk.left(drawing(dice) if plan == "draw" else POLICIES[plan].__getitem__)
            key = hashlib.sha256(repr(left).encode()).hexdigest(), len(said)
            if key in seen or "create" not in said:
                continue
            seen.add(key)
            where = f"{'after ' + step if step else f'at moment {number}'}, {plan} reached the disk"
            problems += [f"{where}: {one}" for one in judged(left, recorded, scratch, said)]
    return problems


def judged(left: dict[str, Any], recorded: Recorded, scratch: Path, said: dict[str, Any]) -> list[str]:
    here = scratch / "rebuilt"
    shutil.rmtree(here, ignore_errors=True)
    make(left, here)
    return wrong(here / recorded.registry, STEPS[: len(said) + 1], said.get)


def drawing(dice: random.Random) -> Callable[[str], str]:
    """Some of the changes reach the disk: few, about a half, or nearly all."""
    share = dice.choice([0.1, 0.5, 0.9])

    def choose(kind: str) -> str:
        if dice.random() > share:
            return "no"
        return dice.choice(["yes", "yes", "zeros", "half"]) if kind == "data" else "yes"

    return choose


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


@pytest.fixture(scope="module")
def recorded(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("recorded"), worker, [{"open": False, "steps": STEPS}])


def test_nothing_acknowledged_is_lost_when_the_power_fails(recorded: Recorded, tmp_path: Path) -> None:
    if TORTURE:
        seed = int(os.environ.get("PINSET_SEED") or random.SystemRandom().randrange(2**32))
        rounds = int(os.environ.get("PINSET_ROUNDS") or 1000)
        print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
        problems = losses(recorded, tmp_path, seed=seed, between=rounds, draws=50)
    else:
        problems = losses(recorded, tmp_path, seed=1, between=SHORT, draws=1)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


def test_what_a_killed_writer_left_is_made_durable_before_it_is_built_upon(worker: Worker, tmp_path: Path) -> None:
    first = {"open": False, "steps": STEPS[:2]}
    base = tmp_path / "base"
    shutil.copytree(record(tmp_path / "first", worker, [first]).root, base)
    ran = worker.run({"directory": str(base / "some/where/registry"), **first}, [], tmp_path / "trace")
    before = {line["done"]["key"]: line for line in ran.acknowledged}
    plain = record(tmp_path / "plain", worker, [{"steps": [KILLED]}], base)
    syncs = sum(name == "fsync" for _, name, _, _ in plain.calls)
    assert syncs > 10
    again = {"open": False, "steps": [{"do": "open", "key": "open"}, KILLED]}
    problems = []
    for killed_at in range(1, syncs + 1) if TORTURE else range(4, syncs + 1, 4):
        jobs = [{"steps": [KILLED], "die_together": True, "killed_at": killed_at}, again]
        recorded = record(tmp_path / "recorded", worker, jobs, base)
        left, said = [
            (disk.left(POLICIES["nothing"].__getitem__), said) for disk, said, step in moments(recorded) if step
        ][-1]
        here = tmp_path / "rebuilt"
        shutil.rmtree(here, ignore_errors=True)
        make(left, here)
        found = wrong(here / recorded.registry, [*STEPS[:2], KILLED], {**before, **said}.get)
        problems += [f"killed at sync {killed_at} and done again: {one}" for one in found]
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


MUTANTS = {
    "objects and refs": """
import pygit2
kind = type(pygit2.settings)
switch = kind.enable_fsync_gitdir
kind.enable_fsync_gitdir = lambda self, on: switch(self, False)
""",
    "directories": """
import pinset.durable
pinset.durable.sync = lambda path: None
""",
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_registry_that_does_not_sync_is_found(mutant: str, tmp_path: Path) -> None:
    patches = tmp_path / "patches"
    patches.mkdir()
    (patches / "sitecustomize.py").write_text(MUTANTS[mutant])
    with Worker(patches) as broken:
        recorded = record(tmp_path / "recorded", broken, [{"open": False, "steps": STEPS}])
    last = [(disk.left(POLICIES["nothing"].__getitem__), said) for disk, said, step in moments(recorded) if step]
    assert any(judged(left, recorded, tmp_path, said) for left, said in last[-1:]), "no loss was found"
