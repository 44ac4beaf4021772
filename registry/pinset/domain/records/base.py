"""The stamp that every record carries, and the names of the branches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

MAIN_REF: Final = "refs/heads/main"
PROPOSALS_REF: Final = "refs/heads/proposals"
"""The branch of policies that were proposed, and of what was decided about them."""
ROOT: Final = "root"
"""As a parent: the one constant, empty commit on which every chain of moves begins."""
REGISTRY_FILE: Final = "registry.yaml"
"""The file of a founding commit, for people who look at the branch `main`."""
POLICY_FILE: Final = "policy.yaml"
"""The file of the policy on the branch `main`."""
KEYS_FILE: Final = "allowed_signers"
"""The file of the keys on the branch `main`, as OpenSSH reads it."""
FORMAT: Final = 1
"""The format of commits, sealed manifests and components that this program writes."""
_VERSION: Final = re.compile(r"([a-z0-9._-]+(?:/[a-z0-9._-]+)?)@v([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """When, by whom and as which write something happened.

    serial: the registry's write counter. prev: commit id of the serial before, None for the first.
    at: microseconds since 1970, UTC. actor: who, as the registry knows them. operation: id of the write, the same
    for all commits of one write. request: fingerprint of the request an Idempotency-Key came with, else None.
    person: whose credential it was, None where that is the actor. via: which credential and from where. registry: the
    id of the registry that wrote it; None in commits of before there were signatures. change: what many writes that
    belong together are called, None for a write of its own.
    """

    serial: int
    prev: str | None
    at: int
    actor: str
    operation: str
    request: str | None = None
    person: str | None = None
    via: str | None = None
    registry: str | None = None
    change: str | None = None

    @property
    def who(self) -> str:
        """The person: of two credentials of one person it is the same."""
        return self.person or self.actor


class Version(NamedTuple):
    """A release, or a version of a shared component. name: a bundle, or ``kind/name``."""

    name: str
    number: int

    @classmethod
    def parse(cls, text: str) -> Version:
        """The inverse of `str`. ValueError for anything else."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} names no version")
        return cls(match[1], int(match[2]))

    def __str__(self) -> str:
        return f"{self.name}@v{self.number}"


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


def bundle_ref(bundle: str) -> str:
    """The branch of what is said of a bundle itself."""
    return f"refs/heads/bundles/{bundle}"


def evidence_or_proposals_ref(bundle: str) -> str:
    """The branch of requests: a bundle's evidence, or, for a request that is about the policy, that of proposals."""
    return evidence_ref(bundle) if bundle else PROPOSALS_REF
