"""Does one write on a registry in a fork of itself, so that a tracer can look at nothing but the write.

Reads one job a line from standard input, a JSON object, and says on standard output: ``ready`` with the ids of the
writing process and of its git process (0 where that is not started), then, after a byte on standard input, what the
write was answered, then ``ended`` with the status of the writing process.
"""

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset import bootstrap
from pinset.errors import PinsetError
from pinset.gitstore import process
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

MAKING: dict[str, Any] = {
    "backup": bootstrap.backup_registry,
    "restore": bootstrap.restore_registry,
    "clone": bootstrap.clone_registry,
}
"""What makes a whole directory out of another."""
MANIFEST = "release:\n  feature: {bundle}\n  prompts: {{main: main.md}}\n"


def main() -> None:
    warm_up()
    while job := read_line():
        pid = os.fork()
        if pid == 0:
            try:
                run(json.loads(job))
            finally:
                os._exit(0)
        say({"ended": os.waitpid(pid, 0)[1]})


def run(job: dict[str, Any]) -> None:
    """Do the steps of a job, each acknowledged or refused by a line."""
    if job.get("die_together"):
        # The whole program dies, as in a power cut: the writer goes with its git process.
        process.Child.status = lambda _self: os.kill(os.getpid(), 9)  # type: ignore[assignment, method-assign, return-value, misc]
    directory, registry, git = Path(job["directory"]), None, 0
    if job["open"]:
        registry = bootstrap.local_registry(directory)
    if job["warm"] and registry is not None:
        # As in a server that has written before: its git process is there.
        store: Any = registry._context.store
        store.refs()
        git = store._child.pid
    say({"ready": os.getpid(), "git": git})
    os.read(0, 1)
    for step in job["steps"]:
        try:
            if step["do"] == "create":
                bootstrap.create_registry(directory)
                registry = bootstrap.local_registry(directory)
                say({"done": step, "answer": {"serial": registry.describe()["serial"]}})
            elif step["do"] == "open":
                registry = bootstrap.local_registry(directory)
                say({"done": step, "answer": {"serial": registry.describe()["serial"]}})
            elif step["do"] in MAKING:
                MAKING[step["do"]](Path(step["from"]), Path(step["to"]))
                say({"done": step, "answer": {}})
            elif registry is not None:
                say({"done": step, "answer": do(registry, step)})
        except PinsetError as error:
            details = error.details
            said = {"code": error.code, "message": error.message, "hint": error.hint, "details": details}
            say({"failed": step, "made": details.get("made"), "unknown": details.get("unknown"), **said})
        except Exception as error:  # noqa: BLE001 - one that no caller can understand is said as such
            say({"failed": step, "code": "bug", "message": "".join(traceback.format_exception(error))})
    if registry is not None:
        registry.close()


def do(registry: LocalRegistry, step: dict[str, Any]) -> dict[str, Any]:
    """One write and what identifies it. With its key it can be done again, and answers the same."""
    caller = Caller(actor="worker", key=step["key"])
    bundle = step.get("bundle", "support")
    if step["do"] == "publish":
        files = {"release.yaml": MANIFEST.format(bundle=bundle), "main.md": step["text"]}
        made = registry.publish(caller, files, alias=step.get("alias"))
        return {key: made[key] for key in ("ref", "commit", "digest", "serial")}  # type: ignore[literal-required] # these keys are the answer's
    if step["do"] == "promote":
        move = registry.promote(caller, f"{bundle}@v{step['version']}", step["alias"])
        return {key: move[key] for key in ("alias", "seq", "to", "revision", "serial")}  # type: ignore[literal-required] # these keys are the answer's
    if step["do"] == "component":
        part = registry.publish_component(caller, "prompts", "tone", {"tone.md": step["text"]})
        return {key: part[key] for key in ("ref", "commit", "digest")}  # type: ignore[literal-required] # these keys are the answer's
    if step["do"] == "gc":
        registry.gc()
        return {}
    if step["do"] == "reindex":
        registry.reindex()
        return {"serial": registry.describe()["serial"]}
    raise ValueError(step["do"])


def warm_up() -> None:
    """Load what a write loads at its first use."""
    registry = bootstrap.memory_registry()
    do(registry, {"do": "publish", "key": "warm", "text": "Warm.", "alias": "production"})
    import pinset.catalog.sqlite
    import pinset.catalog.state
    import pinset.gitstore.store  # noqa: F401


def say(what: dict[str, Any]) -> None:
    try:
        os.write(1, (json.dumps(what) + "\n").encode())
    except OSError:
        os._exit(1)  # what could not be said was not acknowledged


def read_line() -> bytes:
    """A line of standard input, read without a byte too many: a fork reads on."""
    line = b""
    while (byte := os.read(0, 1)) not in {b"", b"\n"}:
        line += byte
    return line


if __name__ == "__main__":
    main()
