"""What every report comes to: suites with a score, a threshold, and whether they passed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.names import show
from pinset.errors import InvalidInput, InvalidName

if TYPE_CHECKING:
    from collections.abc import Sequence

REPORT_LIMIT: Final = 1024 * 1024
"""Bytes of a report."""
MOST: Final = 100
"""Suites that are recorded at once."""
_SUITE: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_OTHER: Final = re.compile(r"[^a-z0-9._]+", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_LARGEST: Final = Decimal(10) ** 12
_PLACES: Final = Decimal("0.000001")
"""To what a mean is rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One suite of an evaluation.

    score, threshold: decimal numbers as text, None where there is none. passed: None where the report does not say.
    cases, failed: how many there were and how many of them failed or could not be run, None where that is not told.
    """

    name: str
    score: str | None = None
    threshold: str | None = None
    passed: bool | None = None
    cases: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A report as it was understood.

    tool: what wrote it, None where nobody knows. whole: the report taken as one suite, None where it only lists
    suites. parts: its suites. warnings: sentences for people.
    """

    tool: str | None
    whole: Suite | None = None
    parts: tuple[Suite, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def suites(self) -> tuple[Suite, ...]:
        """All of them, each name once: a part is called as it calls itself, even where the whole is called so."""
        named = {suite.name for suite in self.parts}
        return (*([self.whole] if self.whole and self.whole.name not in named else []), *self.parts)


def suite_name(text: str) -> str:
    """The text, if it can name a suite. Raises InvalidName."""
    if _SUITE.fullmatch(text):
        return text
    near = slug(text)
    raise InvalidName(
        f"{show(text)} cannot be the name of a suite",
        hint=f"write {near}" if near else "use lower-case letters, digits and . _ -, at most 64: groundedness",
    )


def slug(text: object) -> str:
    """What another program calls a suite, as a name of ours; '' where nothing is left of it."""
    if not isinstance(text, str):
        return ""
    return _OTHER.sub("-", text.lower())[:64].strip("-._")


def decimal_text(value: object, what: str = "score") -> str:
    """A number as it is kept: a plain decimal without exponent. Raises InvalidInput for what is no finite number."""
    number = number_of(value)
    if number is None:
        raise InvalidInput(f"{show(value, 40)} is no {what}", hint=f"a {what} is a number such as 0.93")
    return text_of(number)


def number_of(value: object) -> Decimal | None:
    """A number of JSON or of a text; None for anything else, and for one that no score can be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = value.strip() if isinstance(value, str) else repr(value)
    if not _NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    small = abs(number) <= _LARGEST and int(number.as_tuple().exponent) >= -30
    return number if small else None


def text_of(number: Decimal) -> str:
    """A decimal number without exponent, and without zeros that say nothing."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def mean(numbers: Sequence[Decimal]) -> str | None:
    """The mean, to six places; None of nothing."""
    if not numbers:
        return None
    return text_of((sum(numbers, Decimal(0)) / len(numbers)).quantize(_PLACES))


def share(passed: int, of: int) -> str | None:
    """Which part passed, to six places; None of nothing. One failure in a million is not rounded away."""
    if not of:
        return None
    found = (Decimal(passed) / of).quantize(_PLACES)
    return text_of(min(found, 1 - _PLACES) if passed < of else found)


def judged(score: str | None, threshold: str | None) -> bool | None:
    """Whether a score reaches its threshold; None where one of them is not there."""
    if score is None or threshold is None:
        return None
    return Decimal(score) >= Decimal(threshold)


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def unreadable(tool: str, what: str, hint: str = "") -> InvalidInput:
    """The error for a report that is of a kind we know, and cannot be believed."""
    way = "or say the result yourself: --suite NAME --score NUMBER"
    return InvalidInput(f"the {tool} report {what}", hint=f"{hint}; {way}" if hint else f"write it again, {way}")
