"""What goes into the catalog and what it answers with: plain rows, the same on every engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.records import ComponentRecord, MoveRecord, PurgeRecord, Record, ReleaseRecord
    from pinset.ports.store import RefMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One commit on its way into the catalog. files: for releases and components every text by path, else empty.

    head: what the commit says before its message.
    """

    commit: str
    record: Record
    files: Mapping[str, str]
    head: str = ""


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is about to move refs; all its objects are durable already.

    rewrites: the refs go to a history that was written anew, so that the catalog is made anew too, not added to.
    """

    operation: str
    moves: tuple[RefMove, ...]
    rewrites: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest write of the registry, and which registry it is. ``serial`` is what readers see."""

    registry_id: str
    epoch: int
    serial: int
    commit: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRow:
    """A release as the catalog has it. yanked: the reason, None while it is not yanked. purged: by what, None else.

    raw: the commit's own text.
    """

    record: ReleaseRecord
    commit: str
    yanked: str | None
    purged: PurgeRecord | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRow:
    """A version of a shared component as the catalog has it."""

    record: ComponentRecord
    commit: str
    purged: PurgeRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRow:
    """A move as the catalog has it. ``commit`` is the alias's revision after it. raw: the commit's own text."""

    record: MoveRecord
    commit: str
    raw: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """A bundle: how many releases, its newest version and the last change to any of it (microseconds).

    name: what it is called. key: what it was called first, which is what all else here knows it by. names: its spellings.
    """

    key: str
    name: str
    releases: int
    newest: int
    changed_at: int
    names: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """What a bundle that was renamed is called. key: its first name. since: every name, and the serial that gave it.

    The names are in the order in which they came; the first name's serial proves nothing.
    """

    key: str
    name: str
    since: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of a bundle at some time. names: its spellings."""

    names: tuple[str, ...] = ()
    owner: str = ""
    description: str = ""
    archived: bool = False


class Serving(NamedTuple):
    """What an alias of a bundle (by its first name) serves, since when (microseconds), and why that is yanked."""

    bundle: str
    alias: str
    version: int | None
    at: int
    yanked: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """A release that holds a shared component, its serial, and the aliases that serve it now."""

    kind: str
    name: str
    component_version: int
    bundle: str
    version: int
    serial: int
    aliases: tuple[str, ...]


class Holder(NamedTuple):
    """A release of a bundle, and the version of a shared component that it holds."""

    bundle: str
    version: int
    held: int


class ChangeRow(NamedTuple):
    """A change, as far as it may be seen: how many bundles and commits, its first serial and its last."""

    name: str
    bundles: int
    commits: int
    first: int
    last: int


class Passage(NamedTuple):
    """A text that was searched. key: a bundle, or ``kind/name``. path: None for the label and message of a version.

    number: rises with the time at which it was first published. version: the oldest that holds it.
    """

    number: int
    key: str
    path: str | None
    sha256: str
    version: int
