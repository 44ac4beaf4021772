"""The one writer's lock, by two holders in one process: flock parts open files, whoever opened them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pinset.errors import Busy, ReadOnly, Unavailable
from pinset.gitstore.locks import FileLock, ThreadLock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[FileLock, FileLock]]:
    made = FileLock(tmp_path / "lock", 0.05), FileLock(tmp_path / "lock", 0.05)
    yield made
    for lock in made:
        lock.close()


def test_one_holder_at_a_time(two: tuple[FileLock, FileLock]) -> None:
    one, other = two
    with one.held():
        for wait in (True, False):
            with pytest.raises(Busy) as caught, other.held(wait=wait):
                pass
            assert caught.value.details == {"waited": 0.05 if wait else 0.0}
    with other.held():
        other.require()
    with one.held(wait=False):
        one.require()


def test_the_lock_is_free_after_an_error(two: tuple[FileLock, FileLock]) -> None:
    one, other = two
    with pytest.raises(ZeroDivisionError), one.held():
        raise ZeroDivisionError
    with other.held(wait=False):
        pass
    with pytest.raises(RuntimeError):
        one.require()


def test_whoever_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock", 10.0), FileLock(tmp_path / "lock", 10.0)
    held, free, got = threading.Event(), threading.Event(), []

    def hold() -> None:
        with one.held():
            held.set()
            free.wait(10)

    def wait() -> None:
        with other.held():
            got.append(free.is_set())

    threads = [threading.Thread(target=hold), threading.Thread(target=wait)]
    threads[0].start()
    assert held.wait(10)
    threads[1].start()
    free.set()
    for thread in threads:
        thread.join(10)
    assert got == [True]
    one.close()
    other.close()


def test_only_the_thread_that_holds_it_may_write(two: tuple[FileLock, FileLock]) -> None:
    refused: list[RuntimeError] = []

    def other_thread() -> None:
        try:
            two[0].require()
        except RuntimeError as error:
            refused.append(error)

    with two[0].held():
        two[0].require()
        thread = threading.Thread(target=other_thread)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_it_says_since_when_it_is_held(two: tuple[FileLock, FileLock]) -> None:
    assert two[0].since == 0.0
    before = time.time()
    with two[0].held():
        assert before <= two[0].since <= time.time()


def test_the_file_stays_open_between_two_uses_and_is_opened_anew_after_close(two: tuple[FileLock, FileLock]) -> None:
    lock = two[0]
    assert lock.generation == 0
    for _ in range(2):
        with lock.held():
            assert lock.generation == 1
    descriptor = lock.fileno()
    lock.close()
    lock.close()
    with pytest.raises(OSError, match=r"."):
        os.fstat(descriptor)
    with lock.held():
        assert lock.generation == 2


def test_a_restored_registry_has_a_new_lock_that_is_noticed(two: tuple[FileLock, FileLock], tmp_path: Path) -> None:
    one, other = two
    with one.held():
        pass
    (tmp_path / "lock").rename(tmp_path / "old")
    with one.held(), pytest.raises(Busy), other.held():
        pass
    assert one.generation == 2


def test_a_registry_that_is_gone_is_unavailable(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "gone" / "lock")
    with pytest.raises(Unavailable) as caught, lock.held():
        pass
    assert str(tmp_path / "gone") in caught.value.message
    with pytest.raises(RuntimeError):
        lock.require()


def test_a_lock_that_the_system_does_not_release_is_told_and_let_go(
    two: tuple[FileLock, FileLock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def fails(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_UN:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", fails)
        with pytest.raises(ReadOnly) as caught, two[0].held():
            pass
    assert caught.value.details == {"errno": "EIO"}
    assert str(tmp_path / "lock") in caught.value.message
    with two[1].held(wait=False):
        pass
    with two[0].held(wait=False):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EIO])
def test_a_lock_that_the_system_does_not_give_is_told_at_once(
    two: tuple[FileLock, FileLock], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fails(_descriptor: int, _operation: int) -> None:
        raise OSError(number, "no locks")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", fails)
        with pytest.raises(Unavailable) as caught, two[0].held():
            pass
    assert not isinstance(caught.value, Busy)
    assert caught.value.details == {"errno": errno.errorcode[number]}
    assert str(tmp_path / "lock") in caught.value.message
    with two[0].held():
        pass


def test_only_its_owner_may_write_to_the_lock_file(two: tuple[FileLock, FileLock], tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with two[0].held():
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o644


def test_a_lock_that_cannot_be_opened_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(Unavailable) as caught, FileLock(tmp_path / "lock").held():
        pass
    assert str(tmp_path / "lock") in caught.value.message
    assert caught.value.details == {"errno": "EISDIR"}


def test_a_child_that_inherits_it_after_a_fork_holds_nothing(two: tuple[FileLock, FileLock]) -> None:
    with two[0].held():
        child = os.fork()
        if not child:
            try:
                with two[0].held(wait=False):
                    os._exit(1)
            except Busy:
                os._exit(0)
            finally:
                os._exit(2)
        _, ended = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(ended) == 0, "the child is refused"
        two[0].require()
        with pytest.raises(Busy), two[1].held(wait=False):
            pass


def test_threads_wait_for_each_other_no_longer_than_they_say() -> None:
    lock = ThreadLock(0.01)
    refused: list[Busy] = []

    def enter(wait: bool) -> None:
        try:
            with lock.held(wait=wait):
                pass
        except Busy as error:
            refused.append(error)

    with lock.held():
        for wait in (True, False):
            thread = threading.Thread(target=enter, args=(wait,))
            thread.start()
            thread.join(10)
        with pytest.raises(RuntimeError), lock.held():
            pass
        lock.require()
    assert [error.details["waited"] for error in refused] == [0.01, 0.0]
    with lock.held():
        pass
