"""The power fails during and after gc, backup, restore and init --from: nothing is lost, and nothing is half there."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from crash_checks import git_fsck, wrong
from power_cuts import POLICIES, REGISTRY, losses, moments, record
from power_loss import make
from tracing import Worker, why_not

from pinset import bootstrap
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from power_cuts import Recorded

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
BEFORE: list[dict[str, Any]] = [
    {"do": "publish", "key": "1", "text": "One.", "alias": "staging"},
    {"do": "publish", "key": "2", "text": "Two.", "alias": "production"},
    {"do": "gc", "key": "packed"},
    {"do": "promote", "key": "3", "version": 1, "alias": "production"},
    {"do": "publish", "key": "4", "bundle": "another", "text": "Another bundle.", "alias": "production"},
    {"do": "publish", "key": "5", "text": "Three.", "alias": "staging"},
]
"""It leaves a pack and packed-refs, and beside them loose objects and refs, newer ones of packed names too."""
PACKING: list[dict[str, Any]] = [
    {"do": "open", "key": "open"},
    {"do": "gc", "key": "gc-1"},
    {"do": "promote", "key": "6", "version": 2, "alias": "staging"},
    {"do": "publish", "key": "7", "text": "Four.", "alias": "production"},
    {"do": "gc", "key": "gc-2"},
]
BACKUP, CLONE, MADE = "some/backup", "some/clone.git", "a/new/place"
MAKING = {"backup": REGISTRY, "restore": BACKUP, "clone": CLONE}
"""What each verb makes its directory from."""


@dataclass(frozen=True)
class Base:
    """A disk with a registry, its backup and its clone, and what its writes were answered."""

    disk: Path
    said: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


@contextmanager
def in_memory() -> Iterator[Path]:
    """A directory in memory where there is room for one: the record alone says what would be durable."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as directory:
        yield Path(directory)


@pytest.fixture
def scratch() -> Iterator[Path]:
    with in_memory() as directory:
        yield directory


@pytest.fixture(scope="module")
def base(worker: Worker) -> Iterator[Base]:
    with in_memory() as scratch:
        yield prepared(worker, scratch)


def prepared(worker: Worker, scratch: Path) -> Base:
    home = scratch / "disk" / REGISTRY
    bootstrap.create_registry(home)
    ran = worker.run({"directory": str(home), "steps": BEFORE}, [], scratch / "trace")
    assert len(ran.acknowledged) == len(BEFORE), ran.lines
    bootstrap.backup_registry(home, scratch / "disk" / BACKUP)
    clone = ["git", "clone", "--quiet", "--mirror", str(home / bootstrap.REPOSITORY), str(scratch / "disk" / CLONE)]
    subprocess.run(clone, check=True, timeout=60)
    return Base(scratch / "disk", {line["done"]["key"]: line for line in ran.acknowledged})


def record_making(verb: str, scratch: Path, worker: Worker, base: Base) -> Recorded:
    disk = scratch / "recorded" / "disk"
    step = {"do": verb, "key": verb, "from": str(disk / MAKING[verb]), "to": str(disk / MADE)}
    return record(scratch / "recorded", worker, [{"open": False, "steps": [step]}], base.disk)


