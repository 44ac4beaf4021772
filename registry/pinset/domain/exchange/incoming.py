"""What comes in from elsewhere: versions of something, each to become a release, and what of them has no place in one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinset.errors import PinsetError


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


THERE: Final = Taken(files={})
"""The content of a version that is here already, and was not read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a bundle is there. names: every name that it had, the oldest first. spelled: see `domain.exchange.spelling`."""

    names: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One version of something.

    name: as it is spelled there. origin: what it is there, the same each time it is read. number: its number there,
    which it keeps. label: where it has none. at: microseconds since 1970, its time there; it is recorded as a claim of
    the source. aliases: what serves it there now. source: further fields of `domain.provenance`.

    problem: why it cannot come in; its content is then not looked at.

    digest: of a version that comes out of a registry of this kind: the files are its sealed form, and ``name`` is the
    bundle's own, or ``kind/name`` of a shared component. about: then, what its bundle is there: see `About`. yanked: why.
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
    source: Mapping[str, Any] = field(default_factory=dict)
    digest: str | None = None
    problem: PinsetError | None = None
    about: About | None = None
    yanked: str | None = None


class Source(Protocol):
    """Where versions come from. system: what kind of place it is, as ``langfuse``."""

    system: str

    def count(self) -> int | None:
        """How many there are, as far as that is known beforehand."""

    def versions(self) -> Iterator[Incoming]:
        """Each version, those of one name together and rising; one is held at a time."""


@runtime_checkable
class Resumable(Source, Protocol):
    """A source that need not read what is here already."""

    def resume(self, known: Callable[[str, str], bool]) -> None:
        """known: whether the version of a name with this origin is here. Of such a one the source may say `THERE`."""
