"""Promotes one alias in compare-and-set loops and prints each call with its times: run by test_concurrent_promotes."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from pinset import bootstrap
from pinset.errors import AliasMoved, Busy
from pinset.ports.registry import Caller


def main(directory: str, name: str, wins: int, releases: int) -> None:
    registry = bootstrap.local_registry(Path(directory))
    caller = Caller(actor=name)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()  # all begin together
    won = lost = 0
    while won < wins:
        called = time.monotonic()
        seen = registry.alias("support", "production")["version"]
        report("read", called, expected=seen, new=None, ok=True)
        if seen is None:
            raise AssertionError("nobody retires the alias")
        wanted = seen % releases + 1
        called = time.monotonic()
        try:
            registry.promote(caller, f"support@v{wanted}", "production", expect=f"v{seen}")
        except AliasMoved:
            lost += 1
            report("promote", called, expected=seen, new=wanted, ok=False)
        except Busy:
            continue  # it had no turn, so nothing happened
        else:
            won += 1
            report("promote", called, expected=seen, new=wanted, ok=True)
    registry.close()


def report(what: str, called: float, *, expected: int | None, new: int | None, ok: bool) -> None:
    call = {"called": called, "answered": time.monotonic(), "expected": expected, "new": new, "ok": ok}
    sys.stdout.write(json.dumps({"what": what, **call}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
