"""What every record of scrubs promises, held against all implementations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from pinset.catalog.scrubs import FileScrubs, MemoryScrubs
from pinset.ports.scrubs import Scrub

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.ports.scrubs import Scrubs

SOUND = Scrub(ended_at=1_700_000_000_000_000, problems=0, sound_at=1_700_000_000_000_000)
DAMAGED = Scrub(ended_at=1_700_000_000_000_001, problems=3, sound_at=None)


@pytest.fixture(params=["files", "memory"])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Scrubs]:
    """The record as another process, or another thread, has it."""
    if request.param == "files":
        return lambda: FileScrubs(tmp_path)
    kept = MemoryScrubs()
    return lambda: kept


def test_the_newest_is_kept_for_all(again: Callable[[], Scrubs]) -> None:
    assert again().last() is None
    for scrub in (SOUND, DAMAGED):
        again().keep(scrub)
        assert again().last() == scrub


def test_a_turn_is_one_at_a_time_and_never_waits(again: Callable[[], Scrubs]) -> None:
    seen: list[bool] = []

    def other() -> None:
        with again().turn() as ours:
            seen.append(ours)

    def elsewhere() -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    with again().turn() as ours:
        assert ours
        elsewhere()
    elsewhere()
    with pytest.raises(ZeroDivisionError), again().turn():
        raise ZeroDivisionError
    elsewhere()
    assert seen == [False, True, True]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ended_at": 1}', '{"ended_at": "1", "problems": 0, "sound_at": 1}',
                                  '{"ended_at": 1, "problems": -1, "sound_at": null}', "\x00\xff"])  # fmt: skip
def test_a_file_that_is_none_of_ours_is_as_if_there_were_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "scrub.json").write_text(text)
    assert FileScrubs(tmp_path).last() is None
    FileScrubs(tmp_path).keep(SOUND)
    assert FileScrubs(tmp_path).last() == SOUND
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scrub.json"]
