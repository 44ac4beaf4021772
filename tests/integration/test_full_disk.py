"""A write on a disk that has room for a little more only: nothing is lost, reading goes on, and with room all goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from full_disk_worker import WRITES
from tracing import SOURCE

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
WORKER = Path(__file__).with_name("full_disk_worker.py")
SHORT = [
    ["publish", 0], ["publish", 88], ["promote", 64], ["component", 72], ["gc", 24], ["backup", 40], ["backup", 116],
    ["reindex", 36],
    ["restore", 120],
]  # fmt: skip
"""Writes, and kB that are too few for each: it fails at once, and in the middle."""


def ran(tmp_path: Path, cases: list[list[Any]], patch: str = "") -> list[dict[str, Any]]:
    """What was found in each case. patch: breaks the product."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    for name in ("disk", "home", "patches"):
        (tmp_path / name).mkdir()
    (tmp_path / "patches/sitecustomize.py").write_text(patch)
    given = {"disk": str(tmp_path / "disk"), "home": str(tmp_path / "home"), "cases": cases}
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *rights, "--mount", sys.executable, str(WORKER)],
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "patches"), SOURCE, str(WORKER.parents[1])])},
    )
    if done.returncode == 77 or done.stderr.startswith("unshare:"):
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def problems_of(found: list[dict[str, Any]]) -> list[str]:
    return [f"{case['what']} with {case['kB']} kB: {one}" for case in found for one in case["problems"]]


def test_a_write_without_room_is_refused_and_loses_nothing(tmp_path: Path, counted: Any) -> None:
    wanted = (os.environ.get("PINSET_WRITES") or " ".join(WRITES)).split()
    found = ran(tmp_path, [[what, None] for what in wanted] if TORTURE else SHORT)
    problems = problems_of(found)
    assert not problems, "\n".join([f"{len(problems)} problems in {len(found)} cases", *problems])
    failed = {case["what"] for case in found if case["failed"]}
    assert failed == {case["what"] for case in found}, "what never failed was not tried"
    counted(disks=len(found))


def test_a_registry_opened_on_a_full_disk_shows_what_is_written_and_tells_no_refusal_it_cannot_record(
    tmp_path: Path,
) -> None:
    found = ran(tmp_path, [["reader", 0], ["log", 0]])
    assert (problems_of(found), len(found)) == ([], 2)


MUTANTS = {
    "tells a refusal that it could not record": """
from pinset.services import attempts, local
local.keep = attempts.keep = lambda context, error, attempt: None
""",
    "acknowledges what it could not write": """
from pinset.services import session
commit = session.Session.commit
def broken(self):
    try:
        commit(self)
    except session.PinsetError:
        pass
session.Session.commit = broken
""",
    "leaves a directory half made": """
from contextlib import contextmanager
from pinset.services import keeping
@contextmanager
def broken(target, *, what, taken):
    target.mkdir(parents=True)
    yield target
keeping.built_aside = broken
""",
}


@pytest.mark.parametrize(
    ("mutant", "case"), [*zip(MUTANTS, [["log", 0], ["promote", 68], ["backup", 40]], strict=True)]
)
def test_a_registry_that_a_full_disk_breaks_is_found(mutant: str, case: list[Any], tmp_path: Path) -> None:
    assert problems_of(ran(tmp_path, [case], MUTANTS[mutant])), "nothing was found"
