"""The power fails at any moment: what was acknowledged is there, whatever part of the rest reached the disk."""

from __future__ import annotations

import os
import random
import shutil
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from crash_checks import wrong
from power_cuts import POLICIES, REGISTRY, losses, moments, record
from power_loss import make
from tracing import Worker, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from power_cuts import Recorded

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
SHORT = 5
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


def judged(left: dict[str, Any], said: dict[str, Any], scratch: Path) -> list[str]:
    if "create" not in said:
        return []
    here = scratch / "rebuilt"
    shutil.rmtree(here, ignore_errors=True)
    make(left, here)
    return wrong(here / REGISTRY, STEPS[: len(said) + 1], said.get)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


@pytest.fixture(scope="module")
def recorded(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("recorded"), worker, [{"open": False, "steps": STEPS}])


def test_nothing_acknowledged_is_lost_when_the_power_fails(recorded: Recorded, tmp_path: Path, counted: Any) -> None:
    judge = partial(judged, scratch=tmp_path)
    if TORTURE:
        seed = int(os.environ.get("PINSET_SEED") or random.SystemRandom().randrange(2**32))
        rounds = int(os.environ.get("PINSET_ROUNDS") or 1000)
        print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
        problems = losses(recorded, judge, seed=seed, between=rounds, draws=min(rounds, 50), counted=counted)
    else:
        problems = losses(recorded, judge, seed=1, between=SHORT, draws=1)
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


def test_what_a_killed_writer_left_is_made_durable_before_it_is_built_upon(worker: Worker, tmp_path: Path) -> None:
    first = {"open": False, "steps": STEPS[:2]}
    base = tmp_path / "base"
    shutil.copytree(record(tmp_path / "first", worker, [first]).root, base)
    ran = worker.run({"directory": str(base / REGISTRY), **first}, [], tmp_path / "trace")
    before = {line["done"]["key"]: line for line in ran.acknowledged}
    plain = record(tmp_path / "plain", worker, [{"steps": [KILLED]}], base)
    syncs = sum(name == "fsync" for _, name, _, _ in plain.calls)
    assert syncs > 10
    again = {"open": False, "steps": [{"do": "open", "key": "open"}, KILLED]}
    problems = []
    for killed_at in range(1, syncs + 1) if TORTURE else range(4, syncs + 1, 6):
        jobs = [{"steps": [KILLED], "die_together": True, "killed_at": killed_at}, again]
        recorded = record(tmp_path / "recorded", worker, jobs, base)
        left, said = [
            (disk.left(POLICIES["nothing"].__getitem__), said) for disk, said, step in moments(recorded) if step
        ][-1]
        here = tmp_path / "rebuilt"
        shutil.rmtree(here, ignore_errors=True)
        make(left, here)
        found = wrong(here / REGISTRY, [*STEPS[:2], KILLED], {**before, **said}.get)
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
    assert any(judged(left, said, tmp_path) for left, said in last[-1:]), "no loss was found"
