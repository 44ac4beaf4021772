"""Answers of the audit log."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict


class StoodResult(TypedDict):
    """An evaluation result that was there when an alias moved: the newest of its suite for that release."""

    suite: str
    score: str | None
    threshold: str | None
    passed: bool | None
    serial: int


class StoodApproval(TypedDict):
    """An approval of the request that a move fulfils."""

    person: str
    serial: int


class StoodEvidence(TypedDict):
    """On what a move stood when it was made."""

    results: list[StoodResult]
    approvals: list[StoodApproval]


AuditItem = TypedDict(
    "AuditItem",
    {
        "at": str,
        "outcome": str,
        "action": str,
        "actor": str,
        "person": str,
        "credential": str | None,
        "address": str | None,
        "bundle": str | None,
        "alias": str | None,
        "release": str | None,
        "from": int | None,
        "to": int | None,
        "target": str | None,
        "reason": str,
        "code": str | None,
        "detail": str | None,
        "count": int,
        "serial": int | None,
        "commit": str | None,
        "operation": str | None,
        "policy": int | None,
        "request": int | None,
        "glass": bool,
        "change": str | None,
        "evidence": StoodEvidence | None,
        "details": dict[str, Any],
        "cursor": str,
    },
)
AuditItem.__doc__ = """One thing that was done, or tried and refused. outcome: ``done`` or ``refused``. serial, commit: of what git holds.

person: whose credential it was; the actor where that is not known. credential, address: which one and from where.
release: the reference of what it was about (``support@v3``, ``guardrails/pii@v2``). from, to: the versions that an alias
served before and after. target: the path or name that was asked for. code, detail: of a refusal. count: how many
refusals of a stranger this one tells of. change: what it was written under, together with others. evidence: of a move,
what stood when it was made. cursor: the log goes on
after this item there.
"""


class AuditHeadAnswer(TypedDict):
    """The end of what is done. line: all of it as one line, to be kept elsewhere."""

    registry: str
    epoch: int
    serial: int
    commit: str
    at: str
    line: str


class AuditProblem(TypedDict):
    """One thing that is wrong, and the way out."""

    where: str
    what: str
    hint: str


class AuditProofAnswer(TypedDict):
    """Whether a kept head is in the chain, and everything after it follows.

    verdict: ``holds``; ``purged``, where it holds and was written anew by a purge that is recorded; or what is different
    first: ``another_registry``, ``truncated``, ``lost``, ``rewritten``, ``damaged``. says: the same as a sentence. since:
    how many records there are after it. head: where the log ends now. problems: everything that is wrong.
    """

    ok: bool
    verdict: str
    says: str
    since: int
    kept: AuditHeadAnswer
    head: AuditHeadAnswer
    problems: list[AuditProblem]
