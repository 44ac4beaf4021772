"""A write is killed, or told that something failed, at each of its system calls: strace does it."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from crash_checks import commits_of, wrong
from tracing import Ran, Worker, calls, why_not

from pinset import bootstrap

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

TORTURE = os.environ.get("PINSET_TORTURE") == "1"
SHORT = 8
"""Cases of the short form for each write and each of its two processes."""
MUTATING = frozenset(
    {
        "openat",
        "write",
        "pwrite64",
        "fsync",
        "fdatasync",
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "mkdir",
        "mkdirat",
        "link",
        "linkat",
        "symlink",
        "ftruncate",
        "flock",
        "utimensat",
        "fchown",
    }
)
OPENED_TO_WRITE = ("O_CREAT", "O_RDWR", "O_WRONLY")
NEVER = frozenset({"exit_group", "restart_syscall"})
"""Calls that cannot fail, or are no calls of the program's."""
WAITING = frozenset({"clock_nanosleep", "wait4", "poll", "ppoll", "select", "pselect6", "sched_yield"})
"""Calls by which a process waits for another one: how often depends on the moment, so the last ones may not come."""
FAULTS = ("KILL", "EIO", "ENOSPC", "EMFILE", "EINTR")
BEFORE = (
    {"do": "publish", "key": "before-1", "text": "One.", "alias": "production"},
    {"do": "publish", "key": "before-2", "text": "Two."},
)
WRITES: dict[str, dict[str, Any]] = {
    "publish": {"do": "publish", "key": "it", "text": "Three.", "alias": "production"},
    "promote": {"do": "promote", "key": "it", "version": 2, "alias": "production"},
}
NEXT = {"do": "publish", "key": "next", "text": "The same process goes on."}


class Case(NamedTuple):
    """One fault at one call: the number of the call counts those of its name."""

    fault: str
    call: str
    number: int

    def options(self) -> list[str]:
        how = "signal=KILL" if self.fault.startswith("KILL") else f"error={self.fault.rstrip('+')}"
        more = "+" if self.fault.endswith("+") else ""
        return ["-e", f"trace={self.call}", "-e", f"inject={self.call}:{how}:when={self.number}{more}"]


@pytest.fixture(scope="module")
def worker():
    with Worker() as running:
        yield running


