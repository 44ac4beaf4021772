"""Clients that move aliases and write down what they were told: in threads, in processes, through the command line.

``python recording.py DIRECTORY NAME SEED`` moves without end and prints a line at each call and at each answer: it is
there to be killed.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from histories import MADE, NOTHING, REFUSED, UNCHANGED, Did

import forked
from pinset import bootstrap
from pinset.client.remote import RemoteRegistry
from pinset.errors import AliasMoved, Barred, Busy, NothingBehind, PinsetError, from_problem
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

BUNDLE, ALIASES, RELEASES = "support", ("production", "staging"), 4
MANIFEST = "release:\n  feature: support\n  prompts: {main: main.md}\n"


class CommandLine:
    """The command line as a registry: each call is a process. started: is told each."""

    def __init__(self, directory: Path, started: Callable[[int], None] = lambda _pid: None) -> None:
        self._directory = directory
        self._started = started

    def alias(self, bundle: str, alias: str) -> Any:
        return next(item for item in self._run("alias", "list", bundle)["items"] if item["alias"] == alias)

    def promote(self, _caller: Caller, reference: str, alias: str, *, expect: str, reason: str, **_other: Any) -> Any:
        return self._run("promote", reference, alias, "--expect", expect, "-m", reason, "--again")

    def rollback(self, _caller: Caller, bundle: str, alias: str, *, serving: str, reason: str, **_other: Any) -> Any:
        return self._run("rollback", f"{bundle}@{alias}", "--from", serving, "-m", reason)

    def close(self) -> None:
        """Nothing is held."""

    def _run(self, *words: str) -> Any:
        command = ["-m", "pinset_cli", *words, "--registry", str(self._directory), "--json"]
        process = forked.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._started(process.pid)
        said, talk = process.communicate()
        if process.returncode == 0:
            return json.loads(said)
        if process.returncode < 0:
            raise ConnectionError("it was killed")
        raise from_problem(json.loads(talk[talk.index("{") :]))


def work(registry: Any, via: str, name: str, dice: random.Random, tell: Callable[[Did], None]) -> None:
    """One step: look at an alias, and most times move it if it is as it was seen.

    tell: is told an operation when it is called, and again with its answer.
    """
    alias = dice.choice(ALIASES)
    look = Did(name=f"{name}-look", kind="read", alias=alias, via=via, called=time.monotonic())
    looked = _record(look, lambda: {"action": "none", **registry.alias(BUNDLE, alias)}, tell)
    chance = dice.random()
    if looked.outcome != UNCHANGED or chance < 0.2:
        return
    expected = looked.version
    did = Did(name=name, kind="promote", alias=alias, via=via, called=0, expected=expected)
    caller = Caller(actor=via)
    if chance < 0.35:
        did = replace(did, kind="rollback", called=time.monotonic())
        _record(did, lambda: registry.rollback(caller, BUNDLE, alias, serving=f"v{expected}", reason=name), tell)
        return
    wanted = dice.randint(1, RELEASES)
    condition = looked.revision if chance < 0.7 and not isinstance(registry, CommandLine) else None
    # Far away an expected version is made a revision by another look.
    known = looked.revision if isinstance(registry, RemoteRegistry) else None
    did = replace(did, wanted=wanted, condition=condition, known=known, called=time.monotonic())
    given = {"revision": condition} if condition else {"expect": f"v{expected}"}
    reference = f"{BUNDLE}@v{wanted}"
    _record(did, lambda: registry.promote(caller, reference, alias, reason=name, again=True, **given), tell)


def _record(did: Did, act: Callable[[], Any], tell: Callable[[Did], None]) -> Did:
    tell(did)
    try:
        answer = act()
    except AliasMoved as error:
        seen = {"revision": error.details.get("revision"), "version": error.details.get("serves")}
        ended = replace(did, outcome=REFUSED, **seen)
    except (Busy, NothingBehind, Barred):
        ended = replace(did, outcome=NOTHING)
    except (PinsetError, OSError):
        return did  # it may have happened, now or later
    else:
        seen = {"seq": answer["seq"], "revision": answer["revision"]}
        seen["version"] = answer["version"] if did.kind == "read" else answer["to"]
        same = answer["action"] == "none"
        ended = replace(did, outcome=UNCHANGED if same else MADE, serial=None if same else answer["serial"], **seen)
    ended = replace(ended, answered=time.monotonic())
    tell(ended)
    return ended


def main(directory: str, name: str, seed: str) -> None:
    registry, dice, number = bootstrap.local_registry(Path(directory)), random.Random(seed), 0

    def tell(did: Did) -> None:
        sys.stdout.write(json.dumps(asdict(did)) + "\n")
        sys.stdout.flush()

    while True:
        number += 1
        work(registry, "directory", f"{name}{seed}-{number}", dice, tell)
        time.sleep(dice.uniform(0, 0.1))  # else it would take every turn


if __name__ == "__main__":
    main(*sys.argv[1:])
