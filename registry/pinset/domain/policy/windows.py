"""Reads the freezes of a policy: hours of days, a stretch of every week, or one stretch of the calendar."""

from __future__ import annotations

import difflib
import re
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, available_timezones

from pinset.domain import names
from pinset.domain.policy.freezing import DAYS, WEEK, WHOLE_DAY, Once, Weekly, Window, local_instants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.manifest.reader import Path, Reader

_KEYS: Final = ("days", "from", "to", "since", "until", "zone")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)", re.ASCII)
_DAY_TIME: Final = re.compile(rf"({'|'.join(DAYS)}) +(\S+)")
_ZONE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+/-]{0,63}", re.ASCII)
_EXAMPLE: Final = 'days: fri-sun, or from: "fri 16:00" and to: "mon 08:00", or since: and until:'
_YEARS: Final = range(2000, 2200)
_HELPED: Final = 20
"""Mistakes after which nobody looks for what was meant by a zone: that takes a while, and nobody reads so far."""


def read(reader: Reader, entries: Sequence[tuple[Any, Path]], path: Path) -> tuple[Window, ...]:
    """The windows that a rule lists. What is wrong is noted, and left out."""
    found = tuple(window for value, at in entries if (window := _window(reader, value, at)) is not None)
    for zone in {window.zone for window in found if isinstance(window, Weekly)}:
        if _covered([w for w in found if isinstance(w, Weekly) and w.zone == zone]) == WEEK:
            hint = "leave hours in which it may move, or take the rule's aliases from whoever may move them"
            reader.note("bad-value", path, "the freezes leave no hour of the week", hint)
    return found


def _covered(windows: Sequence[Weekly]) -> int:
    """How many minutes of a week are in some window."""
    minutes = bytearray(WEEK)
    for window in windows:
        for start in window.starts:
            end = min(start + window.length, start + WEEK)
            minutes[start:end] = b"\1" * (min(end, WEEK) - start)
            minutes[: max(end - WEEK, 0)] = b"\1" * max(end - WEEK, 0)
    return sum(minutes)


def _window(reader: Reader, value: Any, path: Path) -> Window | None:
    found = reader.mapping(value, path, _KEYS)
    if not found:
        return None
    if "since" in found or "until" in found:
        return _once(reader, found, path)
    zone = _zone(reader, found, path)
    if "days" in found:
        starts, length = _of_days(reader, found, path)
    elif "from" in found and "to" in found:
        begin, end = (_day_time(reader, found, key, path) for key in ("from", "to"))
        starts, length = ([begin], (end - begin) % WEEK) if begin is not None and end is not None else ([], 0)
        if starts and not length:
            reader.note("bad-value", path, "it ends when it begins", "write two times of the week")
    else:
        reader.note("missing-key", path, "it does not say when", _EXAMPLE)
        return None
    if zone is None or not starts or not length:
        return None
    return Weekly(tuple(starts), length, zone, _written(found), _hint(found, starts, length))


def _hint(found: dict[str, Any], starts: Sequence[int], length: int) -> str:
    """What is easily meant otherwise: hours over midnight on days that follow each other are not one long stretch."""
    if "from" not in found or "days" not in found or len(starts) < 2 or length == WHOLE_DAY:
        return ""
    over = any(start % WHOLE_DAY + length > WHOLE_DAY for start in starts)
    weekend = not {5 * WHOLE_DAY, 6 * WHOLE_DAY}.isdisjoint(start - start % WHOLE_DAY for start in starts)
    if not over or not weekend:
        return ""
    first, last = DAYS[starts[0] // WHOLE_DAY], DAYS[(starts[-1] // WHOLE_DAY + 1) % 7]
    begin, end = found["from"], found["to"]
    return (
        f"the freeze {_written(found)} is of each day by itself, so from {end} to {begin} it moves; "
        f'for one long stretch: from: "{first} {begin}", to: "{last} {end}"'
    )


def _written(found: dict[str, Any]) -> str:
    days = found.get("days")
    shown = [", ".join(days) if isinstance(days, list) else days] if days is not None else []
    hours = [f"{found['from']} to {found['to']}"] if "from" in found else []
    return " ".join([*shown, *hours, str(found.get("zone") or "UTC")])


def _once(reader: Reader, found: dict[str, Any], path: Path) -> Once | None:
    for key in ("days", "from", "to"):
        if key in found:
            reader.note("bad-value", (*path, key), f"{key} does not go with since and until", "make two freezes of it")
    since, until = (_date(reader, found, key, path) for key in ("since", "until"))
    zone = None
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)) or "zone" in found:
        zone = _zone(reader, found, path)
        if zone is None:
            return None
    if since is None or until is None:
        return None
    begin, end = (_moments(moment, zone) for moment in (since, until))
    if min(begin) >= max(end):
        reader.note("bad-value", (*path, "until"), "it ends before it begins", "until must be later than since")
        return None
    return Once(min(begin), max(end), f"{found['since']} to {found['until']}{f' {zone}' if zone else ''}")