@pytest.fixture(scope="module")
def base(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """A registry with some writes in it, and what they were answered."""
    directory = tmp_path_factory.mktemp("base") / "registry"
    bootstrap.create_registry(directory)
    ran = worker.run(job(directory, *BEFORE), [], directory.parent / "trace")
    assert len(ran.acknowledged) == len(BEFORE), ran.lines
    return directory, {line["done"]["key"]: line for line in ran.acknowledged}


def job(directory: Path, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"directory": str(directory), "steps": list(steps), **more}


def copied(base: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(base, to, symlinks=True)
    return to


def recorded(worker: Worker, base: Path, scratch: Path, write: str, who: str) -> list[tuple[str, int, bool]]:
    """Every call of the write: its name, its number among those of its name, whether it changes something."""
    ran = worker.run(job(copied(base, scratch / "registry"), WRITES[write]), [], scratch / "trace", who=who)
    assert len(ran.acknowledged) == 1, ran.lines
    seen: Counter[str] = Counter()
    found = []
    for name, rest in calls(ran.trace):
        seen[name] += 1
        changes = name in MUTATING and (name != "openat" or any(flag in rest for flag in OPENED_TO_WRITE))
        waits = name == "read" and rest.startswith("0,")  # for the word to begin, which is the test's
        if name not in NEVER and not waits:
            found.append((name, seen[name], changes))
    return found


def chosen(found: list[tuple[str, int, bool]], who: str) -> list[Case]:
    """The short form: the calls that change something, each kind in turn and spread over the write, a fault for each."""
    by_name: dict[str, list[tuple[str, int]]] = {}
    for name, number, changes in found:
        if changes:
            by_name.setdefault(name, []).append((name, number))
    spread = [
        (place / len(numbers), call)
        for numbers in by_name.values()
        for place, call in enumerate(numbers)
    ]  # fmt: skip
    ordered = [call for _, call in sorted(spread)]
    picked = [ordered[n * len(ordered) // SHORT] for n in range(SHORT)] if len(ordered) > SHORT else ordered
    kinds = FAULTS if who == "writer" else (*FAULTS, "KILL-ALL")
    return [Case(kinds[n % len(kinds)], *call) for n, call in enumerate(picked)]


def every(found: list[tuple[str, int, bool]], who: str) -> list[Case]:
    """The large form: every call with every fault. With PINSET_PART=2/60 the second sixtieth of them; with PINSET_ROUNDS
    so many, drawn with PINSET_SEED."""  # fmt: skip
    kinds = (*FAULTS, "ENOSPC+", "EIO+") if who == "writer" else (*FAULTS, "ENOSPC+", "EIO+", "KILL-ALL")
    cases = [Case(kind, name, number) for name, number, _ in found for kind in kinds]
    part, _, parts = os.environ.get("PINSET_PART", "1/1").partition("/")
    cases = cases[int(part) - 1 :: int(parts)]
    rounds = os.environ.get("PINSET_ROUNDS")
    if rounds is None or int(rounds) >= len(cases):
        return cases
    seed = int(os.environ.get("PINSET_SEED") or random.SystemRandom().randrange(2**32))
    print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    return random.Random(seed).sample(cases, int(rounds))


def hit(ran: Ran, case: Case) -> bool:
    """Whether the fault came to pass."""
    if case.fault.startswith("KILL"):
        return ran.trace.rstrip().endswith("?") or "SIGKILL" in ran.trace or "= ?" in ran.trace
    return "(INJECTED)" in ran.trace


@pytest.mark.parametrize("who", ["writer", "git"])
@pytest.mark.parametrize("write", WRITES)
def test_a_fault_at_any_system_call(
    worker: Worker, base: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path, write: str, who: str, counted: Any
) -> None:
    directory, before = base
    found = recorded(worker, directory, tmp_path, write, who)
    counts = Counter(name for name, _, changes in found if changes)
    needed = {"writer": {"pwrite64", "fdatasync", "flock"}, "git": {"openat", "write", "fsync", "link", "rename"}}[who]
    assert needed <= set(counts), f"the record of the write is not whole: {counts}"
    problems, missed, tried = [], [], 0
    cases = every(found, who) if TORTURE else chosen(found, who)
    for case in cases:
        here = copied(directory, tmp_path / "registry")
        together = case.fault == "KILL-ALL"
        steps = job(here, WRITES[write], NEXT, die_together=together)
        ran = worker.run(steps, case.options(), tmp_path / "trace", who=who)
        if hit(ran, case):
            tried += 1
        elif case.call not in WAITING:
            missed.append(case)

        def said_of(key: str, ran: Ran = ran) -> dict[str, Any] | None:
            return before.get(key) or ran.of(key)

        found_wrong = wrong(here, [*BEFORE, WRITES[write], NEXT], said_of)
        problems += [f"{case}: {one}" for one in found_wrong]
    assert not problems, "\n".join([f"{len(problems)} problems", *problems])
    assert not missed, f"strace did not reach {missed}"
    assert tried > len(cases) / 2
    counted(faults=tried)


def test_the_check_finds_what_is_wrong(base: tuple[Path, dict[str, dict[str, Any]]], tmp_path: Path) -> None:
    directory, before = base
    promote = WRITES["promote"]
    lost = {"done": promote, "answer": {"alias": "production", "seq": 2, "to": 2, "revision": "f" * 40, "serial": 5}}
    assert "is lost" in wrong(directory, [promote], lambda _: lost)[0]
    refused = {"failed": BEFORE[0], "code": "read_only", "message": "no", "made": None, "unknown": None}
    assert "made all the same" in wrong(directory, [BEFORE[0]], lambda _: refused)[0]
    made = {**refused, "failed": promote, "made": True}
    assert "is not" in wrong(directory, [promote], lambda _: made)[0]
    bug = {**refused, "code": "bug"}
    assert "tells the caller nothing" in wrong(directory, [promote], lambda _: bug)[0]
    other = {"done": BEFORE[0], "answer": {**before["before-1"]["answer"], "commit": "f" * 40}}
    assert "another ['commit']" in wrong(directory, [BEFORE[0]], lambda _: other)[0]
    with_alias = {**BEFORE[1], "alias": "staging"}
    assert "is torn" in wrong(directory, [with_alias], lambda _: None)[0]
    here = copied(directory, tmp_path / "registry")
    ref = here / bootstrap.REPOSITORY / "refs" / "heads" / "aliases" / "support" / "production"
    ref.write_text(ref.read_text()[:20])
    assert wrong(here, list(BEFORE), before.get)
    registry = bootstrap.local_registry(directory)
    try:
        assert commits_of(registry, BEFORE[0]) == 2
        assert commits_of(registry, promote) == 0
    finally:
        registry.close()
