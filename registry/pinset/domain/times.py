"""Times and spans of time that people write, and what was current at a time."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from pinset.domain import names
from pinset.domain.messages.text import format_time, parse_time
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

LONGEST: Final = 64
"""Characters of a time."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_AGO: Final = re.compile(r"([0-9]{1,6}) ?(s|min|m|h|d|w)(?: ago)?", re.ASCII)
SECOND: Final = 1_000_000
"""Microseconds, as all spans below."""
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_UNITS: Final = {"s": SECOND, "m": MINUTE, "min": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_PART: Final = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,3})?)([smhdw])", re.ASCII)
_SPAN: Final = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_CALENDAR: Final = re.compile(r"[0-9]{1,6} ?(mo|y)(?: ago)?", re.ASCII)
_HOW: Final = "write it with its zone, 2025-03-14T09:30:00Z, as a day, 2025-03-14, or as how long ago: 45min, 2h, 7d, 1w (--utc shows exact times)"


def moment(text: str, *, now: int) -> int:
    """The time that a text says, in microseconds since 1970, UTC. now: the time that "ago" counts from.

    ISO 8601 with a zone; a day, which is its first moment in UTC; or how long ago: ``45min``, ``2h``, ``3d``, ``1w``, also
    as tables say it, ``3 d ago``. None is before 1970: no registry was. Raises InvalidInput.
    """
    if len(text) <= LONGEST:
        ago = _AGO.fullmatch(text)
        if ago:
            return max(now - int(ago[1]) * _UNITS[ago[2]], 0)
        try:
            return max(0, parse_time(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text))
        except ValueError:
            pass
    hint = "months and years differ in length: say it in days, 90d" if _CALENDAR.fullmatch(text) else _HOW
    raise InvalidInput(f"{names.show(text)} is not a time", hint=hint)


def span(text: str, *, bare: str = "", whole: bool = True) -> int | None:
    """How long a text says, in microseconds: ``90s``, ``15m``, ``1h30m``, ``7d``, ``2w``; None where it is no span.

    bare: the unit of a number that stands alone; '' where it wants one. whole: take no fractions.
    """
    if len(text) > LONGEST:
        return None
    written = text + bare if text[-1:].isdigit() else text
    if not _SPAN.fullmatch(written) or (whole and "." in written):
        return None
    return sum(int(Decimal(count) * _UNITS[unit]) for count, unit in _PART.findall(written))


def show_span(span: int) -> str:
    """A span as it is written: ``14d``, ``1h``, ``90m``."""
    for size, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "m")):
        if span and span % size == 0:
            return f"{span // size}{letter}"
    return f"{span // SECOND}s"


def show_time(at: int) -> str:
    """A time to the second, UTC; rounded up, so that what is said of it holds by then."""
    return f"{format_time(at + 999_999)[:19]}Z"


def show_age(span: int) -> str:
    """A span as people say it, to its two largest units."""
    parts: list[str] = []
    for size, letter in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s")):
        if span >= size and len(parts) < 2:
            parts.append(f"{span // size} {letter}")
            span %= size
        elif parts:
            break
    return " ".join(parts) or "0 s"


def fixed(text: str, *, now: int) -> str:
    """The same time in a form that means the same later on. Raises as `moment`."""
    return format_time(moment(text, now=now))


def last(newest: int, look: Callable[[int], tuple[int, bool, T] | None]) -> T | None:
    """The last one that fits, of things with rising numbers of which all that fit come before all that do not.

    newest: the highest number. look: the thing of a number, or the nearest one in one direction where the numbers have
    gaps: its number, whether it fits, and itself; None where there is none below. Found by halving.
    """
    low, high, found = 1, newest, None
    while low <= high:
        middle = (low + high) // 2
        seen = look(middle)
        if seen is None:
            low = middle + 1
            continue
        number, fits, thing = seen
        if fits:
            found, low = thing, max(number, middle) + 1
        else:
            high = min(number, middle) - 1
    return found
