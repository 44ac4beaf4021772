"""Freezes: by the clocks of a place, also in the nights in which these are put forward or back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pinset.domain.policy.freezing import frozen_until
from pinset.domain.policy.model import parse


def micros(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def until(freeze: str, now: str) -> str | None:
    (rule,) = parse(f"format: 1\nrules: [{{bundles: b, aliases: a, freeze: {freeze}}}]").rules
    found = frozen_until(rule.freeze, micros(now))
    return datetime.fromtimestamp(found[0] / 1_000_000, UTC).strftime("%a %d %H:%M") if found else None


NIGHTS = '{days: fri-sun, from: "16:00", to: "08:00", zone: Europe/Berlin}'
WEEKEND = '{from: "fri 16:00", to: "mon 08:00", zone: Europe/Berlin}'


@pytest.mark.parametrize(
    ("freeze", "now", "end"),
    [
        # Each day by itself: Friday is 20 November 2026, and Berlin is an hour ahead.
        (NIGHTS, "2026-11-20T14:59:59Z", None),
        (NIGHTS, "2026-11-20T15:00:00Z", "Sat 21 07:00"),
        (NIGHTS, "2026-11-21T06:59:59Z", "Sat 21 07:00"),
        (NIGHTS, "2026-11-21T07:00:00Z", None),
        (NIGHTS, "2026-11-22T20:00:00Z", "Mon 23 07:00"),
        (NIGHTS, "2026-11-23T07:00:00Z", None),
        (NIGHTS, "2026-11-23T20:00:00Z", None),
        # One long stretch, over the end of the week.
        (WEEKEND, "2026-11-20T14:59:59Z", None),
        (WEEKEND, "2026-11-21T12:00:00Z", "Mon 23 07:00"),
        (WEEKEND, "2026-11-23T06:59:59Z", "Mon 23 07:00"),
        (WEEKEND, "2026-11-23T07:00:00Z", None),
        # Whole days that follow each other are one.
        ("{days: sat-sun, zone: UTC}", "2026-11-21T00:00:00Z", "Mon 23 00:00"),
        ("{days: sun-mon, zone: UTC}", "2026-11-22T00:00:00Z", "Tue 24 00:00"),
        ("{days: sat, zone: Pacific/Auckland}", "2026-11-20T12:00:00Z", "Sat 21 11:00"),
        ("{days: mon, from: '22:00', to: '24:00', zone: UTC}", "2026-11-23T23:59:59Z", "Tue 24 00:00"),
        # Once.
        ("{since: 2026-12-20, until: 2027-01-02, zone: UTC}", "2026-12-19T23:59:59Z", None),
        ("{since: 2026-12-20, until: 2027-01-02, zone: UTC}", "2026-12-20T00:00:00Z", "Sat 02 00:00"),
        ("{since: 2026-12-20, until: 2027-01-02, zone: UTC}", "2027-01-02T00:00:00Z", None),
        ("{since: 2026-12-20, until: 2027-01-02, zone: Asia/Tokyo}", "2027-01-01T14:59:59Z", "Fri 01 15:00"),
        # Windows that meet are over when the last is.
        (f"[{WEEKEND}, {{days: mon, zone: Europe/Berlin}}]", "2026-11-21T12:00:00Z", "Mon 23 23:00"),
    ],
)
def test_a_window_has_its_hours(freeze: str, now: str, end: str | None) -> None:
    assert until(freeze, now) == end


# On Sunday, 29 March 2026, clocks in Berlin jump from 02:00 to 03:00 (01:00 UTC); on 25 October they are put back from
# 03:00 to 02:00 (01:00 UTC).
SUNDAY = "{days: sun, from: '%s', to: '%s', zone: Europe/Berlin}"


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        # The same hours on the wall are other hours in summer.
        (("01:00", "05:00"), "2026-03-22T03:59:59Z", "Sun 22 04:00"),
        (("01:00", "05:00"), "2026-03-29T02:59:59Z", "Sun 29 03:00"),
        (("01:00", "05:00"), "2026-03-29T03:00:00Z", None),
        (("01:00", "05:00"), "2026-10-25T03:59:59Z", "Sun 25 04:00"),
        # 02:30 is there twice: it is frozen until the second, and from the first.
        (("00:30", "02:30"), "2026-10-25T00:45:00Z", "Sun 25 01:30"),
        (("00:30", "02:30"), "2026-10-25T01:29:59Z", "Sun 25 01:30"),
        (("00:30", "02:30"), "2026-10-25T01:30:00Z", None),
        (("02:30", "04:00"), "2026-10-25T00:30:00Z", "Sun 25 03:00"),
        # 02:30 is not there: whichever way it is meant is frozen.
        (("00:30", "02:30"), "2026-03-29T00:59:59Z", "Sun 29 01:30"),
        (("00:30", "02:30"), "2026-03-29T01:29:59Z", "Sun 29 01:30"),
        (("00:30", "02:30"), "2026-03-29T01:30:00Z", None),
        (("02:30", "04:00"), "2026-03-29T00:30:00Z", "Sun 29 02:00"),
    ],
)
def test_clocks_that_jump(hours: tuple[str, str], now: str, end: str | None) -> None:
    assert until(SUNDAY % hours, now) == end


def test_the_whole_of_the_longest_day_is_frozen() -> None:
    day = "{days: sun, zone: Europe/Berlin}"
    assert until(day, "2026-10-24T21:59:59Z") is None
    assert until(day, "2026-10-24T22:00:00Z") == "Sun 25 23:00"
    assert until(day, "2026-10-25T22:59:59Z") == "Sun 25 23:00"


def test_hours_over_midnight_of_a_weekend_are_asked_about() -> None:
    (rule,) = parse(f"format: 1\nrules: [{{bundles: b, aliases: a, freeze: [{NIGHTS}, {WEEKEND}]}}]").rules
    nights, weekend = rule.freeze
    assert 'from: "fri 16:00", to: "mon 08:00"' in nights.hint
    assert weekend.hint == ""
