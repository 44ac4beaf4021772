"""Build the container and see that it does what `registry/docs/deploying.md` says; rehearsed where no engine answers.

Run by `make container`, which continuous integration does too. It says which of the two it did.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from machines import Engine, Machine, Rehearsal, engine, run, status_of, wait_healthy

PINSET = Path(sys.executable).with_name("pinset")
_IN_ORDER = (0, 143)
"""How the server ends: by itself, or, once it is done, by the signal that told it to."""


def main() -> None:
    """Try it, and say what was seen."""
    program = engine()
    if program is None and (lacks := Rehearsal.lacks()):
        print(f"NEITHER BUILT NOR REHEARSED: no container engine answers, and a rehearsal needs {lacks}")
        raise SystemExit(0 if os.environ.get("CI") else 1)
    print(f"building: {program or Rehearsal.kind}", flush=True)
    machine: Machine = Engine(program) if program else Rehearsal()
    try:
        _try(machine)
    finally:
        machine.gone()
    done = (
        "the container is built and does what it should"
        if program
        else "the rehearsal went well; NO CONTAINER WAS BUILT"
    )
    print(f"{done} ({machine.kind})")


def _see(what: str, *, holds: bool) -> None:
    print(f"  {'ok' if holds else 'NOT SO'}: {what}", flush=True)
    if not holds:
        raise SystemExit(1)


def _try(machine: Machine) -> None:
    machine.start()
    wait_healthy(machine)
    _see("an empty volume becomes a registry, and its health check passes", holds=True)
    _see("without a token nobody is let in", holds=status_of(f"{machine.address}/v1/bundles") == 401)
    _see("it is not root", holds=machine.inside("id", "-u").stdout.strip() == "10001")
    for place in ("/", "/opt", "/usr", "/etc", "/var/tmp"):
        _see(f"{place} cannot be written to", holds=machine.inside("touch", f"{place}/x").returncode != 0)
    _see("/tmp can", holds=machine.inside("touch", "/tmp/x").returncode == 0)
    _see("pip is not shipped", holds=machine.inside("python", "-c", "import pip").returncode != 0)
    if machine.kind != Rehearsal.kind:
        _see("nor a compiler", holds=machine.inside("sh", "-c", "command -v pip || command -v gcc").returncode != 0)
    made = machine.inside("pinset", "token", "create", "--name", "me", "--can", "admin")
    _see("the first token is made inside", holds=made.stdout.startswith("pst_"))
    known = {"PINSET_REGISTRY": machine.address, "PINSET_TOKEN": made.stdout.strip()}
    with tempfile.TemporaryDirectory() as work:
        run(PINSET, "new", "assistant", f"{work}/assistant", **known)
        published = run(PINSET, "publish", f"{work}/assistant", "--alias", "production", "-m", "first", **known)
    _see("a release is published over HTTP", holds="assistant@v1" in published)
    before = run(PINSET, "get", "assistant", **known)
    _see("SIGTERM ends it in order", holds=machine.stop() in _IN_ORDER)
    machine.start()
    wait_healthy(machine)
    known["PINSET_REGISTRY"] = machine.address
    _see("another start serves the same bytes", holds=run(PINSET, "get", "assistant", **known) == before)
    _see("and the registry is proven", holds=machine.inside("pinset", "verify").returncode == 0)
    backed = machine.inside("sh", "-c", 'exec pinset backup "$PINSET_REGISTRY/backup"')
    _see("a backup goes to the volume", holds=backed.returncode == 0)
    _see("it ends in order again", holds=machine.stop() in _IN_ORDER)


if __name__ == "__main__":
    main()
