"""Records of what is published, served and yanked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pinset.domain.records.base import (
    FORMAT,
    MAIN_REF,
    REGISTRY_FILE,
    Stamp,
    Version,
    alias_ref,
    component_ref,
    evidence_ref,
    release_ref,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundingRecord:
    """The registry was made, or moved house: its identity and the epoch that begins here.

    key: the public key that it signs with from this commit on, where it begins with one. key_name: what that is called.
    """

    stamp: Stamp
    registry_id: str
    epoch: int
    reason: str = ""
    key: str | None = None
    key_name: str | None = None

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
    findings that were overridden, with ``allow_reason``. made_from: the release that the registry made it from, with
    ``made_from_digest``; None where its author sent all of it.
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
    made_from: Version | None = None
    made_from_digest: str | None = None

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return release_ref(self.bundle)

    @property
    def which(self) -> Version:
        """The release."""
        return Version(self.bundle, self.version)


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

    @property
    def which(self) -> Version:
        """The version of the component."""
        return Version(f"{self.kind}/{self.name}", self.version)


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
    that this rollback left behind. again: the move lifted a bar. policy: number of the policy that was in force, None
    before there was one. request: number of the promotion request that it fulfils. glass: its gates were broken.
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
    policy: int | None = None
    request: int | None = None
    glass: bool = False

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
