"""Scrubs: when they are due, by whom, beside readers and writers, and what they say. No test waits for a clock."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from pinset import bootstrap
from pinset.api.app import create_app
from pinset.api.settings import Settings
from pinset.catalog.scrubs import FileScrubs, MemoryScrubs
from pinset.errors import Busy, ReadOnly
from pinset.ports.registry import Caller
from pinset.ports.scrubs import Scrub
from pinset.services.scrubbing import Pace, Scrubber, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from pinset.services.local import LocalRegistry

ME = Caller(actor="ada")
HOUR = 3600 * 1_000_000
DAY = 24 * HOUR
START = 1_700_000_000_000_000


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at


class Walks:
    """In the place of `verify`: counts, and answers with so many problems or raises."""

    def __init__(self) -> None:
        self.count = 0
        self.problems: list[dict[str, str]] = []
        self.error: Exception | None = None

    def __call__(self, pace: Any) -> Any:
        self.count += 1
        pace.step("commits", 1)
        if self.error is not None:
            raise self.error
        return {"ok": not self.problems, "problems": self.problems}


def on(_seconds: float) -> bool:
    return False


DAMAGE = {"where": "refs/heads/releases/a 12 ", "what": "lost\x1b[31m\nits head", "hint": "restore a backup"}


@pytest.fixture
def place(home: Path, manifest: Callable[..., dict[str, str]]) -> Iterator[LocalRegistry]:
    with closing(bootstrap.local_registry(home)) as registry:
        for words in ("One.", "Two.", "Three."):
            registry.publish(ME, manifest(words=words), alias="production")
        yield registry


# -- when ------------------------------------------------------------------------------------------------------


def test_it_is_due_at_once_and_then_an_interval_after_the_end_of_the_last() -> None:
    walks, scrubs, clock = Walks(), MemoryScrubs(), Clock()
    scrubber = Scrubber(walks, scrubs, clock, interval=DAY)
    assert [scrubber.look(on), scrubber.look(on)] == [True, False]
    assert scrubs.last() == Scrub(ended_at=START, problems=0, sound_at=START)
    clock.at += DAY - 1
    assert not scrubber.look(on)
    clock.at += 1
    assert scrubber.look(on)
    assert walks.count == 2


def test_a_server_that_starts_anew_goes_by_what_is_on_record(home: Path) -> None:
    walks, clock = Walks(), Clock()
    assert Scrubber(walks, FileScrubs(home), clock, interval=DAY).look(on)
    clock.at += HOUR
    assert not Scrubber(walks, FileScrubs(home), clock, interval=DAY).look(on)
    assert Scrubber(walks, FileScrubs(home), clock, interval=HOUR).look(on)


def test_a_clock_that_was_put_back_holds_up_nothing() -> None:
    walks, scrubs, clock = Walks(), MemoryScrubs(), Clock()
    scrubs.keep(Scrub(ended_at=START + 30 * DAY, problems=0, sound_at=START + 30 * DAY))
    assert Scrubber(walks, scrubs, clock, interval=DAY).look(on)


@pytest.mark.parametrize("error", [Busy("held", hint="wait"), ReadOnly("full", hint="room"), RuntimeError("a bug")])
def test_one_that_could_not_be_made_is_said_and_tried_again_later(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    walks, scrubs, clock = Walks(), MemoryScrubs(), Clock()
    walks.error = error
    scrubber = Scrubber(walks, scrubs, clock, interval=DAY)
    assert [scrubber.look(on), scrubber.look(on)] == [False, False]
    assert (walks.count, scrubs.last()) == (1, None)
    [line] = caplog.records
    assert (line.levelno, str(error) in line.getMessage()) == (logging.WARNING, True)
    walks.error = None
    clock.at += HOUR
    assert scrubber.look(on)


# -- who -------------------------------------------------------------------------------------------------------


def test_of_several_processes_one_scrubs(home: Path) -> None:
    walks, clock = Walks(), Clock()
    mine, other = (Scrubber(walks, FileScrubs(home), clock, interval=DAY) for _ in range(2))
    seen: list[bool] = []

    def meanwhile(_seconds: float) -> bool:
        seen.append(other.look(on))
        return False

    assert mine.look(meanwhile)
    assert not other.look(on)
    assert (seen, walks.count) == ([False], 1)


def test_one_that_died_in_the_middle_is_made_by_another(home: Path) -> None:
    walks, clock = Walks(), Clock()
    assert not Scrubber(walks, FileScrubs(home), clock, interval=DAY).look(lambda _seconds: True)
    assert FileScrubs(home).last() is None
    assert Scrubber(walks, FileScrubs(home), clock, interval=DAY).look(on)


# -- how -------------------------------------------------------------------------------------------------------


def test_it_rests_in_proportion_to_its_work_within_bounds() -> None:
    times = iter([0.0, 0.01, 1.0, 1.0, 2.0, 99.0, 100.0])
    rests: list[float] = []
    pace = Pace(lambda seconds: bool(rests.append(seconds)), now=lambda: next(times))
    for done in range(3):
        pace.step("commits", done)
    assert rests == [pytest.approx(0.09), 0.0005, 2.0]
    with pytest.raises(Stopped):
        Pace(lambda _seconds: True).step("commits", 1)


def test_readers_and_writers_go_on_between_its_commits(place: LocalRegistry) -> None:
    """It rests once a commit and once a batch of the catalog, and holds no lock while it rests."""
    served: list[int] = []

    def rest(_seconds: float) -> bool:
        if len(served) < 3:
            place.promote(ME, f"support@v{len(served) % 2 + 1}", "staging")
        served.append(place.summary("support@production")["version"])
        return False

    scrubs, clock = MemoryScrubs(), Clock()
    commits = place.describe()["serial"]
    assert Scrubber(lambda pace: place.verify(progress=pace, gently=True), scrubs, clock, interval=DAY).look(rest)
    assert set(served) == {3}
    assert len(served) >= commits + 2
    assert scrubs.last() == Scrub(ended_at=START, problems=0, sound_at=START)
    assert place.describe()["serial"] == commits + 3


def test_stopped_in_the_middle_it_says_nothing(place: LocalRegistry, caplog: pytest.LogCaptureFixture) -> None:
    steps: list[float] = []
    scrubs = MemoryScrubs()

    def stop(seconds: float) -> bool:
        steps.append(seconds)
        return len(steps) == 3

    assert not Scrubber(lambda pace: place.verify(progress=pace), scrubs, Clock(), interval=DAY).look(stop)
    assert (len(steps), scrubs.last(), caplog.records) == (3, None, [])


# -- what it says ----------------------------------------------------------------------------------------------


def test_damage_is_one_line_with_the_way_out(caplog: pytest.LogCaptureFixture) -> None:
    walks, scrubs, clock = Walks(), MemoryScrubs(), Clock()
    scrubber = Scrubber(walks, scrubs, clock, interval=DAY)
    assert scrubber.look(on)
    assert caplog.records == []
    walks.problems = [DAMAGE, DAMAGE]
    clock.at += DAY
    assert scrubber.look(on)
    assert scrubs.last() == Scrub(ended_at=START + DAY, problems=2, sound_at=START)
    [line] = caplog.records
    told = line.getMessage()
    assert line.levelno == logging.ERROR
    assert told.isprintable(), "what is damaged may hold anything"
    for part in ("2 problems", "refs/heads/releases/a 12", "restore a backup", "pinset verify"):
        assert part in told


@pytest.mark.parametrize("where", ["git", "catalog"])
def test_real_damage_is_found_and_counted(
    place: LocalRegistry, home: Path, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    if where == "git":
        max((home / "repository.git/objects").glob("??/*"), key=lambda path: path.stat().st_size).unlink()
    else:
        place.close()
        catalog = (home / "catalog.sqlite").resolve()
        data = catalog.read_bytes()
        assert b"Two." in data
        catalog.write_bytes(data.replace(b"Two.", b"Tvo."))
    scrubber = Scrubber(lambda pace: place.verify(progress=pace), FileScrubs(home), Clock(), interval=DAY)
    assert scrubber.look(on)
    last = FileScrubs(home).last()
    assert last is not None
    assert (last.problems > 0, last.sound_at) == (True, None)
    [line] = caplog.records
    assert "the registry is damaged" in line.getMessage()


def test_the_metrics_of_every_worker_say_what_was_found(memory: LocalRegistry) -> None:
    scrubs = MemoryScrubs()
    app = create_app(memory, scrubs=scrubs)

    def metrics() -> str:
        async def get() -> str:
            near = httpx.ASGITransport(app, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(transport=near, base_url="http://localhost") as http:
                return (await http.get("/metrics")).text

        return anyio.run(get)

    assert "pinset_serial" in metrics()
    assert "pinset_scrub" not in metrics()
    scrubs.keep(Scrub(ended_at=START, problems=3, sound_at=None))
    text = metrics()
    assert "\npinset_scrub_problems{" in text
    assert "last_success" not in text
    scrubs.keep(Scrub(ended_at=START + DAY, problems=0, sound_at=START + DAY))
    lines = [line.split("} ") for line in metrics().splitlines() if line.startswith("pinset_scrub")]
    assert [(field.split("{")[0], value) for field, value in lines] == [
        ("pinset_scrub_problems", "0"),
        ("pinset_scrub_last_success_timestamp_seconds", str((START + DAY) // 1_000_000)),
    ]


# -- in a server -----------------------------------------------------------------------------------------------


class Told(MemoryScrubs):
    """Lets a test wait for the first that is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = threading.Event()

    def keep(self, scrub: Scrub) -> None:
        super().keep(scrub)
        self.kept.set()


