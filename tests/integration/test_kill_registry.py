"""A writer is killed at any moment: what it acknowledged is there, and nobody has to mend anything."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
from pathlib import Path
from typing import Any

import forked
import pinset
from pinset import bootstrap

WORKER = Path(__file__).with_name("writing_worker.py")
SOURCE = str(Path(pinset.__file__).parents[1])
TORTURE = os.environ.get("PINSET_TORTURE") == "1"
KILLS = int(os.environ.get("PINSET_ROUNDS") or 100) if TORTURE else 8
MOST_WRITES = 8
LONGEST_WRITE = 0.02
"""Seconds: to be hit anywhere in a write."""


def live_and_die(directory: Path, life: int, writes: int, seconds: float) -> list[dict[str, Any]]:
    """Start a writer, kill it so many seconds after so many writes, and give what it had acknowledged."""
    worker = forked.start(
        [str(WORKER), str(directory), str(life)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SOURCE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    assert worker.stdout is not None
    first = b"".join(worker.stdout.readline() for _ in range(1 + writes))
    assert first, worker.communicate()[1].decode()
    # Waits without reading: an end of the worker before its time would show as an exit status that is not the signal's.
    select.select([], [], [], seconds)
    worker.send_signal(signal.SIGKILL)
    said, talk = worker.communicate(timeout=60)
    assert worker.returncode == -signal.SIGKILL, talk.decode()
    lines = (first + said).decode().split("\n")[:-1]  # a line without its end was not acknowledged
    return [json.loads(line) for line in lines]


def lost(registry: Any, acknowledged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which of the acknowledged writes the registry does not have as they were answered."""
    moves: dict[int, Any] = {}
    cursor = None
    while True:
        page = registry.history("support", "production", cursor=cursor, limit=200)
        moves.update({item["seq"]: item for item in page["items"]})
        cursor = page["next"]
        if cursor is None:
            break
    missing = []
    for write in acknowledged:
        if write["kind"] == "release":
            found = registry.summary(write["ref"])
            if any(found[key] != write[key] for key in ("commit", "digest", "serial")):
                missing.append(write)
        elif write["kind"] == "move":
            item = moves.get(write["seq"])
            if item is None or any(item[key] != write[key] for key in ("to", "revision", "serial")):
                missing.append(write)
    return missing


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path, counted: Any) -> None:
    seed = int(os.environ.get("PINSET_SEED") or (random.SystemRandom().randrange(2**32) if TORTURE else 7))
    print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    dice = random.Random(seed)
    bootstrap.create_registry(tmp_path / ".pinset")
    everything: list[dict[str, Any]] = []
    for life in range(KILLS):
        acknowledged = live_and_die(tmp_path, life, dice.randrange(MOST_WRITES), dice.uniform(0, LONGEST_WRITE))
        everything += acknowledged
        registry = bootstrap.local_registry(tmp_path)
        try:
            newest = max(write["serial"] for write in everything)
            assert registry.describe()["serial"] >= newest
            if any(write["kind"] == "move" for write in everything):
                assert lost(registry, acknowledged) == []
            with registry._context.catalog.reading() as reader:
                assert reader.intent() is None
                if life % 5 == 0:
                    assert dict(reader.refs()) == dict(registry._context.store.refs())
        finally:
            registry.close()
    registry = bootstrap.local_registry(tmp_path)
    try:
        assert sum(write["kind"] == "move" for write in everything) > KILLS / 5, "the writers hardly wrote"
        assert lost(registry, everything) == []
        proven = registry.verify()
        assert proven["ok"], proven["problems"]
        counted(kills=KILLS, acknowledged=len(everything))
    finally:
        registry.close()
