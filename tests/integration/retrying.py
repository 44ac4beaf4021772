"""Repeats each write with its Idempotency-Key until it is answered, and then once more: run by test_histories.

``python retrying.py DIRECTORY COUNT RECORD LIFE``: what was answered is kept in the file RECORD, a line for each answer,
so that a new life goes on with the write that the last one was killed in. It waits to be killed when it is done.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinset import bootstrap
from pinset.errors import Busy, Unavailable
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

AGAIN = 3
"""How many answers each key is to get."""
MANIFEST = "release:\n  feature: support\n  prompts: {main: main.md}\n"

Ask = tuple[str, Any]


def requests(who: str, count: int) -> list[tuple[str, Callable[[Any, str | None], Any]]]:
    """The key of each write, and how it is asked of a registry, given the revision that the write before gave."""

    def promote(key: str, version: int) -> Callable[[Any, str | None], Any]:
        def ask(registry: Any, revision: str | None) -> Any:
            caller = Caller(actor="local", key=key)
            return registry.promote(caller, f"support@v{version}", who, revision=revision, reason=key, again=True)

        return ask

    def publish(key: str) -> Callable[[Any, str | None], Any]:
        def ask(registry: Any, _revision: str | None) -> Any:
            files = {"release.yaml": MANIFEST, "main.md": f"Text of {key}."}
            return registry.publish(Caller(actor="local", key=key), files, bundle="support", message=key, alias=who)

        return ask

    def rollback(key: str) -> Callable[[Any, str | None], Any]:
        return lambda registry, revision: registry.rollback(
            Caller(actor="local", key=key), "support", who, revision=revision, reason=key
        )

    found: list[tuple[str, Callable[[Any, str | None], Any]]] = []
    for number in range(count):
        key = f"{who}-{number}"
        made = (promote(key, 1 + number // 4 % 2), publish(key), rollback(key), publish(key))
        found.append((key, made[number % 4]))
    return found


def revision_of(answer: Any) -> str:
    """The revision that an alias has after a write."""
    found: str = (answer.get("move") or answer)["revision"]
    return found


def write(
    registries: Sequence[Any], who: str, count: int, answers: dict[str, list[Any]], tell: Callable[[str, Any], None]
) -> None:
    """Make every write, each as often as it takes to get so many answers, in turn of the registries given."""
    revision, before, turn = "none", "none", 0
    for key, ask in requests(who, count):
        while len(answers[key]) < AGAIN:
            turn += 1
            try:
                # A retry asks as the first try did; the last one as somebody who looked again.
                last = len(answers[key]) == AGAIN - 1
                answer = ask(registries[turn % len(registries)], revision if last else before)
            except (Busy, Unavailable):
                continue
            answers[key].append(answer)
            tell(key, answer)
            revision = revision_of(answer)
        before = revision = revision_of(answers[key][0])


def main(directory: str, who: str, count: str, record: str) -> None:
    answers: dict[str, list[Any]] = defaultdict(list)
    path = Path(record)
    for line in path.read_text().split("\n")[:-1] if path.exists() else []:
        with suppress(ValueError):  # one that was cut off
            key, answer = json.loads(line)
            answers[key].append(answer)
    with path.open("a") as file:
        file.write("\n")  # ends a line that was cut off

        def tell(key: str, answer: Any) -> None:
            file.write(json.dumps([key, answer]) + "\n")
            file.flush()

        write([bootstrap.local_registry(Path(directory))], who, int(count), answers, tell)
    sys.stdout.write("done\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:5])
