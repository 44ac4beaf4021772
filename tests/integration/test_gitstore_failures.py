"""The git store when processes die, hang, or find no room, and what holds the lock meanwhile."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gitstores import ALIAS, RELEASES, git, promote, publish

import pinset
from pinset.errors import (
    Conflict,
    ReadOnly,
    Unavailable,
)
from pinset.gitstore import GitStore
from pinset.ports.store import Files, NewCommit, RefMove

SOURCE = str(Path(pinset.__file__).parents[1])


def wait_until_gone(pid: int) -> None:
    """Wait for a process that is not our child to end, at most ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
    pytest.fail(f"process {pid} is still there")


def child_pid(store: GitStore) -> int:
    pid = store._child.pid
    assert pid is not None
    return pid


def test_the_parent_never_imports_pygit2(path: Path) -> None:
    code = f"""
import sys, pathlib
from pinset.gitstore import GitStore
store = GitStore.create(pathlib.Path({str(path)!r}))
store.refs(); list(store.scan()); store.check(); store.pack(); store.close()
assert "pygit2" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env={**os.environ, "PYTHONPATH": SOURCE})


def test_after_the_child_was_killed_the_next_operation_works(store: GitStore) -> None:
    first = publish(store)
    os.kill(child_pid(store), signal.SIGKILL)
    with pytest.raises(Unavailable, match="SIGKILL"):  # no damage does that
        store.refs()
    assert store.refs() == {RELEASES: first.commit}
    publish(store, 2)


def test_a_child_that_dies_during_a_write_is_unavailable(store: GitStore) -> None:
    publish(store)
    with store.exclusive():
        os.kill(child_pid(store), signal.SIGKILL)
        with pytest.raises(Unavailable):
            store.write(NewCommit(tree=Files(), parents=(), message="m", author="a", at=1))
    publish(store, 2)


def test_what_is_done_meanwhile_is_not_taken_for_a_fault_of_the_child(store: GitStore) -> None:
    def broken() -> None:
        raise OSError(errno.EBADF, "of mine")

    first = publish(store)
    with store.exclusive():
        written = store.write(NewCommit(tree=Files(), parents=(first.commit,), message="v2\n", author="a", at=2))
        with pytest.raises(OSError, match="of mine") as raised:
            store.move([RefMove(RELEASES, first.commit, written.commit)], meanwhile=broken)
    assert type(raised.value) is OSError
    assert store._child.pid is None, "its answer is still in the pipe"
    assert store.ref(RELEASES) in {first.commit, written.commit}
    publish(store, 3)


def test_a_child_that_hangs_is_stopped_in_time(path: Path) -> None:
    store = GitStore.create(path, op_seconds=3)
    try:
        first = publish(store)
        hanging = child_pid(store)
        os.kill(hanging, signal.SIGSTOP)
        with pytest.raises(Unavailable, match="3 seconds"):
            store.refs()
        wait_until_gone(hanging)
        assert store.refs() == {RELEASES: first.commit}
    finally:
        store.close()


def test_an_interrupt_does_not_put_the_pipe_out_of_step(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.ref("refs/heads/releases/other")
    assert store.ref(RELEASES) == first.commit


def test_the_child_ends_when_its_parent_is_killed_and_frees_the_lock(path: Path) -> None:
    code = f"""
import pathlib, signal, sys
from pinset.gitstore import GitStore
store = GitStore.create(pathlib.Path({str(path)!r}))
with store.exclusive():
    store.refs()
    print(store._child.pid, flush=True)
    signal.pause()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCE}
    )
    assert holder.stdout is not None
    with holder.stdout:
        child = int(holder.stdout.readline())
        holder.kill()
        holder.wait()
    wait_until_gone(child)
    after = GitStore.open(path, wait_seconds=5)
    publish(after)
    after.close()


def test_the_lock_outlives_a_killed_parent_while_its_child_works(path: Path) -> None:
    store = GitStore.create(path, wait_seconds=0.1)
    store.refs()
    lock = os.fstat(store._lock.fileno()).st_ino
    held = {f.stat().st_ino for f in Path(f"/proc/{child_pid(store)}/fd").iterdir() if f.exists()}
    store.close()
    assert lock in held


def test_a_stale_lock_file_of_a_ref_is_removed(store: GitStore, path: Path) -> None:
    publish(store)
    stale = path / f"{RELEASES}.lock"
    stale.write_bytes(b"")
    os.utime(stale, (1, 1))
    publish(store, 2)
    assert not stale.exists()
    assert git(path, "rev-list", "--count", RELEASES) == "2"


