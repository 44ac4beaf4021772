"""Freezes: spans of time in which an alias stays as it is, by the clocks of a place.

A window's hours are those of the clocks on the wall. Where these jump, or show an hour twice, the window is taken
as long as it can be meant: in doubt it is closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WHOLE_DAY: Final = 24 * 60
WEEK: Final = 7 * WHOLE_DAY
_CHAIN: Final = 64
"""Windows that are looked at one after another for the end of them all."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Moments(NamedTuple):
    """A stretch of time, in microseconds since 1970: from the first to before the second."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """Comes back every week. starts: minutes after Monday 00:00; length: minutes, at most a week.

    hint: what somebody who wrote it may have meant otherwise, '' where that is nothing.
    """

    starts: tuple[int, ...]
    length: int
    zone: str
    written: str
    hint: str = ""

    def around(self, now: int) -> Moments | None:
        """The stretch that a time is in; None where it is in none."""
        zone = ZoneInfo(self.zone)
        local = (_EPOCH + timedelta(microseconds=now)).astimezone(zone)
        monday = local.date() - timedelta(days=local.weekday())
        minute = local.weekday() * WHOLE_DAY + local.hour * 60 + local.minute
        found: Moments | None = None
        for week in (-1, 0, 1):
            for start in self.starts:
                begin = week * WEEK + start
                if not begin - WHOLE_DAY <= minute < begin + self.length + WHOLE_DAY:
                    continue  # clocks never jump by more than a day, and to ask the zone takes a while
                first = monday + timedelta(weeks=week)
                stretch = Moments(min(_instants(first, start, zone)), max(_instants(first, start + self.length, zone)))
                if stretch.begin <= now < stretch.end and (found is None or stretch.end > found.end):
                    found = stretch
        return found

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class Once:
    """Comes once. since, until: microseconds since 1970."""

    since: int
    until: int
    written: str
    hint: str = ""

    def around(self, now: int) -> Moments | None:
        """The stretch, where a time is in it."""
        return Moments(self.since, self.until) if self.since <= now < self.until else None

    def __str__(self) -> str:
        return self.written


Window = Weekly | Once


def local_instants(moment: datetime, zone: str) -> tuple[int, int]:
    """When the clocks of a zone show a time: twice where they are put back, both readings where they jump over it."""
    tz = ZoneInfo(zone)
    first, second = (_micros(moment.replace(tzinfo=tz, fold=fold)) for fold in (0, 1))
    return first, second


@lru_cache(maxsize=256)
def frozen_until(windows: tuple[Window, ...], now: int) -> tuple[int, Window] | None:
    """When the windows that a time is in are over, and the first of them; windows that meet are one, up to `_CHAIN`.

    None where the time is in none.
    """
    found: tuple[int, Window] | None = None
    end = now
    for _ in range(min(2 * len(windows) + 1, _CHAIN)):
        inside = [(stretch.end, window) for window in windows if (stretch := window.around(end)) is not None]
        if not inside:
            break
        last = max(inside, key=lambda one: one[0])
        found = (last[0], found[1] if found else last[1])
        end = last[0]
    return found


def _instants(monday: date, minutes: int, zone: ZoneInfo) -> tuple[int, int]:
    day = datetime.combine(monday, time()) + timedelta(minutes=minutes)
    return _micros(day.replace(tzinfo=zone, fold=0)), _micros(day.replace(tzinfo=zone, fold=1))


def _micros(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND
