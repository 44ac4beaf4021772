"""Does one write on a disk with room for so many more kB, many times, and says of each what was wrong.

Runs in a mount namespace of its own: ``unshare --mount python full_disk_worker.py``. Reads one JSON object from
standard input: ``disk``, an empty directory to mount a small file system at, ``home``, a directory for what must not
be on it, and ``cases``, a list of [what, kB]. kB null asks for every 4 kB from 0 on, until it succeeds for a while.
The case ``reader`` is a registry that is kept open, ``log`` one whose audit log has no room. Says a line of JSON for each case. Ends with status 77 where
nothing can be mounted.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crash_worker
from crash_checks import WRITING, commits_of, git_fsck, wrong

import children
import compiled
from pinset import bootstrap, durable
from pinset.errors import PinsetError, Refused, all_errors, exit_status
from pinset.gitstore import process
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

KB = 1024
STEP, CALM = 4, 5
"""kB between two sizes, and how many successes in a row end the range where it fails."""
BEFORE: list[dict[str, Any]] = [
    {"do": "publish", "key": "1", "text": "One. " * 500, "alias": "production"},
    {"do": "gc", "key": "packed"},
    {"do": "publish", "key": "2", "text": "Two. " * 500, "alias": "staging"},
    {"do": "publish", "key": "3", "bundle": "another", "text": "Another.", "alias": "production"},
]
LONG = "\n".join(f"{n * 7919:x} {n * n * 104729:x} {n**5:x}" for n in range(2000))
"""Some 40 kB that hardly get smaller."""
WRITES: dict[str, dict[str, Any]] = {
    "publish": {"do": "publish", "key": "it", "text": LONG, "alias": "production"},
    "promote": {"do": "promote", "key": "it", "version": 2, "alias": "production"},
    "component": {"do": "component", "key": "it", "text": LONG},
    "gc": {"do": "gc", "key": "it"},
    "reindex": {"do": "reindex", "key": "it"},
    "backup": {"do": "backup", "key": "it", "from": "registry", "to": "made/here"},
    "restore": {"do": "restore", "key": "it", "from": "backup", "to": "made/here"},
}
NEXT: dict[str, Any] = {
    "do": "publish",
    "key": "next",
    "bundle": "third",
    "text": "There is room again.",
    "alias": "next",
}


def main() -> int:
    given = json.loads(sys.stdin.readline())
    disk, home = Path(given["disk"]), Path(given["home"])
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "pinset", str(disk)], check=False)
    if mounted.returncode:
        return 77
    process.subprocess = children.starting(children.place())  # type: ignore[assignment]
    compiled.beforehand()
    tempfile.tempdir = str(home)  # now that the socket has its own place: the name of one is short
    said = prepare(home / "base")
    for what, asked in given["cases"]:
        calm = 0
        if what in KEPT:
            tell(what, 0, forked(partial(KEPT[what], disk, home / "base")), None)
            continue
        for size in itertools.count(0, STEP) if asked is None else (asked,):
            problems, failed = case(disk, home / "base", what, size, said)
            tell(what, size, problems, failed)
            calm = 0 if failed else calm + 1
            if calm == CALM:
                break
    return 0


def tell(what: str, size: int, problems: list[str], failed: dict[str, Any] | None) -> None:
    """Say what was found in a case."""
    sys.stdout.write(
        json.dumps({"what": what, "kB": size, "problems": problems, "failed": failed and failed["message"]}) + "\n"
    )
    sys.stdout.flush()


def prepare(base: Path) -> dict[str, dict[str, Any]]:
    """What every case begins with: a registry and its backup. What its writes were answered."""
    bootstrap.create_registry(base / "registry")
    lines, _ = ran(base, [{"do": "open", "key": "open"}, *BEFORE])
    bootstrap.backup_registry(base / "registry", base / "backup")
    return {line["done"]["key"]: line for line in lines if "done" in line}


def case(
    disk: Path, base: Path, what: str, size: int, before: dict[str, dict[str, Any]]
) -> tuple[list[str], dict[str, Any] | None]:
    """What is wrong, and how the write failed where it did."""
    for path in disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(base / "registry", disk / "registry", symlinks=True)
    if what == "restore":
        shutil.copytree(base / "backup", disk / "backup")
    filler = fill(disk, size * KB)
    write = {**WRITES[what]}
    lines, problems = ran(disk, [{"do": "open", "key": "open"}, write])
    said = {(line.get("done") or line["failed"])["key"]: line for line in lines if "ended" not in line}
    failed = next((line for line in lines if "failed" in line), None)
    if failed is not None:
        problems += unclear(failed)
    elif "it" not in said:
        problems.append("nobody said how it ended")
    known = {**before, **({"it": said["it"]} if "it" in said else {})}
    problems += [f"while the disk is full: {one}" for one in forked(lambda: unreadable(disk / "registry", known))]
    if what in crash_worker.MAKING:
        left = sorted(path.name for path in disk.iterdir() if path.name not in {"registry", "backup", filler.name})
        if "done" in said.get("it", {}) and not (disk / "made/here").is_dir():
            problems.append(f"{what} was acknowledged, and nothing is there")
        if "done" not in said.get("it", {}) and left:
            problems.append(f"{what} was refused, and left {left}")
    filler.unlink()
    problems += [f"with room again: {one}" for one in again(disk, what, write, known)]
    return problems, failed


def kept_reader(disk: Path, base: Path) -> list[str]:
    """What is wrong with a registry that was opened on a full disk, and is kept while others write again."""
    shutil.copytree(base / "registry", disk / "registry", symlinks=True)
    filler = fill(disk, 0)
    with closing(bootstrap.local_registry(disk / "registry")) as registry:
        before = registry.describe()["serial"]
        filler.unlink()
        lines, problems = ran(disk, [{"do": "open", "key": "open"}, NEXT])
        after = registry.describe()["serial"]
        if problems or after <= before:
            problems.append(f"it still shows {before} after {lines[-1:]}")
        if registry.alias(NEXT["bundle"], NEXT["alias"])["version"] != 1:
            problems.append("it does not show the new alias")
    return problems


def full_log(disk: Path, base: Path) -> list[str]:
    """What is wrong with a registry that has no room to say who was refused."""
    shutil.rmtree(disk / "registry", ignore_errors=True)
    shutil.copytree(base / "registry", disk / "registry", symlinks=True)
    who, place, problems = Caller(actor="ada"), {"action": "promote", "target": "/x", "code": "barred"}, []
    with closing(bootstrap.local_registry(disk / "registry")) as registry:
        registry.promote(who, "support@v2", "production")
        registry.rollback(who, "support", "production")
        registry.create_token(who, "first", can="read")
        before = len(registry.audit.items()["items"])
        filler = fill(disk, 0)
        tries: dict[str, Callable[[], object]] = {
            "a refused promotion": lambda: registry.promote(who, "support@v2", "production"),
            "a refused request": lambda: registry.record_attempt(actor="eve", detail="no", **place),
            "a stranger's request": lambda: registry.record_attempt(actor="anonymous", detail="no", **place),
            "a new token": lambda: registry.create_token(who, "second", can="admin"),
            "a revoked token": lambda: registry.revoke_token(who, "first"),
        }
        for name, work in tries.items():
            try:
                work()
                problems.append(f"{name} was answered")
            except PinsetError as error:
                if exit_status(type(error)) != 8:
                    problems.append(f"{name} was answered with {error.code}: {error.message}")
        if [token["revoked_at"] for token in registry.tokens()["items"]] != [None]:
            problems.append("the tokens changed")
        if registry.release("support@production")["version"] != 1 or len(registry.audit.items()["items"]) != before:
            problems.append("reading does not go on")
        filler.unlink()
        try:
            registry.promote(who, "support@v2", "production")
        except Refused as error:
            if registry.audit.items()["items"][0]["code"] != error.code:
                problems.append("with room again the refusal is not in the log")
    return problems


def again(disk: Path, what: str, write: dict[str, Any], known: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong after there is room: the next write works, and all is there."""
    lines, problems = ran(disk, [{"do": "open", "key": "open"}, NEXT])
    refused = [line["message"] for line in lines if "failed" in line]
    if refused or problems:
        return [*problems, *refused]
    known = {**known, "next": next(line for line in lines if line.get("done", {}).get("key") == "next")}
    asked = [*BEFORE, *([write] if write["do"] in WRITING else []), NEXT]
    problems = forked(lambda: wrong(disk / "registry", asked, known.get))
    if what == "gc":
        lines, found = ran(disk, [{"do": "open", "key": "open"}, write])
        problems += [*found, *(line["message"] for line in lines if "failed" in line)]
        problems += forked(lambda: wrong(disk / "registry", asked, known.get))
        stale = [path.name for path in (disk / "registry/repository.git/objects/pack").glob("*tmp*")]
        problems += [f"{stale} is left" for _ in stale[:1]]
    if what in crash_worker.MAKING:
        if not (disk / "made/here").exists():
            lines, found = ran(disk, [write])
            problems += [*found, *(line["message"] for line in lines if "failed" in line)]
        problems += forked(lambda: wrong_copy(disk, what, known))
    return problems


