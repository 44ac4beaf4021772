"""What an import costs: 10,000 versions into a directory and over HTTP, the memory that takes, and a registry as a tar.

Every import is a process of its own, as users run it, so that its peak of memory is its own; of a registry's directory that counts the child
process that writes, too.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import large
import servers
from figures import Figure

from pinset import bootstrap
from pinset.domain.exchange.incoming import Incoming, Taken
from pinset.importing.engine import run
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

MANY, FEW, NAMES = 10_000, 2_000, 20
ROUNDS = 3
MANIFEST = (
    "release:\n"
    "  model: {provider: openai, name: gpt-4o, pinned_version: '2024-08-06', temperature: 0.2}\n"
    f"  prompt: {{template: {large.PROMPT}}}\n"
)


class History:
    """So many versions of some names elsewhere; each changes one sentence of a prompt of some kilobytes."""

    system = "bench"

    def __init__(self, count: int) -> None:
        self._each = count // NAMES

    def count(self) -> int | None:
        return self._each * NAMES

    def versions(self) -> Iterator[Incoming]:
        for name in (f"team/Prompt {number}" for number in range(NAMES)):
            dice = random.Random(name)
            files = {**large.files_of("any", dice), "release.yaml": MANIFEST}
            for number in range(1, self._each + 1):
                files = large.edited(files, number, dice)
                aliases = ("production",) if number == self._each else ()
                origin = f"bench:{name}/{number}"
                yield Incoming(
                    name=name, taken=Taken(files=files), origin=origin, number=number, at=number, aliases=aliases
                )


def figures() -> list[Figure]:
    """The figures of imports."""
    timings: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            for count in (FEW, MANY):
                home = Path(folder) / f"{turn}-{count}"
                bootstrap.create_registry(home)
                for what in (f"import of {count:,}", f"the same {count:,} again"):
                    said = asked(str(home), count)
                    timings.setdefault(what, []).append(said["seconds"])
                    memory.setdefault(what, []).append(said["megabytes"])
        tar = Path(folder) / "all.tar"
        out, back = Path(folder) / f"{ROUNDS - 1}-{MANY}", Path(folder) / "back"
        bootstrap.create_registry(back)
        for what, arguments in (
            ("export of all as a tar", ["export", "--all", "--to", "tar", "-o", str(tar), "-r", str(out)]),
            ("import of that tar", ["import", "tar", str(tar), "-r", str(back)]),
        ):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-m", "pinset_cli", *arguments], check=True, capture_output=True)
            timings[what] = [time.perf_counter() - begun]
        far = Path(folder) / "far"
        bootstrap.create_registry(far)
        with servers.pinset(far) as url:
            timings["import of 10,000 over HTTP"] = [asked(url, MANY)["seconds"]]
    first, many = f"import of {FEW:,}", f"import of {MANY:,}"
    return [
        *(Figure(what, "s", values, wanted=60 if what == many else None) for what, values in timings.items()),
        Figure(
            f"memory of an {many}", "MB", memory[many], beside=Figure(f"of {FEW:,}", "MB", memory[first]), wanted=1.15
        ),
    ]


def asked(where: str, count: int) -> dict[str, Any]:
    """What an import in a process of its own took, and what its memory came to."""
    done = subprocess.run([sys.executable, __file__, where, str(count)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main(where: str, count: int) -> None:
    """One import."""
    with closing(bootstrap.open_registry(where)) as registry:
        begun = time.perf_counter()
        report = run(registry, Caller(actor="bench"), History(count))
        seconds = time.perf_counter() - begun
        assert report.versions.total() == count, report.as_json()
        assert not report.status, report.as_json()
        megabytes = sum(peak(process) for process in (os.getpid(), *children_of(os.getpid())))
    print(json.dumps({"seconds": seconds, "megabytes": megabytes}))


def peak(process: int) -> float:
    """The most memory that a process has held, in MB."""
    said = Path(f"/proc/{process}/status").read_text()
    return int(said.split("VmHWM:")[1].split()[0]) / 1024


def children_of(process: int) -> list[int]:
    """The processes that a process has started."""
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
