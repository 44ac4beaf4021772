"""Marks: what a cache asks before it gives what it read before, of the catalog and of the state."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pinset import bootstrap
from pinset.catalog.watch import ABSENT, Watch
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry

ME = Caller(actor="ana")
FILES = {"release.yaml": 'release:\n  feature: alpha\n  prompt: {text: "Hello {{name}}."}\n'}
PROMOTING = """
import sys
from pathlib import Path
from pinset import bootstrap
from pinset.ports.registry import Caller
registry = bootstrap.local_registry(Path(sys.argv[1]))
registry.promote(Caller(actor="cli"), "alpha@v1", "production")
registry.close()
"""


@pytest.fixture(params=["memory", "directory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalRegistry]:
    if request.param == "directory":
        bootstrap.create_registry(tmp_path / "home")
        made = bootstrap.local_registry(tmp_path / "home", serving=True)
    else:
        made = bootstrap.memory_registry()
    yield made
    made.close()


def _promote_elsewhere(home: Path) -> None:
    subprocess.run([sys.executable, "-c", PROMOTING, str(home)], check=True)


def _rebuild(registry: LocalRegistry) -> None:
    registry.reindex()


CHANGES: list[Callable[[LocalRegistry], object]] = [
    lambda registry: registry.publish(ME, FILES, alias="staging"),
    lambda registry: registry.yank(ME, "alpha@v1", reason="bad"),
    _rebuild,
]


@pytest.mark.parametrize("change", CHANGES, ids=["publish", "yank", "reindex"])
def test_a_catalog_mark_stays_while_nothing_happens_and_changes_when_something_does(
    registry: LocalRegistry, change: Callable[[LocalRegistry], object]
) -> None:
    catalog = registry._context.catalog
    registry.publish(ME, FILES, alias="production")
    before = catalog.mark()
    assert before is not None
    assert registry.release("alpha@production")["version"] == 1
    assert catalog.mark() == before
    change(registry)
    assert catalog.mark() != before


def test_another_process_changes_the_mark_too(tmp_path: Path) -> None:
    home = tmp_path / "home"
    bootstrap.create_registry(home)
    with closing(bootstrap.local_registry(home, serving=True)) as registry:
        catalog = registry._context.catalog
        registry.publish(ME, FILES)
        before = catalog.mark()
        _promote_elsewhere(home)
        assert catalog.mark() != before
        before = catalog.mark()
        subprocess.run(
            [sys.executable, "-m", "pinset_cli.main", "reindex", "--registry", str(home)],
            check=True,
            capture_output=True,
        )
        assert catalog.mark() != before
        before = catalog.mark()
        assert registry.release("alpha@production")["version"] == 1
        assert catalog.mark() == before


def test_a_state_mark_changes_with_every_token(registry: LocalRegistry) -> None:
    state = registry._context.state
    before = state.mark()
    registry.create_token(ME, "ci", can="read")
    made = state.mark()
    registry.keep_answer(ME, "key", request="r", status=200, body="{}", lifetime=10**12)
    state.touch_token(state.tokens()[0].id, 1)
    assert state.mark() == made, "only tokens count"
    assert None not in (before, made)
    assert made != before
    registry.revoke_token(ME, "ci")
    assert state.mark() != made


def test_a_file_that_cannot_be_watched_has_no_mark(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "none", "SELECT 1")
    assert watch.mark() == ABSENT
    (tmp_path / "none").write_bytes(b"no database " * 1000)
    assert watch.mark() is None
    (tmp_path / "none").unlink()
    assert watch.mark() == ABSENT
    watch.close()
    watch.close()


COUNTING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("PRAGMA synchronous=OFF")
for number in range(1, 20001):
    connection.execute("UPDATE counted SET number = ?", (number,))
    print(number, flush=True)
"""
NUMBER = "SELECT number FROM counted"


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "counted.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE counted (number)")
        connection.execute("INSERT INTO counted VALUES (0)")
        yield path


def test_of_threads_that_look_at_the_same_time_none_sees_what_was_before(counted: Path) -> None:
    watch, done, ended, late = Watch(counted, NUMBER), [0], threading.Event(), []

    def look() -> None:
        while not ended.is_set():
            least, mark = done[0], watch.mark()
            if mark is None or mark[1][0] < least:  # type: ignore[index]  # the row is in it
                late.append((least, mark))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    with subprocess.Popen([sys.executable, "-c", COUNTING, counted], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            done[0] = int(line)
    ended.set()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert (done[0], late[:3]) == (20000, [])
    watch.close()


def test_a_forked_process_waits_for_no_thread_of_its_parent(counted: Path) -> None:
    watch = Watch(counted, NUMBER)
    assert watch.mark() is not None
    with watch._looking, watch._turn:
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            os._exit(watch.mark() is None)
    assert os.waitpid(child, 0)[1] == 0
    watch.close()


def test_a_file_of_the_same_number_is_not_the_same_file(counted: Path) -> None:
    link, other = counted.with_name("link"), counted.with_name("other")
    link.symlink_to(counted)
    other.write_bytes(b"no database " * 1000)
    watch = Watch(link, NUMBER)
    marks = [watch.mark()]
    for target in (other, counted):
        link.unlink()
        link.symlink_to(target)
        marks.append(watch.mark())
    assert marks[1] is None
    assert marks[2] not in (marks[0], None)
    watch.close()
