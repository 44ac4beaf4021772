"""Text in commit messages: times, words, and the values of keys."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS_LIMIT: Final = 10_000
"""Characters of a message or reason."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGIN: Final = _EPOCH.replace(tzinfo=None)
_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing."""
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def format_time(at: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, always with six digits: times sort as text."""
    return (_BEGIN + timedelta(microseconds=at)).isoformat(timespec="microseconds") + "Z"


def parse_time(text: str) -> int:
    """The inverse of `format_time`; any ISO 8601 time with a zone will do. ValueError otherwise."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def clean_words(text: str) -> str:
    """An author's message or reason as it is kept: line ends unified, control characters dropped, ends trimmed.

    '' where nobody could see anything of it: a reason is for people to read.
    Raises InvalidInput for one that is too long.
    """
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = (_UNPRINTABLE.sub("", line).rstrip() for line in unified.split("\n"))
    kept = "\n".join(lines).strip()
    if len(kept) > WORDS_LIMIT:
        raise InvalidInput(
            f"a message or reason has at most {WORDS_LIMIT:,} characters, and this has {len(kept):,}",
            hint="say what changed and why; keep the rest elsewhere and name where",
        )
    return kept if any(map(_is_visible, kept)) else ""


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANKS


def one_line(text: str) -> str:
    """Text as the value of a key: one line, no control characters."""
    return _UNPRINTABLE.sub(" ", text).strip()


def number(value: int | None) -> str | None:
    """A number as the value of a key."""
    return None if value is None else str(value)


def optional(keys: Mapping[str, str], key: str) -> int | None:
    """The number of a key that may be missing."""
    return int(keys[key]) if key in keys else None