def test_a_lock_file_younger_than_ours_is_respected(store: GitStore, path: Path) -> None:
    first = publish(store)
    fresh = path / f"{RELEASES}.lock"
    fresh.write_bytes(b"")
    os.utime(fresh, (2**31, 2**31))
    with pytest.raises(Unavailable):
        publish(store, 2)
    assert store.ref(RELEASES) == first.commit


def test_git_log_of_an_alias_shows_only_its_moves(store: GitStore, path: Path) -> None:
    first = publish(store, 1)
    second = publish(store, 2)
    for target in (first, second, first):
        promote(store, target)
    subjects = git(path, "log", "--first-parent", "--format=%s", ALIAS).split()
    assert subjects == ["promote"] * 3 + ["root"]
    assert git(path, "rev-parse", f"{ALIAS}^{{tree}}") == first.tree
    assert store.check() == []


def test_a_failed_sync_stops_writing_until_reopened(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None
    failed = {"error": {"code": "read_only", "message": "m", "hint": "h", "details": {"errno": "EIO"}}}
    with monkeypatch.context() as patch:
        patch.setattr(child, "send", lambda message, seconds: None)
        patch.setattr(child, "receive", lambda seconds: failed)
        with pytest.raises(ReadOnly), store.exclusive():
            store.write(NewCommit(tree=Files(), parents=(), message="m", author="a", at=1))
    with pytest.raises(ReadOnly):
        publish(store, 2)
    assert store.refs() == {RELEASES: first.commit}
    again = GitStore.open(path)
    publish(again, 2)
    again.close()


def test_a_write_the_disk_refuses_is_read_only_with_a_way_out(path: Path) -> None:
    code = f"""
import pathlib, resource, signal
from pinset.errors import ReadOnly
from pinset.gitstore import GitStore
from pinset.domain.records import ROOT
from pinset.ports.store import Files, NewCommit
store = GitStore.create(pathlib.Path({str(path)!r}))
store.refs()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.prlimit(store._child.pid, resource.RLIMIT_FSIZE, (4096, 4096))
import os
text = os.urandom(40000).hex()
with store.exclusive():
    try:
        store.write(NewCommit(tree=Files({{"a": text}}), parents=(), message="m", author="a", at=1))
    except ReadOnly as error:
        print(error.message, error.hint)
store.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert "File too large" in done.stdout
    assert "ulimit" in done.stdout
    store = GitStore.open(path)
    assert store.refs() == {}
    assert store.check() == []
    publish(store)
    store.close()


def test_a_move_to_where_a_ref_is_makes_it_durable_and_is_still_a_compare_and_swap(
    store: GitStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pinset.gitstore import writer

    first, second = publish(store), publish(store, 2)
    synced: list[Path] = []
    monkeypatch.setattr(writer, "sync", synced.append)
    repository = writer.Repository(path)
    move = {"ref": RELEASES, "expected": second.commit, "new": second.commit}
    repository.move([move], 0.0)
    assert {path / RELEASES, (path / RELEASES).parent} <= set(synced)
    store.pack()
    synced.clear()
    repository.move([move], 0.0)
    assert {path / "packed-refs", path} <= set(synced)
    with pytest.raises(Conflict):
        repository.move([{"ref": RELEASES, "expected": first.commit, "new": first.commit}], 0.0)


def test_a_second_answer_to_one_request_is_not_taken_for_the_next(
    store: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(store)
    child = store._child._child
    assert child is not None
    receive, late = (
        child.receive,
        [{"error": {"code": "integrity", "message": "m", "hint": "", "details": {}}, "of": 0}],
    )
    monkeypatch.setattr(child, "receive", lambda seconds: late.pop() if late else receive(seconds))
    assert store.ref(RELEASES) == first.commit
    assert late == []


def test_the_lock_is_free_after_it_could_not_be_looked_at(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from pinset.gitstore import locks

    def fails(_one: os.stat_result, _other: os.stat_result) -> bool:
        raise OSError(5, "Input/output error")

    publish(store)  # its child has inherited the lock
    with monkeypatch.context() as patch:
        patch.setattr(locks.os.path, "samestat", fails)
        with pytest.raises(ReadOnly), store.exclusive():
            pass
    other = GitStore.open(store._directory, wait_seconds=1)
    publish(other, 2)
    other.close()
