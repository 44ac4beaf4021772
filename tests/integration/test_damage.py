"""Every class of file of a registry, damaged in every way: found, never served, never a hang or a crash, and mended.

The short form is a fixed sample of all classes and kinds. PINSET_TORTURE=1 takes random places: it prints its seed,
PINSET_SEED repeats it, and PINSET_ROUNDS says how often each class and kind is taken.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import damage
import pytest

import pinset
from pinset import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Campaign = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

WORKER = Path(__file__).with_name("damage_worker.py")
TORTURE = os.environ.get("PINSET_TORTURE") == "1"
ROUNDS = int(os.environ.get("PINSET_ROUNDS", "10")) if TORTURE else 1
CLASSES = [(variant, name) for variant, names in damage.FILES.items() for name in names]


def record(place: Path) -> None:
    """Let the worker make the registries."""
    command = _command(place, "record")
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, env=_environment(), check=False)
    assert done.returncode == 0, done.stderr


def _command(place: Path, *more: str) -> list[str]:
    return [sys.executable, str(WORKER), str(place), *more]


def _environment() -> dict[str, str]:
    paths = [str(Path(pinset.__file__).parents[1]), str(WORKER.parent), str(WORKER.parents[1])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registries, and what the undamaged one answers."""
    made = tmp_path_factory.mktemp("damage")
    record(made)
    return made


@pytest.fixture(scope="module")
def campaign(place: Path) -> Iterator[Campaign]:
    """Reports of cases, by one process for all of them; each case is a fork of it."""
    with tempfile.TemporaryFile("w+") as errors, subprocess.Popen(
        _command(place), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment()
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None
        given, said = worker.stdin, worker.stdout

        def report(asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
            reports = []
            for one in asked:
                given.write(json.dumps(one) + "\n")
                given.flush()
                line = said.readline()
                errors.seek(0)
                assert line, errors.read()
                reports.append(json.loads(line))
            return reports

        yield report
        given.close()
        assert worker.wait(60) == 0


def cases_of(variant: str, name: str, seed: int, rounds: int) -> list[damage.Case]:
    """Kinds of damage to a class: in the short form all of the databases' files and the catalog's log, and one of each
    other class.

    The state's log is gone as soon as a server has looked at the tokens.
    """
    kinds = damage.KINDS
    if name == "catalog":
        kinds += damage.AIMED
    elif name == "state":
        kinds += (damage.RIGHTS,)
    elif name != "catalog-wal" and not TORTURE:
        turn = sorted(one for _, one in CLASSES).index(name)
        kinds = tuple(kinds[(turn + step) % len(kinds)] for step in (0,))
    return [
        damage.Case(variant, name, kind, seed + number, name != "state-wal" and (TORTURE or kind in ("flip", "delete")))
        for number in range(rounds)
        for kind in kinds
    ]


@pytest.mark.parametrize(("variant", "name"), CLASSES, ids=[name for _, name in CLASSES])
def test_damage_is_found_and_never_served(campaign: Campaign, variant: str, name: str, counted: Any) -> None:
    seed = int(os.environ.get("PINSET_SEED", random.randrange(10**9))) if TORTURE else 0
    if TORTURE:
        print(f"PINSET_SEED={seed} PINSET_ROUNDS={ROUNDS}")  # noqa: T201 - whoever repeats it needs it
    reports = campaign([asdict(case) for case in cases_of(variant, name, seed, ROUNDS)])
    assert [report for report in reports if report["bad"]] == []
    counted(damages=len(reports))


def test_every_class_of_file_is_there_to_be_damaged(place: Path) -> None:
    for variant, name in CLASSES:
        assert damage.files_of(place / variant, name), name
    damaged = {name for _, name in CLASSES}
    assert damaged >= {*damage.OBJECTS, *damage.CATALOG, *damage.STATE, *damage.LOCKS}


def test_a_backup_made_before_mends_everything(place: Path, tmp_path: Path) -> None:
    bootstrap.restore_registry(place / "backup", tmp_path / "again")
    with closing(bootstrap.local_registry(tmp_path / "again")) as registry:
        found = json.loads(json.dumps(damage.answers(registry)))
        assert registry.verify()["problems"] == []
        assert [token["name"] for token in registry.tokens()["items"]] == ["cd", "gone", "ci"]
    right = json.loads((place / "right.json").read_text())["answers"]
    # A restored registry is the same in a new epoch.
    for answers in (found, right):
        answers.pop("describe")
        for answer in answers.values():
            if isinstance(answer, dict):
                answer.pop("epoch", None)
                answer.get("proof", {}).pop("epoch", None)
    assert found == right


MUTANTS = [
    ("no sums", "packed", "catalog", "letter", "wrong"),
    ("no state sums", "packed", "state", damage.RIGHTS, "wrong: token cd"),
    ("no state witness", "packed", "state", "substitute", "wrong: token gone"),
    ("open without a state", "packed", "state", "delete", "wrong: has tokens"),
    ("silent state", "packed", "state", damage.RIGHTS, "verify does not notice what"),
    ("no witness", "loose", "catalog-wal", "delete", "wrong"),
    ("no witness", "packed", "catalog", "substitute", "wrong"),
    ("no examination", "packed", "catalog", "entries", "wrong"),
    ("forgetful rebuild", "loose", "ref", "delete", "wrong after reindex"),
    ("silent verify", "loose", "blob", "flip", "verify does not notice"),
    ("git is asked", "loose", "tree", "truncate", "not served"),
    ("bug", "loose", "commit", "flip", "bug"),
    ("crash", "loose", "lock", "delete", "crash"),
    ("hang", "loose", "lock", "delete", "hang"),
]


def test_the_campaign_notices_a_broken_product(campaign: Campaign) -> None:
    asked = []
    for mutant, variant, name, kind, _ in MUTANTS:
        case = asdict(damage.Case(variant, name, kind, 0, server=False))
        asked.append({**case, "mutant": mutant, "seconds": 5.0 if mutant == "hang" else 120.0})
    for (mutant, *_, expected), report in zip(MUTANTS, campaign(asked), strict=True):
        assert any(found.startswith(expected) for found in report["bad"]), (mutant, report)
