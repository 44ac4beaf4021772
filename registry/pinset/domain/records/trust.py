"""Records of trust: policies, evidence, requests and what was decided about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pinset.domain.records.base import MAIN_REF, Stamp, evidence_or_proposals_ref, evidence_ref


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """A policy came into force. number: from 1, rising by one. digest: SHA-256 of its text (``sha256:`` and hex).

    request: the request that it fulfils. glass: it came past the rule of the policy before it.
    """

    stamp: Stamp
    number: int
    digest: str
    request: int | None = None
    reason: str = ""
    glass: bool = False

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return MAIN_REF


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRecord:
    """A release was evaluated.

    digest: the release's, to which the result is bound. score, threshold: decimal numbers as text, None where the
    suite gives none. passed: what the suite says of itself. report: SHA-256 of the report's text in the commit's tree
    (``report.json`` or as its reader calls it), None without one. tool: what made the report. cases, failed: how many
    cases there were and how many of them failed, None where that is not told. signer: the name of the key for evidence
    that signed it. signature: base64 of what ``ssh-keygen -Y sign`` makes of its statement.
    """

    stamp: Stamp
    bundle: str
    version: int
    digest: str
    suite: str
    score: str | None
    threshold: str | None
    passed: bool | None
    report: str | None = None
    tool: str | None = None
    cases: int | None = None
    failed: int | None = None
    signer: str | None = None
    signature: str | None = None
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return evidence_ref(self.bundle)


class Aim(StrEnum):
    """What a request asks for."""

    PROMOTE = "promote"
    RETIRE = "retire"
    POLICY = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a request is about; an approval is of exactly this, and dies when any of it changes.

    bundle, alias: '' for a policy. from_seq: the alias's move counter, 0 where it never moved. to_version: None for a
    retirement and a policy. digest: the release's, or of the proposed policy's text. policy: number of the policy in
    force, 0 before there is one.
    """

    aim: Aim
    bundle: str
    alias: str
    from_version: int | None
    from_seq: int
    to_version: int | None
    digest: str | None
    policy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A promotion (or retirement, or change of policy) was asked for that needs approvals.

    number: from 1, counted over the whole registry. expires_at: microseconds since 1970. again: it lifts a bar.
    """

    stamp: Stamp
    number: int
    binding: Binding
    expires_at: int
    again: bool = False
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return evidence_or_proposals_ref(self.binding.bundle)


class Decision(StrEnum):
    """What was decided about a request."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """Somebody approved a request, rejected it, or took it back. binding: what they had before their eyes."""

    stamp: Stamp
    number: int
    decision: Decision
    binding: Binding
    reason: str = ""

    @property
    def ref(self) -> str:
        """The branch the commit is on."""
        return evidence_or_proposals_ref(self.binding.bundle)
