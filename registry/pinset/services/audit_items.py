"""Items of the audit log: what a commit, or a row of the state, says of who did what and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pinset.domain import messages
from pinset.domain.auditing import Outcome
from pinset.domain.records import (
    BundleAction,
    BundleRecord,
    ComponentRecord,
    Decision,
    DecisionRecord,
    EvidenceRecord,
    FoundingRecord,
    KeyRecord,
    MoveRecord,
    PolicyRecord,
    PurgeRecord,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
)
from pinset.services import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinset.domain.answers.audit import AuditHeadAnswer, AuditItem, StoodApproval, StoodEvidence, StoodResult
    from pinset.domain.auditing import Head, Place, Wanted
    from pinset.domain.records import Record
    from pinset.ports.catalog import CatalogReader
    from pinset.ports.state import Attempt

_MOST_EVIDENCE: Final = 100
"""Results and decisions that are looked at for one move."""
_DENIED: Final = "permission_denied"
"""Whose words name all that the credential may."""
_CALLED: Final = {"result": "evidence", "key": "keys", "signature": "sign"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What a record says was done. bundle: '' for what is about the registry."""

    action: str
    bundle: str = ""
    alias: str = ""
    release: str | None = None
    from_version: int | None = None
    to_version: int | None = None
    reason: str = ""
    policy: int | None = None
    request: int | None = None
    glass: bool = False
    details: dict[str, Any] = field(default_factory=dict)


def deed_of(record: Record) -> Deed:
    """What a record says was done."""
    return _DEEDS.get(type(record), _other)(record)


def _founding(record: FoundingRecord) -> Deed:
    first = record.stamp.prev is None
    return Deed(action="init" if first else "epoch", reason=record.reason, details={"epoch": record.epoch})


def _yank(record: EvidenceRecord) -> Deed:
    return Deed(
        action=record.verdict.value,
        bundle=record.bundle,
        release=_release(record.bundle, record.version),
        reason=record.reason,
    )


def _policy(record: PolicyRecord) -> Deed:
    details = {"number": record.number, "digest": record.digest}
    return Deed(action="policy", reason=record.reason, request=record.request, details=details)


def _move(record: MoveRecord) -> Deed:
    told = {"seq": record.seq, "back": record.back, "bars": record.bars, "again": record.again or None}
    return Deed(
        action=record.action.value,
        bundle=record.bundle,
        alias=record.alias,
        release=_release(record.bundle, record.to_version),
        from_version=record.from_version,
        to_version=record.to_version,
        reason=record.reason,
        policy=record.policy,
        request=record.request,
        glass=record.glass,
        details=_said(told),
    )


def _published(record: ReleaseRecord | ComponentRecord) -> Deed:
    release = isinstance(record, ReleaseRecord)
    name = record.bundle if isinstance(record, ReleaseRecord) else f"{record.kind}/{record.name}"
    told = {"label": record.label, "digest": record.digest, "allowed": list(record.allowed) or None}
    return Deed(
        action="publish" if release else "component",
        bundle=name if release else "",
        release=f"{name}@v{record.version}",
        reason=record.message,
        details=_said(told),
    )


def _result(record: ResultRecord) -> Deed:
    told = {
        "suite": record.suite,
        "score": record.score,
        "threshold": record.threshold,
        "passed": record.passed,
        "report": record.report,
        "tool": record.tool,
    }
    return Deed(
        action="evidence",
        bundle=record.bundle,
        release=f"{record.bundle}@v{record.version}",
        reason=record.reason,
        details=_said(told),
    )


def _asked(record: RequestRecord | DecisionRecord) -> Deed:
    binding = record.binding
    return Deed(
        action="request" if isinstance(record, RequestRecord) else record.decision.value,
        bundle=binding.bundle,
        alias=binding.alias,
        release=_release(binding.bundle, binding.to_version),
        from_version=binding.from_version,
        to_version=binding.to_version,
        reason=record.reason,
        policy=binding.policy or None,
        request=record.number,
        details={"aim": binding.aim.value},
    )


def _key(record: KeyRecord) -> Deed:
    told = {"name": record.name, "purpose": record.purpose.value, "compromised": record.compromised or None}
    return Deed(action="keys", reason=record.reason, details=_said({**told, "change": record.action.value}))


def _bundle(record: BundleRecord) -> Deed:
    told = {"owner": record.owner, "description": record.description, "archived": record.archived}
    return Deed(
        action="bundle" if record.action is BundleAction.SET else record.action.value,
        bundle=record.bundle,
        reason=record.reason,
        # Spellings only where there are any: items of before go on to say what they said.
        details={"name": record.name, **({"names": list(record.names)} if record.names else {}), **told},
    )


def _purge(record: PurgeRecord) -> Deed:
    details = {"purged": list(record.purged), "first": record.first, "head": record.head}
    return Deed(action="purge", reason=record.reason, details=details)


def _other(record: Record) -> Deed:
    """Of a kind that has no words of its own here: what it is called, and about which bundle and alias it is."""
    kind = messages.kind_of(record)
    return Deed(
        action=_CALLED.get(kind, kind),
        bundle=getattr(record, "bundle", "") or "",
        alias=getattr(record, "alias", "") or "",
        release=_release(getattr(record, "bundle", ""), getattr(record, "version", None)),
        reason=getattr(record, "reason", ""),
    )


