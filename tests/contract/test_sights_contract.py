"""What every record of sights promises, held against all implementations, and what files promise beyond."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pinset.catalog.sights import FileSights, MemorySights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.domain.adoption import Table
    from pinset.ports.sights import Sights

WHO = ("0123456789abcdef", "support", "production")
ELSE = ("fedcba9876543210", "support", "staging")


class Now:
    """A clock that stands until it is told."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture(params=["files", "memory"])
def sights(request: pytest.FixtureRequest, tmp_path: Path, now: Now) -> Sights:
    return FileSights(tmp_path, now) if request.param == "files" else MemorySights(now)


def test_the_last_that_was_told_counts(sights: Sights) -> None:
    assert sights.everyone() == {}
    sights.keep({WHO: (7, 999.0), ELSE: (None, 1000.0)})
    assert sights.everyone() == {WHO: (7, 999.0), ELSE: (None, 1000.0)}
    sights.keep({WHO: (8, 1000.0)})
    assert sights.everyone() == {WHO: (8, 1000.0)}


def test_who_is_not_seen_for_a_minute_is_forgotten(sights: Sights, now: Now) -> None:
    sights.keep({WHO: (7, 999.0), ELSE: (8, 1000.0)})
    now.at = 1060.0
    assert sights.everyone() == {ELSE: (8, 1000.0)}
    now.at = 1060.5
    assert sights.everyone() == {}


def test_closed_it_tells_nothing_and_closes_again(sights: Sights) -> None:
    sights.keep({WHO: (7, 1000.0)})
    sights.close()
    sights.close()
    assert sights.everyone() == {}


# -- files -----------------------------------------------------------------------------------------------------

KEEP = """
import sys
from pathlib import Path
from pinset.catalog.sights import FileSights
sights = FileSights(Path(sys.argv[1]), lambda: float(sys.argv[2]))
sights.keep({tuple(who): tuple(held) for who, held in eval(sys.argv[3])})
print("kept", flush=True)
sys.stdin.read()
if sys.argv[4] == "close":
    sights.close()
"""


class Other:
    """Another process that tells one table until it is ended. close: whether it takes it back then."""

    def __init__(self, directory: Path, at: float, table: Table, *, close: bool) -> None:
        given = [str(directory), str(at), repr(list(table.items())), "close" if close else "die"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", KEEP, *given], stdin=pipe, stdout=pipe, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "kept\n"

    @property
    def file(self) -> str:
        return f"{self.process.pid}.json"

    def end(self) -> None:
        self.process.communicate(timeout=60)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[..., Other]]:
    made: list[Other] = []

    def make(table: Table, *, at: float = 1000.0, close: bool = False) -> Other:
        made.append(Other(tmp_path, at, table, close=close))
        return made[-1]

    yield make
    for one in made:
        if one.process.poll() is None:
            one.end()


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "serving").iterdir())


def test_of_what_two_processes_saw_of_a_client_the_newest_counts(
    tmp_path: Path, now: Now, other: Callable[..., Other]
) -> None:
    sights = FileSights(tmp_path, now)
    other({WHO: (8, 999.5), ELSE: (3, 990.0)})
    sights.keep({WHO: (7, 999.0), ELSE: (4, 995.0)})
    assert sights.everyone() == {WHO: (8, 999.5), ELSE: (4, 995.0)}
    sights.keep({WHO: (9, 1000.0)})
    assert sights.everyone() == {WHO: (9, 1000.0), ELSE: (3, 990.0)}


@pytest.mark.parametrize("close", [True, False])
def test_what_an_ended_process_told_is_gone(tmp_path: Path, now: Now, other: Callable[..., Other], close: bool) -> None:
    one = other({WHO: (8, 999.5)}, close=close)
    assert FileSights(tmp_path, now).everyone() == {WHO: (8, 999.5)}
    assert names(tmp_path) == [one.file]
    one.end()
    assert names(tmp_path) == ([] if close else [one.file])
    (tmp_path / "serving" / f".{one.file}").write_text("{")
    assert FileSights(tmp_path, now).everyone() == {}
    assert names(tmp_path) == []


