"""Records: what the registry has done, one commit each.

A record is everything a commit of the registry says. Git holds it as a message (`pinset.domain.messages`), the
catalog as rows; both are made from these classes, so neither can say more than the other.

Every record carries a `Stamp`. Serials are registry-wide and rise by one; ``prev`` is the commit of the serial
before; times rise with the serials.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAIN_REF: Final = "refs/heads/main"
ROOT: Final = "root"
"""As a parent: the one constant, empty commit on which every chain of moves begins."""
REGISTRY_FILE: Final = "registry.yaml"
"""The file of a founding commit, for people who look at the branch `main`."""
FORMAT: Final = 1
"""The format of commits, sealed manifests and components that this program writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When, by whom and as which write something happened.

    serial: the registry's write counter. prev: commit id of the serial before, None for the first.
    at: microseconds since 1970, UTC. actor: who, as the registry knows them. operation: id of the write, the same
    for all commits of one write. request: fingerprint of the request an Idempotency-Key came with, else None.
    """

    serial: int
    prev: str | None
    at: int
    actor: str
    operation: str
    request: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundingRecord:
    """The registry was made, or moved house: its identity and the epoch that begins here."""

    stamp: Stamp
    registry_id: str
    epoch: int
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return MAIN_REF

    @property
    def files(self) -> dict[str, str]:
        """What the commit's tree holds."""
        return {REGISTRY_FILE: f"format: {FORMAT}\nid: {self.registry_id}\nepoch: {self.epoch}\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release was published.

    rollback_to: number of the release that the manifest declares, where it existed then. allowed: codes of the
    findings that were overridden, with ``allow_reason``.
    """

    stamp: Stamp
    bundle: str
    version: int
    label: str | None
    digest: str
    message: str = ""
    source: str | None = None
    rollback_to: int | None = None
    allowed: tuple[str, ...] = ()
    allow_reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return release_ref(self.bundle)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRecord:
    """A version of a shared component was published."""

    stamp: Stamp
    kind: str
    name: str
    version: int
    label: str | None
    digest: str
    message: str = ""
    allowed: tuple[str, ...] = ()
    allow_reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return component_ref(self.kind, self.name)


class Action(StrEnum):
    """What a move was."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveRecord:
    """An alias was moved.

    seq: the alias's move counter, from 1. from_version, to_version: None where it served or serves nothing.
    back: the seq a rollback of this move would return to, None where there is nothing behind. bars: the version
    that this rollback left behind. again: the move lifted a bar.
    """

    stamp: Stamp
    bundle: str
    alias: str
    seq: int
    action: Action
    from_version: int | None
    to_version: int | None
    back: int | None
    reason: str = ""
    bars: int | None = None
    again: bool = False

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return alias_ref(self.bundle, self.alias)


class Verdict(StrEnum):
    """What an evidence record says of a release."""

    YANK = "yank"
    UNYANK = "unyank"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """Something was recorded about a release after it was published."""

    stamp: Stamp
    bundle: str
    version: int
    verdict: Verdict
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return evidence_ref(self.bundle)


Record = FoundingRecord | ReleaseRecord | ComponentRecord | MoveRecord | EvidenceRecord


def release_ref(bundle: str) -> str:
    """The branch of a bundle's releases."""
    return f"refs/heads/releases/{bundle}"


def alias_ref(bundle: str, alias: str) -> str:
    """The branch of an alias's moves."""
    return f"refs/heads/aliases/{bundle}/{alias}"


def component_ref(kind: str, name: str) -> str:
    """The branch of a shared component's versions."""
    return f"refs/heads/components/{kind}/{name}"


def evidence_ref(bundle: str) -> str:
    """The branch of what was recorded about a bundle's releases."""
    return f"refs/heads/evidence/{bundle}"