_DEEDS: Final[Mapping[type[Record], Callable[[Any], Deed]]] = {
    BundleRecord: _bundle,
    MoveRecord: _move,
    FoundingRecord: _founding,
    ReleaseRecord: _published,
    ComponentRecord: _published,
    EvidenceRecord: _yank,
    PolicyRecord: _policy,
    PurgeRecord: _purge,
    ResultRecord: _result,
    RequestRecord: _asked,
    DecisionRecord: _asked,
    KeyRecord: _key,
}


def fits(record: Record, deed: Deed, wanted: Wanted) -> bool:
    """Whether what a record says is asked for; its time is not looked at."""
    told = (
        (wanted.bundle, deed.bundle),
        (wanted.alias, deed.alias),
        (wanted.action, deed.action),
        (wanted.actor, record.stamp.actor),
        (wanted.person, record.stamp.who),
    )
    return all(asked in ("", said) for asked, said in told)


def done_item(reader: CatalogReader, commit: str, record: Record, deed: Deed, place: Place) -> AuditItem:
    """What a commit says, as an item."""
    stamp = record.stamp
    via, _, address = (stamp.via or "").partition(" ")
    return {
        "at": reading.time(stamp.at),
        "outcome": Outcome.DONE.value,
        "action": deed.action,
        "actor": stamp.actor,
        "person": stamp.who,
        "credential": via or None,
        "address": address or None,
        "bundle": deed.bundle or None,
        "alias": deed.alias or None,
        "release": deed.release,
        "from": deed.from_version,
        "to": deed.to_version,
        "target": None,
        "reason": deed.reason,
        "code": None,
        "detail": None,
        "count": 1,
        "serial": stamp.serial,
        "commit": commit,
        "operation": stamp.operation or None,
        "policy": deed.policy,
        "request": deed.request,
        "glass": deed.glass,
        "change": stamp.change,
        "evidence": _stood(reader, record) if isinstance(record, MoveRecord) else None,
        "details": deed.details,
        "cursor": str(place),
    }


def row_item(row: Attempt, place: Place, *, whole: bool = True) -> AuditItem:
    """What a row of the state says, as an item. whole: to who may audit everything, and may read of other bundles."""
    details = dict(row.details)
    reason, reference = details.pop("reason", ""), details.get("reference")
    return {
        "at": reading.time(row.at),
        "outcome": row.outcome.value,
        "action": row.action,
        "actor": row.actor,
        "person": row.person or row.actor,
        "credential": row.via or None,
        "address": row.address or None,
        "bundle": row.bundle or None,
        "alias": row.alias or None,
        "release": reference if isinstance(reference, str) else None,
        "from": details.pop("from_version", None),
        "to": details.pop("to_version", None),
        "target": row.target or None,
        "reason": reason if isinstance(reason, str) else "",
        "code": row.code or None,
        "detail": (row.detail or None) if whole or row.code != _DENIED else None,
        "count": row.count,
        "serial": None,
        "commit": None,
        "operation": None,
        "policy": None,
        "request": None,
        "glass": False,
        "change": None,
        "evidence": None,
        "details": details,
        "cursor": str(place),
    }


def head_answer(head: Head) -> AuditHeadAnswer:
    """A head as answers have it."""
    return {
        "registry": head.registry,
        "epoch": head.epoch,
        "serial": head.serial,
        "commit": head.commit,
        "at": reading.time(head.at),
        "line": str(head),
    }


def _stood(reader: CatalogReader, move: MoveRecord) -> StoodEvidence:
    """The results of the release and the approvals of the request that there were when an alias moved."""
    serial = move.stamp.serial
    results: dict[str, StoodResult] = {}
    if move.to_version is not None:
        found = reader.notes(
            ["result"], bundle=move.bundle, version=move.to_version, before=serial, limit=_MOST_EVIDENCE
        )
        for _, record in found:
            if isinstance(record, ResultRecord):
                results.setdefault(record.suite, _stood_result(record))
    approvals: dict[str, StoodApproval] = {}
    if move.request is not None:
        decided = reader.notes(["decision"], number=move.request, before=serial, limit=_MOST_EVIDENCE)
        for _, record in decided:
            if isinstance(record, DecisionRecord) and record.decision is Decision.APPROVE:
                who = record.stamp.who
                approvals.setdefault(who, {"person": who, "serial": record.stamp.serial})
    return {
        "results": sorted(results.values(), key=lambda one: one["suite"]),
        "approvals": sorted(approvals.values(), key=lambda one: one["serial"]),
    }


def _stood_result(record: ResultRecord) -> StoodResult:
    return {
        "suite": record.suite,
        "score": record.score,
        "threshold": record.threshold,
        "passed": record.passed,
        "serial": record.stamp.serial,
    }


def _release(bundle: str, version: int | None) -> str | None:
    return f"{bundle}@v{version}" if bundle and version is not None else None


def _said(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
