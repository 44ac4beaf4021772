"""What must be true of a registry's directory after its writer was cut off: found by using it, not by looking at it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from crash_worker import do

from pinset import bootstrap
from pinset.errors import PinsetError
from pinset.ports.registry import Caller
from pinset.services.session import operation_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

AFTER = {"do": "publish", "key": "after", "text": "Written after it.", "alias": "afterwards"}
WRITING = {"publish", "promote", "component"}
"""Steps that leave commits."""


def wrong(
    directory: Path, steps: list[dict[str, Any]], said_of: Callable[[str], dict[str, Any] | None], *, whole: bool = True
) -> list[str]:
    """What breaks a promise: nothing where all is well.

    said_of: what the step of a key was answered, as the worker says it; None where it was not. whole: also write
    again, verify and let git check.
    """
    try:
        registry = bootstrap.local_registry(directory)
    except PinsetError as error:
        return [f"it does not open: {error.message}"]
    try:
        problems = [found for step in steps for found in _wrong_step(registry, step, said_of(step["key"]))]
        if whole and not problems:
            problems = _wrong_life(registry, directory, steps, said_of)
    except PinsetError as error:
        return [f"{type(error).__name__}: {error.message}"]
    finally:
        registry.close()
    return problems


def commits_of(registry: LocalRegistry, step: dict[str, Any]) -> int:
    """How many of the commits of a step are visible."""
    operation = operation_of(Caller(actor="worker", key=step["key"]), "", {}).id
    return len(registry.operation(operation)["commits"])


def _wrong_step(registry: LocalRegistry, step: dict[str, Any], said: dict[str, Any] | None) -> list[str]:
    if step["do"] not in WRITING:
        return []
    there, whole = commits_of(registry, step), 2 if step["do"] == "publish" and "alias" in step else 1
    name = f"{step['do']} {step['key']}"
    if there not in {0, whole}:
        return [f"{name} is torn: {there} of {whole} commits"]
    if said is None:
        return []
    if "done" in said:
        if not there:
            return [f"{name} was acknowledged and is lost"]
        return _wrong_content(registry, step, said["answer"])
    if said["code"] == "bug":
        return [f"{name} ended with an error that tells the caller nothing: {said['message']}"]
    if said["made"] and not there:
        return [f"{name} was said to be made and is not: {said['message']}"]
    if there and not said["made"] and not said["unknown"]:
        return [f"{name} was refused and is made all the same: {said}"]
    return []


def _wrong_content(registry: LocalRegistry, step: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    bundle = step.get("bundle", "support")
    if step["do"] == "component":
        return []  # done again it answers the same, which is seen to
    if step["do"] == "publish":
        found: Any = registry.summary(answer["ref"])
        if registry.file(answer["ref"], "main.md") != step["text"]:
            return [f"{step['key']} has another text"]
    else:
        items: Any = registry.history(bundle, step["alias"], limit=200)["items"]
        found = next((item for item in items if item["seq"] == answer["seq"]), {})
    different = [key for key in answer if key != "alias" and found.get(key) != answer[key]]
    return [f"{step['key']} is there with another {different}"] if different else []


def _wrong_life(
    registry: LocalRegistry,
    directory: Path,
    steps: list[dict[str, Any]],
    said_of: Callable[[str], dict[str, Any] | None],
) -> list[str]:
    problems = []
    for step in steps:
        if step["do"] in WRITING:
            again, said = do(registry, step), said_of(step["key"])
            if said and "done" in said and again != said["answer"]:
                problems.append(f"{step['key']} done again answers {again} instead of {said['answer']}")
    if steps:
        do(registry, AFTER)
    with registry._context.catalog.reading() as reader:
        if reader.intent() is not None:
            problems.append("an intent is left")
        if dict(reader.refs()) != dict(registry._context.store.refs()):
            problems.append("catalog and git differ")
    proven = registry.verify()
    if not proven["ok"]:
        problems.append(f"verify: {proven['problems']}")
    return problems + git_fsck(directory)


def git_fsck(directory: Path) -> list[str]:
    """What git itself says."""
    done = subprocess.run(
        ["git", f"--git-dir={directory / bootstrap.REPOSITORY}", "fsck", "--strict", "--no-dangling", "--no-progress"],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("notice:")]
    return [f"git fsck: {said}"] if done.returncode or said else []