@pytest.mark.parametrize("later", [61.0, -1.0])
def test_what_was_told_too_long_ago_or_before_a_restart_of_the_machine_is_removed(
    tmp_path: Path, now: Now, other: Callable[..., Other], later: float
) -> None:
    other({WHO: (8, 999.5)})
    now.at += later
    assert FileSights(tmp_path, now).everyone() == {}
    assert names(tmp_path) == []


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path, now: Now, other: Callable[..., Other]) -> None:
    one = other({WHO: (8, 999.5)})
    (tmp_path / "serving" / f".{one.file}").write_text('{"form')
    (tmp_path / "serving" / "notes.txt").write_text("not ours")
    assert FileSights(tmp_path, now).everyone() == {WHO: (8, 999.5)}
    assert names(tmp_path) == [f".{one.file}", one.file, "notes.txt"]


GOOD: dict[str, Any] = {"format": 1, "told": 1000.0, "held": [["support", "production", 7, {WHO[0]: 1000.0}]]}


@pytest.mark.parametrize("text", [
    "", "{", "[]", "7", "\x00\xff", "[" * 100_000, *(json.dumps(GOOD | changed) for changed in (
        {"format": 2}, {"told": "now"}, {"told": None}, {"held": None}, {"held": [["support", "production", 7]]},
        {"held": [["../up", "production", 7, {}]]}, {"held": [[7, "production", 7, {}]]},
        {"held": [["support", 7, 7, {}]]}, {"held": [["support", "production", "7", {}]]},
        {"held": [["support", "production", 7, {"me": 1000.0}]]},
        {"held": [["support", "production", 7, {WHO[0]: "1000"}]]},
        {"held": [["support", "production", 7, {WHO[0]: 10**400}]]},
        {"held": [["support", "production", -7, {WHO[0]: 1000.0}]]},
        {"held": [["support", "production", 10**9, {WHO[0]: 1000.0}]]},
        {"held": [["support", "a\nb", 7, {WHO[0]: 1000.0}]]}, {"held": [["support", "\ud800", 7, {WHO[0]: 1000.0}]]},
    )),
], ids=range(22))  # fmt: skip
def test_a_file_that_is_none_of_ours_is_as_if_there_were_none(tmp_path: Path, now: Now, text: str) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / "serving" / f"{os.getppid()}.json").write_text(text)
    assert FileSights(tmp_path, now).everyone() == {}
    assert names(tmp_path) == []
    (tmp_path / "serving" / f"{os.getppid()}.json").write_text(json.dumps(GOOD))
    assert FileSights(tmp_path, now).everyone() == {WHO: (7, 1000.0)}


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "link"])
def test_what_is_no_file_is_removed_and_keeps_nobody_waiting(
    tmp_path: Path, now: Now, put: Callable[[Path], None]
) -> None:
    (tmp_path / "serving").mkdir()
    put(tmp_path / "serving" / f"{os.getppid()}.json")
    put(tmp_path / "serving" / f".{os.getpid()}.json")
    sights = FileSights(tmp_path, now)
    assert sights.everyone() == {}
    assert names(tmp_path) == [f".{os.getpid()}.json"]
    sights.keep({WHO: (7, 1000.0)})
    sights.keep({WHO: (8, 1000.0)})
    assert names(tmp_path) == [f"{os.getpid()}.json"]


def test_only_the_owner_reads_it_and_nothing_is_written_for_nobody(tmp_path: Path, now: Now) -> None:
    sights = FileSights(tmp_path, now)
    sights.keep({})
    assert list(tmp_path.iterdir()) == []
    sights.keep({WHO: (7, 1000.0)})
    [file] = (tmp_path / "serving").iterdir()
    assert (file.name, stat.S_IMODE(file.stat().st_mode)) == (f"{os.getpid()}.json", 0o600)
    assert stat.S_IMODE((tmp_path / "serving").stat().st_mode) == 0o700


def test_where_nothing_can_be_written_this_process_still_knows(tmp_path: Path, now: Now) -> None:
    (tmp_path / "serving").write_text("in the way")
    sights = FileSights(tmp_path, now)
    sights.keep({WHO: (7, 1000.0)})
    assert sights.everyone() == {WHO: (7, 1000.0)}
    assert (tmp_path / "serving").read_text() == "in the way"
