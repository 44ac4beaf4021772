"""Times that people write, and what was current at one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinset.domain import times
from pinset.domain.messages import format_time, parse_time
from pinset.errors import InvalidInput

NOW = parse_time("2026-03-10T12:00:00Z")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2026-03-01T08:30:00Z", "2026-03-01T08:30:00.000000Z"),
        ("2026-03-01T08:30:00.123456+02:00", "2026-03-01T06:30:00.123456Z"),
        ("2026-03-01 08:30:00Z", "2026-03-01T08:30:00.000000Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000000Z"),
        ("90s", "2026-03-10T11:58:30.000000Z"),
        ("45min", "2026-03-10T11:15:00.000000Z"),
        ("45m", "2026-03-10T11:15:00.000000Z"),
        ("2h", "2026-03-10T10:00:00.000000Z"),
        ("3d", "2026-03-07T12:00:00.000000Z"),
        ("3 d ago", "2026-03-07T12:00:00.000000Z"),
        ("1w", "2026-03-03T12:00:00.000000Z"),
        ("0s", "2026-03-10T12:00:00.000000Z"),
        ("99999w", "1970-01-01T00:00:00.000000Z"),
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_is_said_in_full_as_a_day_or_as_how_long_ago(text: str, means: str) -> None:
    assert format_time(times.moment(text, now=NOW)) == means
    assert times.fixed(text, now=NOW) == means
    assert times.fixed(means, now=0) == means


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "yesterday", "2026-03-01T08:30:00", "2026-13-01", "2026-02-30", "3", "-3d", "3.5h", "1000000d", "\u0663d",
        "3D", "3d2h", " 3d", "2026-03-01T08:30:00Z\n", "2026-03-01T08:30:00Z" + " " * 60, "\u202e3d",
    ],
)  # fmt: skip
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time"):
        times.moment(text, now=NOW)


@pytest.mark.parametrize("text", ["3mo", "1y", "2 mo ago"])
def test_months_and_years_are_said_in_days(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        times.moment(text, now=NOW)
    assert "90d" in caught.value.hint


@given(st.sets(st.integers(1, 300)), st.integers(0, 301), st.booleans())
def test_halving_finds_what_a_search_through_all_finds(there: set[int], until: int, upward: bool) -> None:
    """Numbers have gaps; a gap is told by the nearest one above it, or below it."""
    looks = 0

    def look(number: int) -> tuple[int, bool, str] | None:
        nonlocal looks
        looks += 1
        beside = [one for one in there if one == number or (one > number) == upward]
        near = min(beside, key=lambda one: abs(one - number), default=None)
        return None if near is None else (near, near <= until, str(near))

    newest = max(there, default=0)
    expected = max((one for one in there if one <= until), default=None)
    assert times.last(newest, look) == (None if expected is None else str(expected))
    assert looks <= newest.bit_length() + 1


@pytest.mark.parametrize(
    ("text", "bare", "seconds"),
    [
        ("90s", "", 90), ("15m", "", 900), ("1h30m", "", 5400), ("2w", "", 1_209_600), ("0s", "", 0),
        ("90", "s", 90), ("90", "d", 7_776_000), ("1h", "d", 3600), ("1h30", "m", 5400),
        ("90", "", None), ("", "s", None), ("h", "s", None), ("-1h", "", None), ("1 h", "", None), ("1mo", "", None),
        ("1e3s", "", None), ("1.5h", "", None), ("\u0661h", "", None), ("\u0661", "h", None), ("1h" * 40, "", None),
    ],
)  # fmt: skip
def test_spans_are_read_the_same_wherever_they_are_written(text: str, bare: str, seconds: int | None) -> None:
    assert times.span(text, bare=bare) == (None if seconds is None else seconds * times.SECOND)


def test_a_fraction_is_a_span_where_it_may_be_one() -> None:
    assert times.span("0.25", bare="s", whole=False) == times.SECOND // 4
    assert times.span("1.5h", whole=False) == 90 * times.MINUTE