def campaign(recorded: Recorded, judge: Any, counted: Any, *, between: int, policies: tuple[str, ...]) -> list[str]:
    """The losses of a run: the short form with so many moments, the large one with a drawn seed and very many."""
    if not TORTURE:
        return losses(recorded, judge, seed=1, between=between, draws=1, policies=policies)
    seed = int(os.environ.get("PINSET_SEED") or random.SystemRandom().randrange(2**32))
    rounds = int(os.environ.get("PINSET_ROUNDS") or 500)
    print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    return losses(recorded, judge, seed=seed, between=rounds, draws=rounds // 20, counted=counted)


def rebuilt(left: dict[str, Any], scratch: Path) -> Path:
    here = scratch / "rebuilt"
    shutil.rmtree(here, ignore_errors=True)
    make(left, here)
    return here


# -- gc --------------------------------------------------------------------------------------------------------


def wrong_after_gc(left: dict[str, Any], said: dict[str, Any], *, base: Base, scratch: Path) -> list[str]:
    home, said_of = rebuilt(left, scratch) / REGISTRY, {**base.said, **said}.get
    problems = wrong(home, [*BEFORE, *PACKING], said_of)
    if problems:
        return problems
    try:
        with closing(bootstrap.local_registry(home)) as registry:
            registry.gc()
    except PinsetError as error:
        return [f"it cannot be packed again: {error.message}"]
    return wrong(home, [*BEFORE, *PACKING], said_of, whole=False) + git_fsck(home)


def test_nothing_is_lost_when_the_power_fails_while_and_after_a_registry_is_packed(
    worker: Worker, base: Base, scratch: Path, counted: Any
) -> None:
    recorded = record(scratch / "recorded", worker, [{"open": False, "steps": PACKING}], base.disk)
    removed = [
        bytes.fromhex(a[-1].strip('"').replace("\\x", "")) for _, name, a, _ in recorded.calls if "unlink" in name
    ]
    assert sum(b"/objects/pack/pack-" in path for path in removed) >= 2, "no pack was replaced"
    assert any(b"/objects/" in path and b"pack" not in path for path in removed), "no loose object was replaced"
    assert any(path.endswith(b"/aliases/support/production") for path in removed), "no loose ref was replaced"
    judge = partial(wrong_after_gc, base=base, scratch=scratch)
    problems = campaign(recorded, judge, counted, between=3, policies=("nothing", "removals"))
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


# -- whole or not at all ---------------------------------------------------------------------------------------


def wrong_place(left: dict[str, Any], said: dict[str, Any], verb: str, *, base: Base, scratch: Path) -> list[str]:
    """What is wrong where a verb was making a directory: there whole, or not there and it can be made again."""
    here = rebuilt(left, scratch)
    made = here / MADE
    if not made.is_dir() or not any(made.iterdir()):
        if verb in said:
            return [f"{verb} was acknowledged, and nothing is there"]
        if not TORTURE:
            return []
        try:
            {"backup": bootstrap.backup_registry, "restore": bootstrap.restore_registry,
             "clone": bootstrap.clone_registry}[verb](here / MAKING[verb], made)  # fmt: skip
        except PinsetError as error:
            return [f"{verb} cannot be done again: {error.message}"]
    problems = wrong_source(here, verb, base)
    if verb == "backup":
        if found := git_fsck(made):
            return found
        try:
            bootstrap.restore_registry(made, here / "proof")
        except PinsetError as error:
            return [f"the backup is not restored: {error.message}"]
        made = here / "proof"
    with suppress(PinsetError), closing(bootstrap.local_registry(made)) as registry:
        if (epoch := registry.describe()["epoch"]) != 2:
            problems.append(f"it is of epoch {epoch}")
    return problems + wrong(made, BEFORE, base.said.get)


def wrong_source(here: Path, verb: str, base: Base) -> list[str]:
    return wrong(here / REGISTRY, BEFORE, base.said.get, whole=False) if verb == "backup" else []


@pytest.mark.parametrize("verb", MAKING)
def test_what_is_made_is_there_whole_or_not_at_all_when_the_power_fails(
    verb: str, worker: Worker, base: Base, scratch: Path, counted: Any
) -> None:
    recorded = record_making(verb, scratch, worker, base)
    judge = partial(wrong_place, verb=verb, base=base, scratch=scratch)
    problems = campaign(recorded, judge, counted, between=8, policies=("nothing",))
    problems += list(at_the_end(recorded, judge))
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])


def at_the_end(recorded: Recorded, judge: Any) -> Iterator[str]:
    """What is wrong just before the answer and at it: then the directory has come into its place."""
    total = sum(1 for _ in moments(recorded))
    for number, (disk, said, _) in enumerate(moments(recorded), start=1):
        for plan in ("names", "halves")[: max(0, number - total + 2)]:
            for one in judge(disk.left(POLICIES[plan].__getitem__), said):
                yield f"at moment {number} of {total}, {plan} reached the disk: {one}"


# -- the checkers find what is broken --------------------------------------------------------------------------

MUTANTS = {
    "directories and packs are not synced": """
import pinset.durable
pinset.durable.sync = lambda path: None
""",
    "files are not synced": """
import pinset.durable
sync = pinset.durable.sync
pinset.durable.sync = lambda path: sync(path) if path.is_dir() else None
import pinset.gitstore.git as git
git._SAFE = tuple(word.replace("core.fsync=all", "core.fsync=none") for word in git._SAFE)
""",
    "git removes what it packs": """
import pinset.gitstore.git as git
import pinset.gitstore.packing as packing
packing.repack = lambda path: git.run(path, "repack", "-d", "--geometric=2", "--quiet")
packing.pack_refs = lambda path: git.run(path, "pack-refs", "--all")
""",
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_gc_that_syncs_too_little_is_found(mutant: str, base: Base, scratch: Path) -> None:
    patches = scratch / "patches"
    patches.mkdir()
    (patches / "sitecustomize.py").write_text(MUTANTS[mutant])
    with Worker(patches) as broken:
        recorded = record(scratch / "recorded", broken, [{"open": False, "steps": PACKING[:2]}], base.disk)
    left = [
        disk.left(POLICIES[plan].__getitem__)
        for disk, _, step in moments(recorded)
        if step == "gc-1"
        for plan in ("removals", "names")
    ]
    assert any(wrong_after_gc(each, {}, base=base, scratch=scratch) for each in left), "no loss was found"


@pytest.mark.parametrize("verb", MAKING)
def test_a_directory_that_is_not_synced_before_it_is_in_place_is_found(
    verb: str, worker: Worker, base: Base, scratch: Path
) -> None:
    recorded = record_making(verb, scratch, worker, base)
    unsynced = replace(recorded, calls=[call for call in recorded.calls if call[1] != "fsync"])
    judge = partial(wrong_place, verb=verb, base=base, scratch=scratch)
    assert next(at_the_end(unsynced, judge), None), "nothing half made was found"
