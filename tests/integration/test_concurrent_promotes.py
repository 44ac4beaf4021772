"""Eight processes move one alias: no move is lost, and what they were told has one order."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import linearizability as checker
import pytest

import forked
import pinset
from pinset import bootstrap
from pinset.ports.registry import Caller

HERE = Path(__file__).parent
SOURCE = str(Path(pinset.__file__).parents[1])
PROCESSES, WINS, RELEASES = 8, 5, 3


def cas(called: float, answered: float, expected: int | None, new: int, *, ok: bool = True) -> Any:
    return checker.Call(called=called, answered=answered, expected=expected, new=new, ok=ok)


def read(called: float, answered: float, found: int | None) -> Any:
    return checker.Call(called=called, answered=answered, expected=found, new=None)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([], id="nothing"),
        pytest.param([cas(0, 1, None, 1), cas(2, 3, 1, 2), read(4, 5, 2)], id="one after another"),
        pytest.param([cas(0, 9, None, 1), read(1, 2, None), read(3, 4, 1)], id="takes effect between two reads"),
        pytest.param([cas(0, 5, 1, 2), cas(1, 4, None, 1)], id="overlapping, in the other order"),
        pytest.param([cas(0, 5, None, 1), cas(0, 5, None, 2, ok=False)], id="one of two wins"),
        pytest.param([cas(0, checker.FOREVER, None, 1), read(1, 2, None)], id="unanswered, never happened"),
        pytest.param([cas(0, checker.FOREVER, None, 1), read(1, 2, 1)], id="unanswered, happened"),
    ],
)
def test_linearizable_histories_pass(history: list[Any]) -> None:
    assert checker.linearizable(history)


@pytest.mark.parametrize(
    "history",
    [
        pytest.param([cas(0, 5, None, 1), cas(1, 4, None, 2)], id="two winners over one value"),
        pytest.param([cas(0, 1, None, 1), read(2, 3, None)], id="stale read"),
        pytest.param([cas(0, 1, None, 1), cas(2, 3, 1, 2, ok=False)], id="refused without cause"),
        pytest.param([cas(0, 9, None, 1), read(1, 2, 1), read(3, 4, None)], id="seen and gone again"),
        pytest.param([cas(0, 1, None, 1), cas(2, 3, 1, 2), read(4, 5, 1)], id="lost update"),
        pytest.param([cas(2, 3, None, 1), read(0, 1, 1)], id="read before it was called"),
        pytest.param([cas(5, checker.FOREVER, None, 1), read(1, 2, 1)], id="unanswered, read before it was called"),
    ],
)
def test_histories_that_are_not_linearizable_are_found(history: list[Any]) -> None:
    assert not checker.linearizable(history)


def start(directory: Path, name: str) -> Any:
    return forked.start(
        [str(HERE / "promoting_worker.py"), str(directory), name, str(WINS), str(RELEASES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )


def test_promotions_of_eight_processes_are_linearizable(tmp_path: Path) -> None:
    bootstrap.create_registry(tmp_path / ".pinset")
    registry = bootstrap.local_registry(tmp_path)
    manifest = "release:\n  feature: support\n  prompts: {main: main.md}\n"
    for number in range(RELEASES):
        registry.publish(Caller(actor="ada"), {"release.yaml": manifest, "main.md": f"Text {number}."})
    registry.promote(Caller(actor="ada"), "support@v1", "production")

    workers = [start(tmp_path, f"w{number}") for number in range(PROCESSES)]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    history = []
    for worker in workers:
        said, talk = worker.communicate(timeout=120)
        assert worker.returncode == 0, talk
        history += [json.loads(line) for line in said.splitlines()]
    promotions = [call for call in history if call["what"] == "promote"]
    won = [call for call in promotions if call["ok"]]
    assert len(won) == PROCESSES * WINS
    assert len(promotions) > len(won), "they never met, so nothing was tried"

    assert registry.alias("support", "production")["seq"] == len(won) + 1
    assert [item["seq"] for item in registry.history("support", "production")["items"]] == list(
        range(len(won) + 1, 0, -1)
    )
    calls = [checker.Call(**{key: value for key, value in call.items() if key != "what"}) for call in history]
    assert checker.linearizable(calls, start=1)
    assert registry.verify()["ok"]
    registry.close()
