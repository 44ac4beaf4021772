"""An import is killed at any moment, meets another one, or finds no room: what came in is whole, and the next run goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importing_worker
import pytest

import forked
import pinset
from pinset import bootstrap
from pinset.errors import ReadOnly
from pinset.importing.engine import run
from pinset.ports.imports import Version
from pinset.ports.registry import Caller
from pinset.services import recovering

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER = Path(importing_worker.__file__)
SOURCE = str(Path(pinset.__file__).parents[1])
TORTURE = os.environ.get("PINSET_TORTURE") == "1"
KILLS = int(os.environ.get("PINSET_ROUNDS") or 40) if TORTURE else 1
ALL = 2 * importing_worker.VERSIONS
ME = Caller(actor="ada")


def start(directory: Path, actor: str) -> Any:
    return forked.start(
        [str(WORKER), str(directory), actor],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )


def numbers(registry: Any) -> list[list[int]]:
    """The numbers of each bundle's releases."""
    return [
        sorted(one["version"] for one in registry.releases(bundle["name"], limit=500)["items"])
        for bundle in registry.bundles()["items"]
    ]


def finished(registry: Any) -> None:
    """Everything is in, once, and proves sound."""
    report = run(registry, ME, importing_worker.Source())
    assert report.versions["created"] + report.versions["already"] == ALL
    assert numbers(registry) == [list(range(1, importing_worker.VERSIONS + 1))] * 2
    assert [registry.alias(name, "production")["version"] for name in ("movie-critic", "team.x")] == [
        importing_worker.VERSIONS - 1
    ] * 2
    assert registry.spelled("Movie Critic") == "movie-critic"
    serial = registry.describe()["serial"]
    assert run(registry, ME, importing_worker.Source()).versions == {"already": ALL}
    assert registry.describe()["serial"] == serial
    assert registry.verify()["ok"]


def test_an_import_that_is_killed_goes_on_where_it_was(home: Path, counted: Any) -> None:
    seed = int(os.environ.get("PINSET_SEED") or (random.SystemRandom().randrange(2**32) if TORTURE else 11))
    print(f"PINSET_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    dice = random.Random(seed)
    for life in range(KILLS):
        worker = start(home, f"life-{life}")
        assert worker.stdout is not None
        for _ in range(dice.randrange(1, ALL if TORTURE else 30)):
            worker.stdout.readline()
        time.sleep(dice.uniform(0, 0.02))  # to be hit anywhere in a batch
        worker.send_signal(signal.SIGKILL)
        said, talk = worker.communicate(timeout=60)
        assert worker.returncode == -signal.SIGKILL or "already" in said, talk
        with closing(bootstrap.local_registry(home)) as registry:
            found = numbers(registry)
            assert all(one == list(range(1, len(one) + 1)) for one in found), found
            # A batch is in whole, or not at all.
            assert sum(map(len, found)) % importing_worker.AT_ONCE == 0
            with registry._context.catalog.reading() as reader:
                assert reader.intent() is None
                assert dict(reader.refs()) == dict(registry._context.store.refs())
    with closing(bootstrap.local_registry(home)) as registry:
        finished(registry)
    counted(kills=KILLS)


def test_two_imports_at_once_bring_everything_in_once(home: Path) -> None:
    workers = [start(home, actor) for actor in ("one", "other")]
    for worker in workers:
        said, talk = worker.communicate(timeout=120)
        assert worker.returncode == 0, talk
        assert "refused" not in said
        assert "conflict" not in said
    with closing(bootstrap.local_registry(home)) as registry:
        finished(registry)


def versions(count: int, bundles: int = 1) -> list[Version]:
    return [
        Version(
            name=f"b{number % bundles}",
            files={
                "release.yaml": f"release:\n  feature: b{number % bundles}\n  prompt: {{template: p.md}}\n",
                "p.md": f"Text {number}.\n",
            },
            number=number + 1,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("after", [1, 2])
def test_a_write_that_is_cut_off_between_its_refs_is_finished(
    home: Path, after: int, monkeypatch: pytest.MonkeyPatch, make_registry: Callable[[Path], Path]
) -> None:
    """Each branch moves once, past all versions that the write put on it; some have moved when the writer dies."""
    with closing(bootstrap.local_registry(home)) as registry:
        store = registry._context.store
        move = store.move
        moved: list[Any] = []

        def dies(moves: Any, **_: Any) -> None:
            moved.extend(moves)
            move(moves[:after])
            raise SystemExit

        monkeypatch.setattr(store, "move", dies)
        with pytest.raises(SystemExit):
            registry.imports.take(ME, versions(9, bundles=3))
        assert [one.ref for one in moved] == [f"refs/heads/releases/b{number}" for number in range(3)]
    with closing(bootstrap.local_registry(home)) as registry:
        assert numbers(registry) == [[1, 4, 7], [2, 5, 8], [3, 6, 9]]
        assert registry.verify()["ok"]
        with registry._context.catalog.reading() as reader:
            assert reader.intent() is None


def test_a_write_of_a_program_of_before_that_moved_step_by_step_is_finished(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        store, session = registry._context.store, sys.modules["pinset.services.session"]
        move = store.move

        def dies(moves: Any, **_: Any) -> None:
            move(moves[:2])
            raise SystemExit

        monkeypatch.setattr(store, "move", dies)
        monkeypatch.setattr(session, "whole", list)
        with pytest.raises(SystemExit):
            registry.imports.take(ME, versions(4))
    with closing(bootstrap.local_registry(home)) as registry:
        assert numbers(registry) == [[1, 2, 3, 4]]
        assert registry.verify()["ok"]


def test_a_batch_that_finds_no_room_is_refused_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(bootstrap.local_registry(home)) as registry:
        store = registry._context.store
        write, written = store.write, []

        def full(commit: Any) -> Any:
            if len(written) == 25:
                raise ReadOnly("the disk is full", hint="free space on the disk")
            written.append(commit)
            return write(commit)

        monkeypatch.setattr(importing_worker.batch, "MOST", importing_worker.AT_ONCE)
        with monkeypatch.context() as patch:
            patch.setattr(store, "write", full)
            with pytest.raises(ReadOnly):
                run(registry, ME, importing_worker.Source())
        # The first batch has a record of the spelling beside its versions.
        assert numbers(registry) == [list(range(1, 21))]
        finished(registry)


def test_recovery_knows_one_move_a_ref() -> None:
    from pinset.ports.store import RefMove, whole

    moves = [RefMove("a", None, "1"), RefMove("b", "0", "1"), RefMove("a", "1", "2"), RefMove("a", "2", "3")]
    assert whole(moves) == [RefMove("a", None, "3"), RefMove("b", "0", "1")]
    assert recovering.whole is whole
