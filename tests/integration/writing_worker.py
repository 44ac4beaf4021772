"""Publishes and promotes without end, printing what was acknowledged: run, and killed, by test_kill_registry."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pinset import bootstrap
from pinset.ports.registry import Caller

MANIFEST = "release:\n  feature: support\n  prompts: {main: main.md}\n"


def main(directory: str, life: str) -> None:
    registry = bootstrap.local_registry(Path(directory))
    caller = Caller(actor=life)
    number = 0
    acknowledge({"kind": "open", "serial": registry.describe()["serial"]})
    while True:
        number += 1
        files = {"release.yaml": MANIFEST, "main.md": f"Text {number} of life {life}."}
        release = registry.publish(caller, files, alias="staging" if number % 2 else None)
        acknowledge({"kind": "release", **{key: release[key] for key in ("ref", "commit", "digest", "serial")}})  # type: ignore[literal-required] # these keys are the answer's
        move = registry.promote(caller, release["ref"], "production")
        acknowledge({"kind": "move", **{key: move[key] for key in ("seq", "to", "revision", "serial")}})  # type: ignore[literal-required] # these keys are the answer's


def acknowledge(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
