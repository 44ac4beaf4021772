"""Long campaigns of faults, kills, damage and chance: what `make torture` runs. Hours, or as long as you let it.

    python tests/torture.py [--seed N] [--only WORD] [--jobs N] [--share PERCENT] [--fresh] [--list]

A run has a seed, from which the seed of each of its parts follows. What has ended is kept in `.torture/SEED.jsonl`: the
same command goes on where it was stopped. `--seed` goes on with a run or begins one; with `--fresh` it is repeated. A part
that fails leaves its log beside it, and the command that runs it alone. At the end, and whenever it is stopped, it says what
was counted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
KEPT: Final = ROOT / ".torture"
PART_SECONDS: Final = 3600
_COUNTED = re.compile(r"^counted: (.*)$", re.MULTILINE)
_PASSED = re.compile(r"\b(\d+) passed\b")
_SKIPPED = re.compile(r"\b(\d+) skipped\b")


@dataclass(frozen=True)
class Campaign:
    """parts: how many pieces it is cut into, each a run of its own. rounds: PINSET_ROUNDS of each piece; None where the
    pieces share what there is by PINSET_PART. tests: what pytest is given.
    """

    name: str
    tests: str
    parts: int
    rounds: int | None = None


CAMPAIGNS: Final = (
    Campaign("faults at every system call", "tests/integration/test_injection.py", 60),
    Campaign("power loss in writes", "tests/integration/test_power_loss.py", 12, 50),
    Campaign("power loss in gc, backup, restore and clone", "tests/integration/test_power_loss_keeping.py", 12, 40),
    Campaign("full disks of every size", "tests/integration/test_full_disk.py", 1),
    Campaign("kill -9 of a writer", "tests/integration/test_kill_registry.py", 20, 100),
    Campaign("histories through kills", "tests/integration/test_histories.py -k one_order", 50, 2000),
    Campaign("retries with one key through kills", "tests/integration/test_histories.py -k one_effect", 10, 2000),
    Campaign("backups during writes and kills", "tests/integration/test_histories.py -k one_moment", 5, 5000),
    Campaign("damage to every class of file", "tests/integration/test_damage.py", 10, 2),
    Campaign("model of the registry", "tests/property/test_registry_model.py", 6, 50),
    Campaign("fuzzing by properties", "tests/property/test_fuzz.py", 4, 5000),
    Campaign("the contracts in a directory too", "tests/contract", 1),
    Campaign("any request of the description", "tests/api/test_schemathesis.py", 1, 200),
    Campaign("fuzzing guided by coverage", "tests/property/run_guided_fuzz.py", 1, 120),
)


@dataclass(frozen=True)
class Part:
    """One piece of a campaign in a run."""

    campaign: Campaign
    number: int
    run: int

    @property
    def name(self) -> str:
        return f"{self.campaign.name} {self.number}/{self.campaign.parts}"

    @property
    def environment(self) -> dict[str, str]:
        text = f"{self.run} {self.campaign.name} {self.number}"
        told = {"PINSET_TORTURE": "1", "PINSET_SEED": str(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))}
        if self.campaign.rounds is None:
            told["PINSET_PART"] = f"{self.number}/{self.campaign.parts}"
        else:
            told["PINSET_ROUNDS"] = str(self.campaign.rounds)
        return told

    @property
    def command(self) -> list[str]:
        chance = f"--hypothesis-seed={self.environment['PINSET_SEED']}"
        return [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-s",
            "-p",
            "no:cacheprovider",
            chance,
            *self.campaign.tests.split(),
        ]


class Run:
    """What has ended of a run, kept line by line. only: a word in the names of the campaigns."""

    def __init__(self, seed: int, only: str, share: int) -> None:
        self.seed = seed
        self._file = KEPT / f"{seed}.jsonl"
        self._lock = threading.Lock()
        self.lines = [json.loads(line) for line in _lines(self._file)]
        ended = {line["part"] for line in self.lines}
        wanted = [c for c in CAMPAIGNS if only in c.name]
        parts = [Part(c, n, seed) for c in wanted for n in range(1, max(1, c.parts * share // 100) + 1)]
        # The campaigns in turn, so that a run that is stopped early has met all of them.
        parts.sort(key=lambda part: part.number / part.campaign.parts)
        self.left = [part for part in parts if part.name not in ended]
        self.total = len(parts)
        self._done = self.total - len(self.left)
        self._started: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def work(self, part: Part) -> None:
        if self.stopped:
            return
        begun = time.monotonic()
        scratch = Path(tempfile.mkdtemp(prefix="torture-"))
        try:
            status, said = self._pytest(part, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        if self.stopped:
            return
        counts: Counter[str] = Counter()
        for found in _COUNTED.findall(said):
            counts.update(json.loads(found))
        passed = _PASSED.search(said)
        counts["tests"] += int(passed[1]) if passed else 0
        if skipped := _SKIPPED.search(said):
            counts["skipped"] += int(skipped[1])
        ok = status == 0
        self._keep({"part": part.name, "ok": ok, "seconds": round(time.monotonic() - begun), "counts": counts})
        if not ok:
            log = KEPT / f"{self.seed} {part.name.replace('/', ' of ')}.log"
            log.write_text(said)
            again = " ".join(f"{name}={value}" for name, value in part.environment.items())
            _say(f"    {said.strip().splitlines()[-1] if said.strip() else 'it said nothing'}")
            _say(f"    log: {log.relative_to(ROOT)}\n    again: {again} python -m pytest -s {part.campaign.tests}")

    def _pytest(self, part: Part, scratch: Path) -> tuple[int, str]:
        with subprocess.Popen(
            [*part.command, f"--basetemp={scratch / 'base'}"],
            cwd=ROOT,
            env={**os.environ, **part.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            self._started.add(process)
            try:
                said, _ = process.communicate(timeout=PART_SECONDS)
            except subprocess.TimeoutExpired:
                self._end(process)
                said = f"{process.communicate()[0]}\nit did not end in {PART_SECONDS} seconds"
            self._started.discard(process)
            return process.returncode, said

    def stop(self) -> None:
        self.stopped = True
        for process in list(self._started):
            self._end(process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def _keep(self, line: dict[str, Any]) -> None:
        with self._lock:
            self.lines.append(line)
            with self._file.open("a") as file:
                file.write(json.dumps(line) + "\n")
            counts = ", ".join(f"{value:,} {name}" for name, value in line["counts"].items())
            state = "FAILED" if not line["ok"] else "ok    " if line["counts"]["tests"] else "skip  "
            self._done += 1
            _say(f"[{self._done:3}/{self.total}] {state} {line['part']}: {counts} in {line['seconds']} s")

    def report(self) -> str:
        rows = []
        for campaign in CAMPAIGNS:
            mine = [line for line in self.lines if line["part"].startswith(f"{campaign.name} ")]
            if not mine:
                continue
            counts: Counter[str] = Counter()
            for line in mine:
                counts.update(line["counts"])
            failed = sum(not line["ok"] for line in mine)
            minutes = sum(line["seconds"] for line in mine) / 60
            told = ", ".join(f"{value:,} {name}" for name, value in counts.items())
            rows.append(
                f"| {campaign.name} | {len(mine)} of {campaign.parts} | {told} | {minutes:.0f} min | {failed} |"
            )
        head = "| campaign | parts | counted | time | parts that failed |\n|---|---|---|---|---|"
        return f"seed {self.seed}\n{head}\n" + "\n".join(rows)


def _lines(file: Path) -> list[str]:
    # A line that a kill cut off did not end.
    return file.read_text().split("\n")[:-1] if file.exists() else []


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - that is what it is for


def _newest() -> int | None:
    files = sorted(KEPT.glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    return int(files[-1].stem) if files else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, help="the run to go on with or to repeat; else the newest, or a new one")
    parser.add_argument("--fresh", action="store_true", help="begin anew, whatever is left of a run")
    parser.add_argument("--only", default="", help="a word of the campaigns' names")
    parser.add_argument("--share", type=int, default=100, help="percent of each campaign's parts")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="parts at the same time")
    parser.add_argument("--list", action="store_true", help="say what there is")
    asked = parser.parse_args()
    if asked.list:
        for campaign in CAMPAIGNS:
            _say(f"{campaign.name}: {campaign.parts} parts of {campaign.tests}")
        return 0
    KEPT.mkdir(exist_ok=True)
    seed = asked.seed if asked.seed is not None else None if asked.fresh else _newest()
    if asked.fresh and seed is not None:
        (KEPT / f"{seed}.jsonl").unlink(missing_ok=True)
    run = Run(random.SystemRandom().randrange(10**6) if seed is None else seed, asked.only, asked.share)
    if not run.left and asked.seed is None:
        run = Run(random.SystemRandom().randrange(10**6), asked.only, asked.share)
    _say(f"seed {run.seed}: {len(run.left)} of {run.total} parts to do, {asked.jobs} at the same time")
    try:
        with ThreadPoolExecutor(asked.jobs) as pool:
            try:
                for _ in pool.map(run.work, run.left):
                    pass
            except KeyboardInterrupt:
                run.stop()
                pool.shutdown(cancel_futures=True)
    finally:
        _say(f"\n{run.report()}")
    if run.stopped:
        _say(f"stopped; go on with: make torture SEED={run.seed}")
        return 130
    return 1 if any(not line["ok"] for line in run.lines) else 0


if __name__ == "__main__":
    sys.exit(main())
