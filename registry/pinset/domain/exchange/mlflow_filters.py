"""MLflow's filters of searches: conditions on names, numbers and tags, joined by AND. What is no such is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from pinset.domain.names import show
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST: Final = 2000
"""Characters of a filter."""
LOOKED_AT: Final = 100_000
"""Characters of a value that ``LIKE`` looks at."""
PATTERN: Final = 200
"""Characters of what it compares with."""
NAME: Final = "name"
NUMBER: Final = "version_number"
TAG: Final = "tags."
"""What the key of a condition on a tag begins with here."""
_CONDITION: Final = re.compile(
    r"\s*+(?:(?P<attribute>[a-z_]++)|tags?\.(?:`(?P<tick>[^`]++)`|\"(?P<quote>[^\"]++)\"|(?P<tag>[\w-]++)))"
    r"\s*+(?P<sign>!=|>=|<=|=|<|>|I?LIKE\b)\s*+(?:'(?P<one>[^']*+)'|\"(?P<two>[^\"]*+)\"|(?P<number>\d{1,18}))\s*+",
    re.IGNORECASE,
)
_AND: Final = re.compile(r"AND\s", re.IGNORECASE)
_HINT: Final = "write name = 'x', name LIKE 'x%', tags.`key` = 'value', version_number = 3, joined by AND"
_NUMBERS: Final[Mapping[str, Callable[[int, int], bool]]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


class Condition(NamedTuple):
    """One condition. key: `NAME`, `NUMBER`, or ``tags.`` and the tag's key. sign: in capital letters."""

    key: str
    sign: str
    value: str

    def holds(self, found: str | None) -> bool:
        """Whether it holds of a value; None is that of a tag that is not there, of which no condition holds but ``!=``."""
        if found is None:
            return self.sign == "!="
        if self.key == NUMBER:
            return _NUMBERS[self.sign](int(found), int(self.value))
        if self.sign in ("=", "!="):
            return (found == self.value) is (self.sign == "=")
        if self.sign == "ILIKE":
            return is_like(found.lower(), self.value.lower())
        return is_like(found, self.value)


def parse(text: str | None) -> tuple[Condition, ...]:
    """The conditions of a filter, none of an empty one. Raises InvalidInput for all that is not understood."""
    text = (text or "").strip()
    if len(text) > LONGEST:
        raise InvalidInput(f"the filter has more than {LONGEST:,} characters", hint="ask for less at once")
    found: list[Condition] = []
    at = 0
    while at < len(text):
        if found:
            join = _AND.match(text, at)
            if join is None:
                raise _no_filter(text[at:])
            at = join.end()
        match = _CONDITION.match(text, at)
        if match is None:
            raise _no_filter(text[at:])
        found.append(_condition(match))
        at = match.end()
    return tuple(found)


def is_like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern of SQL: ``%`` stands for any characters, ``_`` for one.

    Of a very long text the beginning counts.
    """
    text = text[:LOOKED_AT]
    first, *rest = (re.escape(part).replace("_", ".") for part in pattern.split("%"))
    if not rest:
        return re.fullmatch(first, text, re.DOTALL) is not None
    begin = re.match(first, text, re.DOTALL)
    if begin is None:
        return False
    at = begin.end()
    for part in rest[:-1]:  # the first place will do: what comes after has the most room then
        found = re.compile(part, re.DOTALL).search(text, at)
        if found is None:
            return False
        at = found.end()
    # What a part matches is as long as it is written, so its end is known.
    last = len(pattern.rpartition("%")[2])
    return len(text) - last >= at and re.fullmatch(rest[-1], text[len(text) - last :], re.DOTALL) is not None


def _condition(match: re.Match[str]) -> Condition:
    tag = match["tick"] or match["quote"] or match["tag"]
    key, sign = f"{TAG}{tag}" if tag else match["attribute"].lower(), match["sign"].upper()
    number = match["number"]
    if not tag and key not in (NAME, NUMBER):
        raise InvalidInput(f"prompts cannot be searched by {show(key)}", hint=_HINT)
    if (
        (key == NUMBER) is (number is None)
        or (key != NUMBER and sign[0] in "<>")
        or (key == NUMBER and sign[-1] == "E")
    ):
        raise _no_filter(match[0])
    value = number if number is not None else match["one"] if match["one"] is not None else match["two"]
    if sign[-1] == "E" and len(value) > PATTERN:
        raise InvalidInput(f"{sign} takes at most {PATTERN} characters", hint="compare with less, or with =")
    return Condition(key, sign, value)


def _no_filter(text: str) -> InvalidInput:
    return InvalidInput(f"the filter is not understood at {show(text[:80])}", hint=_HINT)