def _moments(moment: datetime, zone: str | None) -> tuple[int, int]:
    if moment.tzinfo is None:
        return local_instants(moment, zone or "UTC")
    at = round(moment.timestamp()) * 1_000_000
    return at, at


def _date(reader: Reader, found: dict[str, Any], key: str, path: Path) -> datetime | None:
    text = reader.text(found, key, path, required=True)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.year not in _YEARS:
        reader.note("bad-value", (*path, key), f"{names.show(text)} is no time", f"write {key}: 2026-12-20T00:00")
        return None
    return moment


def _of_days(reader: Reader, found: dict[str, Any], path: Path) -> tuple[list[int], int]:
    """When in the week it begins, in minutes, and how long it lasts."""
    days = _days(reader, found["days"], (*path, "days"))
    if "from" not in found and "to" not in found:
        return [day * WHOLE_DAY for day in days], WHOLE_DAY
    begin, end = (_time(reader, found, key, path) for key in ("from", "to"))
    if begin is None or end is None:
        return [], 0
    length = end - begin if end > begin else end - begin + WHOLE_DAY
    return [day * WHOLE_DAY + begin for day in days], length


def _days(reader: Reader, value: Any, path: Path) -> list[int]:
    parts = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else [None]
    found: set[int] = set()
    for part in parts:
        first, dash, last = part.strip().lower().partition("-") if isinstance(part, str) else ("", "", "")
        if first not in DAYS or (dash and last not in DAYS):
            shown = names.show(part) if isinstance(part, str) else "this"
            reader.note("bad-value", path, f"{shown} is no day", "write days: fri-sun, or [mon, wed]")
            return []
        begin = DAYS.index(first)
        end = DAYS.index(last) if dash else begin
        found.update((begin + step) % 7 for step in range((end - begin) % 7 + 1))
    return sorted(found)


def _time(reader: Reader, found: dict[str, Any], key: str, path: Path) -> int | None:
    """Minutes after midnight."""
    text = reader.text(found, key, path, required=True)
    if text is None:
        return None
    minutes = _minutes(text)
    if minutes is None or (key == "from" and minutes == WHOLE_DAY):
        reader.note("bad-value", (*path, key), f"{names.show(text)} is no time of day", f'write {key}: "16:00"')
        return None
    return minutes


def _minutes(text: str) -> int | None:
    found = _TIME.fullmatch(text)
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4]) if found else None


def _day_time(reader: Reader, found: dict[str, Any], key: str, path: Path) -> int | None:
    """Minutes after Monday 00:00."""
    text = reader.text(found, key, path, required=True)
    if text is None:
        return None
    parts = _DAY_TIME.fullmatch(text.lower())
    minutes = _minutes(parts[2]) if parts else None
    if parts is None or minutes is None:
        hint = f'write {key}: "fri 16:00", or add the days: days: fri-sun'
        reader.note("bad-value", (*path, key), f"{names.show(text)} is no time of the week", hint)
        return None
    return (DAYS.index(parts[1]) * WHOLE_DAY + minutes) % WEEK


def _zone(reader: Reader, found: dict[str, Any], path: Path) -> str | None:
    if "zone" not in found:
        reader.note("missing-key", path, "it does not say by whose clocks", "add zone: Europe/Berlin, or zone: UTC")
        return None
    name = reader.text(found, "zone", path)
    if name is None:
        return None
    try:
        if _ZONE.fullmatch(name):
            ZoneInfo(name)
            return name
    except (LookupError, ValueError, OSError):
        pass
    near = _near_zone(name) if len(reader.findings) < _HELPED else []
    hint = f"did you mean {near[0]}?" if near else "write one such as Europe/Berlin, America/New_York or UTC"
    reader.note("bad-value", (*path, "zone"), f"{names.show(name)} is no time zone", hint)
    return None


@lru_cache(maxsize=256)
def _near_zone(name: str) -> list[str]:
    return difflib.get_close_matches(name, sorted(_zones()), n=1)


@cache
def _zones() -> frozenset[str]:
    """The zones that this machine knows: whoever asks for them reads hundreds of files."""
    return frozenset(available_timezones())
