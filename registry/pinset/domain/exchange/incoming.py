"""What comes in from elsewhere: versions of something, each to become a release, and what of them has no place in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Something that has no place in a release, or not as it was.

    what: where it was, as ``config.frequency_penalty``. why: a sentence.
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a payload, or a file, comes to.

    files: the author's files by path, ``release.yaml`` among them; the bundle's name is not in it.
    """

    files: Mapping[str, str]
    lost: tuple[Lost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One version of something.

    name: as it is spelled there. origin: what it is there, the same each time it is read. number: its number there,
    which it keeps. label: where it has none. at: microseconds since 1970, its time there; it is recorded as a claim of
    the source. aliases: what serves it there now.
    """

    name: str
    taken: Taken
    origin: str
    number: int | None = None
    label: str | None = None
    message: str = ""
    at: int | None = None
    authors: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


class Source(Protocol):
    """Where versions come from. system: what kind of place it is, as ``langfuse``."""

    system: str

    def count(self) -> int | None:
        """How many there are, as far as that is known beforehand."""

    def versions(self) -> Iterator[Incoming]:
        """Each version, those of one name together and rising; one is held at a time."""