def wrong_copy(disk: Path, what: str, known: dict[str, dict[str, Any]]) -> list[str]:
    made = disk / "made/here"
    if what == "backup":
        bootstrap.restore_registry(made, disk / "proof")
        return [*git_fsck(made), *wrong(disk / "proof", BEFORE, known.get)]
    return wrong(made, BEFORE, known.get)


def unclear(line: dict[str, Any]) -> list[str]:
    """What is missing in the answer to a write that failed: what happened, a way out, a status of contracts.md."""
    kind = next((kind for kind in all_errors() if kind.code == line["code"]), None)
    told = f"{line['code']}: {line['message']} (hint: {line.get('hint')})"
    if kind is None or exit_status(kind) != 8:
        return [f"it does not say `try later`: {told}"]
    if not any(words in line["message"] for words in ("No space left on device", "disk is full")):
        return [f"it does not say that the disk is full: {told}"]
    return [] if durable.FREE_SPACE in line["hint"] else [f"it does not say to free space: {told}"]


def unreadable(directory: Path, known: dict[str, dict[str, Any]]) -> list[str]:
    """What cannot be read of what was acknowledged."""
    problems = []
    with closing(bootstrap.local_registry(directory)) as registry:
        for step in BEFORE:
            if step["do"] == "publish":
                answer = known[step["key"]]["answer"]
                if registry.file(answer["ref"], "main.md") != step["text"]:
                    problems.append(f"{answer['ref']} has another text")
                if registry.release(f"{answer['ref'].partition('@')[0]}@{step['alias']}")["version"] < 1:
                    problems.append(f"{step['alias']} serves nothing")
        done = known.get("it", {}).get("done")
        if done and done["do"] in WRITING and not commits_of(registry, done):
            problems.append("what was acknowledged just now is not there")
        registry.history("support")
        registry.bundles()
    return problems


