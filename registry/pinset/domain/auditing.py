"""The audit log: what is asked of it, where in it somebody is, and the one line by which it is proven later.

The log has two halves. What was done is the commits, by their serials. What was tried and refused, and what changed
tokens only, is rows of the state, by their numbers. A place in the log is one of each.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from pinset.domain.messages import format_time, parse_time
from pinset.domain.names import show
from pinset.errors import InvalidInput

_PLACE: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)
_HEAD: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([1-9][0-9]{0,17}) ([1-9][0-9]{0,17}) ([0-9a-f]{40}) (\S{1,40})",
    re.ASCII,
)


class Outcome(StrEnum):
    """How something ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which items are asked for; '' and None ask for any. since, until: microseconds since 1970, the latter exclusive.

    formerly: other names of the bundle.
    """

    bundle: str = ""
    formerly: tuple[str, ...] = ()
    alias: str = ""
    actor: str = ""
    person: str = ""
    action: str = ""
    outcome: Outcome | None = None
    since: int | None = None
    until: int | None = None


class Place(NamedTuple):
    """A place in the log: the serial of a commit and the number of a row, both exclusive in either direction."""

    serial: int
    number: int

    def __str__(self) -> str:
        return f"{self.serial}.{self.number}"


class Head(NamedTuple):
    """The end of the log, as it is kept elsewhere. at: microseconds since 1970."""

    registry: str
    epoch: int
    serial: int
    commit: str
    at: int

    def __str__(self) -> str:
        return f"{self.registry} {self.epoch} {self.serial} {self.commit} {format_time(self.at)}"


def parse_place(text: str) -> Place:
    """A place as it is written. Raises InvalidInput."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise InvalidInput(
            f"{show(text)} is no place in the audit log", hint="pass what `next` said, or `cursor` of an item"
        )
    return Place(int(match[1]), int(match[2]))


def parse_head(text: str) -> Head:
    """A head as `pinset audit head` printed it. Raises InvalidInput."""
    match = _HEAD.fullmatch(text.strip())
    with suppress(ValueError, OverflowError):
        if match is not None:
            return Head(match[1], int(match[2]), int(match[3]), match[4], parse_time(match[5]))
    raise InvalidInput(
        f"{show(text.strip())} is no head of an audit log",
        hint="give the whole line that `pinset audit head` printed: REGISTRY-ID EPOCH SERIAL COMMIT TIME",
    )
