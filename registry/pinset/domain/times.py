"""Times that people write, and what was current at one."""

from __future__ import annotations

import re
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
_SECONDS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
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
            return max(now - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000, 0)
        try:
            return max(0, parse_time(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text))
        except ValueError:
            pass
    hint = "months and years differ in length: say it in days, 90d" if _CALENDAR.fullmatch(text) else _HOW
    raise InvalidInput(f"{names.show(text)} is not a time", hint=hint)


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
