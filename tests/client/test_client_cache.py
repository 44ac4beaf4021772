"""The disk cache: shared, proven, and never the reason of a failure."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, NAME, UNREACHABLE, Directory, files, until

from pinset.client import cache as module
from pinset.client import ownfiles
from pinset.client.cache import DiskCache, default_directory
from pinset.client.release import Release, Standing
from pinset.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.client.client import Client


@pytest.mark.parametrize("damage", ["truncated", "other", "empty", "gone"])
@pytest.mark.parametrize("folder", ["sealed", "names"])
def test_a_damaged_cache_is_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path, damage: str, folder: str
) -> None:
    make().get(NAME)
    source.fails = UNREACHABLE
    for path in (tmp_path / "cache" / folder).iterdir():
        text = path.read_text()
        if damage == "gone":
            path.unlink()
        else:
            path.write_text(
                {
                    "truncated": text[: len(text) // 2],
                    "other": text.replace("ticket", "packet").replace('"version": 1', '"version": 2'),
                    "empty": "",
                }[damage]
            )
    with pytest.raises(Unavailable):
        make().get(NAME)


def test_the_cache_keeps_the_last_five_and_never_goes_back(
    make: Callable[..., Client], source: Directory, tmp_path: Path
) -> None:
    client = make()
    older = json.loads(json.dumps(source.registry.sealed(f"{NAME}@production")))
    for number in range(2, 9):
        source.registry.publish(ME, files(f"{number} {{{{ticket}}}}"), alias="production")
        until(lambda number=number: client.get(NAME).version == number)  # type: ignore[misc] # bound
    # A release is given before it is kept.
    until(
        lambda: (
            [answer["version"] for answer, _, _ in client._fallback._cache.load(NAME, "production")] == [8, 7, 6, 5, 4]
        )
    )
    until(lambda: len(list((tmp_path / "cache" / "sealed").iterdir())) == 5)
    client._fallback._cache.keep(NAME, "production", older, None)
    assert next(client._fallback._cache.load(NAME, "production"))[0]["version"] == 8


def test_nobody_else_reads_the_cache(make: Callable[..., Client], tmp_path: Path) -> None:
    make().get(NAME)
    for path in (tmp_path / "cache").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_cache_that_cannot_be_written_is_a_warning(
    make: Callable[..., Client], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    client = make(cache=tmp_path / "file" / "cache")
    assert client.get(NAME).version == 1
    until(lambda: "not kept" in caplog.text)


def sealed_of(source: Directory, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(source.registry.sealed(name)))
    return found


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", "test://registry")


def test_what_one_caller_holds_never_confirms_what_another_one_took(
    make: Callable[..., Client], source: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make()
    assert client.get(NAME, variables={"ticket"}).version == 1
    before = sealed_of(source, f"{NAME}@production")
    source.registry.publish(ME, files("{{ticket}} {{tone}}"), alias="production")
    until(lambda: client.get(NAME).version == 2)
    until(lambda: client.counts["refused"] > 0)
    monkeypatch.setattr(time, "time", lambda: 0.0)  # whatever is confirmed from now on says so
    monkeypatch.setattr(module, "NOTED_SECONDS", 0.0)
    source.answer = before  # a server that lags: to one caller it is what is held, and for the other an earlier move
    confirmed = client.counts["confirmed"]
    until(lambda: client.counts["confirmed"] > confirmed + 1)
    (newest, older) = client._fallback._cache._read(NAME, "production")
    assert (newest["answer"]["version"], older["answer"]["version"]) == (2, 1)
    assert newest["confirmed"] > 0


def test_a_confirmation_is_written_every_few_minutes_only(
    cache: DiskCache, source: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = 1000.0, list[int]()
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    cache.keep(NAME, "production", sealed_of(source, NAME), "t")
    (entry,) = (tmp_path / "cache" / "names").glob("*.json")
    for _ in range(100):
        now += 15
        before = entry.stat().st_ino
        cache.confirm(NAME, "production", "t")
        written.append(entry.stat().st_ino != before)
    assert sum(written) == 5
    now += 1000
    before = entry.stat().st_ino
    cache.confirm(NAME, "production", "other")
    assert entry.stat().st_ino == before, "that is not what is kept"


def test_a_purged_release_goes_from_every_name_that_meant_it(
    cache: DiskCache, source: Directory, tmp_path: Path
) -> None:
    one = sealed_of(source, f"{NAME}@v1")
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    two = sealed_of(source, f"{NAME}@production")
    for selector in ("production", "staging", "v1"):
        cache.keep(NAME, selector, one, None)
    cache.keep(NAME, "production", two, None)
    cache.drop(one["digest"])
    assert [answer["version"] for answer, _, _ in cache.load(NAME, "production")] == [2]
    assert not list(cache.load(NAME, "staging"))
    assert cache.find(NAME, "v1") is None
    assert len(list((tmp_path / "cache" / "sealed").iterdir())) == 1
    assert not any(one["digest"] in path.read_text() for path in (tmp_path / "cache").rglob("*.json"))


@pytest.mark.parametrize("moved", [-31_536_000, 31_536_000], ids=["back", "ahead"])
def test_a_wall_clock_that_is_moved_a_year_changes_nothing_that_runs(
    moved: int, make: Callable[..., Client], source: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, wall = make(max_stale=1000.0), time.time
    first = client.get(NAME)
    monkeypatch.setattr(time, "time", lambda: wall() + moved)
    confirmed = client.counts["confirmed"]
    until(lambda: client.counts["confirmed"] > confirmed + 1)
    assert client.get(NAME) is first
    assert 0 <= first.age < 1000
    source.fails = UNREACHABLE
    again = make().get(NAME)
    assert again.source == "disk"
    assert again.age > 31_000_000, "how long ago that was nobody knows: for long, then"
    with pytest.raises(Unavailable):
        make(max_stale=1000.0).get(NAME)


def test_a_disk_that_is_full_is_a_warning_and_leaves_what_was_whole(source: Directory, tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", "test://registry")
    one = sealed_of(source, NAME)
    cache.keep(NAME, "production", one, "1")
    source.registry.publish(ME, files("Long " * 2000 + "{{ticket}}"), alias="production")
    two = sealed_of(source, NAME)
    pid = os.fork()
    if pid == 0:
        said = list[str]()
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            logging.getLogger("pinset.client").addFilter(lambda record: bool(said.append(record.getMessage())))
            for _ in range(3):
                cache.keep(NAME, "production", two, "2")
        finally:
            os._exit(0 if len(said) == 1 and "not kept" in said[0] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert [answer["version"] for answer, _, _ in cache.load(NAME, "production")] == [1]
    assert not list((tmp_path / "cache").rglob(".*")), "nothing is left half written"


def test_a_disk_that_cannot_be_written_still_serves_what_is_on_it(
    make: Callable[..., Client], source: Directory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make().get(NAME)
    opens = os.open

    def refused(path: Path, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system")
        return opens(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", refused)
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    assert make().get(NAME).version == 2
    until(lambda: "Read-only file system" in caplog.text)
    source.fails = UNREACHABLE
    assert (make().get(NAME).version, make().get(NAME).source) == (1, "disk")


def test_eight_processes_share_one_folder(source: Directory, tmp_path: Path) -> None:
    one = sealed_of(source, NAME)
    source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
    two = sealed_of(source, NAME)
    children = []
    for number in range(8):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                cache = DiskCache(tmp_path / "cache", "test://registry")
                for turn in range(25):
                    cache.keep(NAME, "production", (one, two)[(turn + number) % 2], str(turn))
                    cache.keep(NAME, f"name-{turn % 3}", one, None)
                    for answer, _, _ in cache.load(NAME, "production"):
                        Release(answer, Standing("disk"))
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children] == [0] * 8
    cache = DiskCache(tmp_path / "cache", "test://registry")
    assert [answer["version"] for answer, _, _ in cache.load(NAME, "production")] == [2, 1], "never back"
    assert len(list((tmp_path / "cache" / "names").iterdir())) == 4


def test_the_users_folder_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PINSET_CACHE", "~/kept")
    assert default_directory() == tmp_path / "kept"
    monkeypatch.setenv("PINSET_CACHE", "")
    assert default_directory() is None


def test_a_pipe_or_another_users_file_in_the_place_of_an_entry_is_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make().get(NAME)
    source.fails = UNREACHABLE
    with monkeypatch.context() as another:
        another.setattr(os, "geteuid", lambda: 12345)
        another.setattr(ownfiles, "_SYSTEM", -1)
        with pytest.raises(Unavailable):
            make().get(NAME)
    assert make().get(NAME).source == "disk"
    for path in (tmp_path / "cache" / "names").iterdir():
        path.unlink()
        os.mkfifo(path)
    with pytest.raises(Unavailable):
        make().get(NAME)


@pytest.mark.parametrize(
    "wrong", [{}, {"kept": 1}, {"kept": [1]}, {"kept": [{}]}, {"kept": [{"answer": {"alias": 7}}]}]
)
def test_an_entry_of_another_shape_is_passed_over(
    make: Callable[..., Client], source: Directory, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    first = make()
    first.get(NAME)
    first.close()
    for path in (tmp_path / "cache" / "names").iterdir():
        entry = {
            name: value for name, value in json.loads(path.read_text().partition("\n")[2]).items() if name != "kept"
        }
        text = json.dumps({**entry, **wrong})
        path.write_text(f"{module._sum(text)}\n{text}")
    assert make(poll=60.0).get(NAME).source == "fresh"
    source.fails = UNREACHABLE
    assert make().get(NAME).source == "disk", "it was written anew"


def test_a_process_that_stopped_with_the_lock_stops_no_other(
    make: Callable[..., Client], source: Directory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownfiles, "LOCK_SECONDS", 0.05)
    (tmp_path / "cache").mkdir()
    with ownfiles.locked(tmp_path / "cache" / "lock"):
        client = make()
        assert client.get(NAME).version == 1
        source.registry.publish(ME, files("Two {{ticket}}."), alias="production")
        until(lambda: client.get(NAME).version == 2)


def test_a_copy_of_the_process_that_is_made_under_the_lock_does_not_keep_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with ownfiles.locked(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            os.read(reading, 1)
            os._exit(0)
    try:
        with ownfiles.locked(tmp_path / "lock"):
            pass
    finally:
        os.write(writing, b".")
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)
