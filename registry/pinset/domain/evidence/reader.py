"""Which report it is, and which of its suites are meant."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pinset.domain.evidence import deepeval, junit, plain, promptfoo
from pinset.domain.evidence.model import MOST, REPORT_LIMIT, Reading, Suite
from pinset.domain.text import strict_json
from pinset.errors import InvalidInput, TooLarge

_DEPTH: Final = 200
"""How deep other programs nest what they write."""
_KINDS: Final = (promptfoo.read, deepeval.read, plain.read)


def check_report(text: str) -> None:
    """Raises TooLarge, and InvalidInput for what is no text or nothing."""
    size = len(text.encode(errors="surrogatepass"))
    if size > REPORT_LIMIT:
        raise TooLarge(
            f"the report has {size:,} bytes, and at most {REPORT_LIMIT:,} are kept",
            hint="leave out what is not needed, or keep it elsewhere and say the result: --suite NAME --score NUMBER",
        )
    if "\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise InvalidInput("the report is no UTF-8 text", hint="keep only text: JSON or XML")
    if not text.strip():
        raise InvalidInput("the report is empty", hint="leave it out, or give one")


def read_report(text: str) -> Reading | None:
    """What a report says; None where it is of no kind we know. Raises InvalidInput, TooLarge."""
    check_report(text)
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start == "<":
        return junit.read(text.lstrip("\ufeff \t\r\n"))
    if start not in ("{", "["):
        return None
    try:
        value = strict_json.loads(text, depth=_DEPTH)
    except strict_json.StrictJsonError as error:
        where = f"line {error.line}: " if error.line else ""
        raise InvalidInput(f"the report: {where}{error.message}", hint=error.hint) from None
    return next((found for found in (read(value) for read in _KINDS) if found is not None), None)


def choose(reading: Reading, suite: str | None) -> tuple[Suite, ...]:
    """The suites of a report that are to be recorded: all, or the one of a name.

    A name that the report does not have is that of the whole. Raises InvalidInput where there is no whole.
    """
    if suite is None:
        if len(reading.suites) > MOST:
            raise InvalidInput(
                f"the report has {len(reading.suites)} suites, and at most {MOST} are recorded at once",
                hint="choose one: --suite NAME",
            )
        return reading.suites
    for one in reading.suites:
        if one.name == suite:
            return (one,)
    if reading.whole is None:
        there = ", ".join(one.name for one in reading.suites[:8])
        raise InvalidInput(f"the report has no suite {suite}", hint=f"it has {there}")
    return (replace(reading.whole, name=suite),)