KEPT: dict[str, Callable[[Path, Path], list[str]]] = {"reader": kept_reader, "log": full_log}


# -- help ------------------------------------------------------------------------------------------------------


def fill(disk: Path, left: int) -> Path:
    """A file that leaves so many bytes of room."""
    filler = disk / "filler"
    there = os.statvfs(disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize - left)
    return filler


def ran(disk: Path, steps: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """What a process of its own says of the steps, and what is wrong with how it ended."""
    steps = [{**step, **{key: str(disk / step[key]) for key in ("from", "to") if key in step}} for step in steps]
    job = {"directory": str(disk / "registry"), "open": False, "warm": False, "steps": steps}
    said, status, errors = in_fork(lambda: crash_worker.run(job))
    lines = [json.loads(line) for line in said.splitlines()]
    return [line for line in lines if "ready" not in line], [f"status {status}: {errors[-1500:]}"] if status else []


def forked(check: Callable[[], list[str]]) -> list[str]:
    """What a check in a process of its own finds; that it ended otherwise is found too."""

    def run() -> None:
        try:
            found = check()
        except PinsetError as error:
            found = [f"{type(error).__name__}: {error.message}"]
        os.write(1, json.dumps(found).encode())

    said, status, errors = in_fork(run)
    return [f"status {status}: {errors[-1500:]}"] if status else list(json.loads(said))


def in_fork(run: Callable[[], None]) -> tuple[str, int, str]:
    """Run it in a fork: what it wrote to standard output, its status, and what it wrote to standard error."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors, Path(os.devnull).open() as nothing:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for file, number in ((nothing, 0), (output, 1), (errors, 2)):
                    os.dup2(file.fileno(), number)
                run()
                status = 0
            except BaseException:  # noqa: BLE001 - whatever it is, it is told
                import traceback

                os.write(2, traceback.format_exc().encode())
            finally:
                os._exit(status)
        _, status = os.waitpid(pid, 0)
        output.seek(0)
        errors.seek(0)
        return output.read().decode(), status, errors.read().decode("utf-8", "replace")


if __name__ == "__main__":
    sys.exit(main())
