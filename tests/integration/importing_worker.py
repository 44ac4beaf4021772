"""Imports versions in small batches, saying how far it is: run, and killed, by test_import_interrupted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pinset import bootstrap
from pinset.domain.exchange.incoming import Incoming, Taken
from pinset.importing import batch
from pinset.importing.engine import Engine, Wanted
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

MANIFEST = "release:\n  model: {name: m, pinned_version: '1'}\n  prompt: {template: p.md}\n"
VERSIONS, AT_ONCE = 30, 10


class Source:
    """Two names with as many versions each."""

    system = "elsewhere"

    def count(self) -> int | None:
        return 2 * VERSIONS

    def versions(self) -> Iterator[Incoming]:
        for name in ("Movie Critic", "team/x"):
            for number in range(1, VERSIONS + 1):
                files = {"release.yaml": MANIFEST, "p.md": f"Text {number} of {name}.\n"}
                aliases = ("production",) if number == VERSIONS - 1 else ()
                origin = f"elsewhere:{name}/{number}"
                yield Incoming(
                    name=name, taken=Taken(files=files), origin=origin, number=number, aliases=aliases, at=number
                )


class Aloud:
    def step(self, what: str, done: int, total: int | None = None) -> None:
        sys.stdout.write(f"{done} of {total} {what}\n")
        sys.stdout.flush()


def main(directory: str, actor: str) -> None:
    batch.MOST = AT_ONCE
    registry = bootstrap.local_registry(Path(directory))
    report = Engine(registry, Caller(actor=actor), Source(), Wanted(), progress=Aloud()).run()
    registry.close()
    sys.stdout.write(f"{dict(report.versions)} {dict(report.aliases)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