def started(app: FastAPI, look: Callable[[], None]) -> None:
    """Look while the application runs."""

    async def run() -> None:
        async with app.router.lifespan_context(app):
            look()

    anyio.run(run)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "pinset-scrub"]


def test_a_server_scrubs_while_it_runs_and_not_after(place: LocalRegistry) -> None:
    scrubs, often = Told(), Settings(scrub_hours=0.01 / 3600)

    def look() -> None:
        assert scrubs.kept.wait(30)
        assert threads() == ["pinset-scrub"]

    started(create_app(place, settings=often, scrubs=scrubs, clock=bootstrap.SystemClock()), look)
    assert threads() == []
    last = scrubs.last()
    assert last is not None
    assert last.problems == 0


def test_a_server_that_is_told_never_to_scrub_does_not(memory: LocalRegistry) -> None:
    never = Settings(scrub_hours=0)
    seen: list[list[str]] = []
    app = create_app(memory, settings=never, scrubs=MemoryScrubs(), clock=Clock())
    started(app, lambda: seen.append(threads()))
    assert seen == [[]]


def test_what_serve_is_told_reaches_its_workers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    monkeypatch.setattr("pinset.api.server.run", lambda *_args, **_named: seen.append(hours()))

    def hours() -> float:
        app = bootstrap.application().api
        app.state.registry.close()
        assert isinstance(app.state.scrubs, FileScrubs)
        return float(app.state.settings.scrub_hours)

    for given in ({}, {"scrub_hours": 0.0}, {"scrub_hours": 6.0}):
        bootstrap.serve_registry(home, host="127.0.0.1", port=0, workers=1, talk=lambda _text: None, **given)
    assert seen == [24.0, 0.0, 6.0]
