"""Records of keys, and of signatures made with them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pinset.domain.records.base import MAIN_REF, Stamp, evidence_ref


class Purpose(StrEnum):
    """What a key is for: the registry's own commits, its authors' releases, or evidence."""

    REGISTRY = "registry"
    AUTHOR = "author"
    EVIDENCE = "evidence"


class KeyAction(StrEnum):
    """What happened to a key."""

    ADD = "add"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A public key is known from here on, or counts no more.

    public: as OpenSSH writes it, without a comment. key_person: whose it is; None for the registry's. epoch: the
    registry's, told with its own keys only. compromised: with a retirement, nothing that it signed counts any more.
    """

    stamp: Stamp
    name: str
    purpose: Purpose
    public: str
    action: KeyAction
    key_person: str | None = None
    epoch: int | None = None
    compromised: bool = False
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return MAIN_REF


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureRecord:
    """A release was signed by an author. key: the name of the key. signature: base64 of what ``ssh-keygen -Y sign`` makes."""

    stamp: Stamp
    bundle: str
    version: int
    digest: str
    key: str
    signature: str

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return evidence_ref(self.bundle)
