"""The kinds of records of trust, to keys and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.domain.messages.text import format_time, number, one_line, optional, parse_time
from pinset.domain.records import (
    Aim,
    Binding,
    Decision,
    DecisionRecord,
    PolicyRecord,
    RequestRecord,
    ResultRecord,
    Stamp,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.messages.releases import Described

_YES_NO: Final = {True: "yes", False: "no", None: None}
_PASSED: Final = {"yes": True, "no": False}


def policy(record: PolicyRecord) -> Described:
    """A policy came into force."""
    keys = {
        "Policy": str(record.number),
        "Digest": record.digest,
        "Policy-Request": number(record.request),
        "Break-Glass": "yes" if record.glass else None,
    }
    return f"policy {record.number}", record.reason, keys


def build_policy(stamp: Stamp, keys: Mapping[str, str], words: str) -> PolicyRecord:
    """The inverse of `policy`."""
    return PolicyRecord(
        stamp=stamp,
        number=int(keys["Policy"]),
        digest=keys["Digest"],
        request=optional(keys, "Policy-Request"),
        reason=words,
        glass="Break-Glass" in keys,
    )


def result(record: ResultRecord) -> Described:
    """A release was evaluated."""
    score = f": {record.score}" if record.score is not None else ""
    return (
        f"result {record.bundle} v{record.version} {one_line(record.suite)}{score}",
        record.reason,
        {
            "Bundle": record.bundle,
            "Version": str(record.version),
            "Digest": record.digest,
            "Suite": one_line(record.suite),
            "Score": record.score,
            "Threshold": record.threshold,
            "Passed": _YES_NO[record.passed],
            "Report": record.report,
            "Tool": one_line(record.tool) if record.tool is not None else None,
            "Cases": number(record.cases),
            "Failed": number(record.failed),
            "Signer": record.signer,
            "Signature": record.signature,
        },
    )


def build_result(stamp: Stamp, keys: Mapping[str, str], words: str) -> ResultRecord:
    """The inverse of `result`."""
    return ResultRecord(
        stamp=stamp,
        bundle=keys["Bundle"],
        version=int(keys["Version"]),
        digest=keys["Digest"],
        suite=keys["Suite"],
        score=keys.get("Score"),
        threshold=keys.get("Threshold"),
        passed=_PASSED[keys["Passed"]] if "Passed" in keys else None,
        report=keys.get("Report"),
        tool=keys.get("Tool"),
        cases=optional(keys, "Cases"),
        failed=optional(keys, "Failed"),
        signer=keys.get("Signer"),
        signature=keys.get("Signature"),
        reason=words,
    )


def request(record: RequestRecord) -> Described:
    """A promotion was asked for that needs approvals."""
    return (
        f"request {record.number}: {_told(record.binding)}",
        record.reason,
        {
            "Number": str(record.number),
            **_bound(record.binding),
            "Expires": format_time(record.expires_at),
            "Again": "yes" if record.again else None,
        },
    )


def build_request(stamp: Stamp, keys: Mapping[str, str], words: str) -> RequestRecord:
    """The inverse of `request`."""
    return RequestRecord(
        stamp=stamp,
        number=int(keys["Number"]),
        binding=_binding(keys),
        expires_at=parse_time(keys["Expires"]),
        again="Again" in keys,
        reason=words,
    )


def decision(record: DecisionRecord) -> Described:
    """Something was decided about a request."""
    return (
        f"{record.decision} request {record.number}: {_told(record.binding)}",
        record.reason,
        {"Number": str(record.number), "Decision": record.decision.value, **_bound(record.binding)},
    )


def build_decision(stamp: Stamp, keys: Mapping[str, str], words: str) -> DecisionRecord:
    """The inverse of `decision`."""
    return DecisionRecord(
        stamp=stamp,
        number=int(keys["Number"]),
        decision=Decision(keys["Decision"]),
        binding=_binding(keys),
        reason=words,
    )


def _told(binding: Binding) -> str:
    if binding.aim is Aim.POLICY:
        return f"policy {binding.policy + 1}"
    to = f" v{binding.to_version}" if binding.to_version else ""
    return f"{binding.aim} {binding.bundle}@{binding.alias}{to}"


def _bound(binding: Binding) -> dict[str, str | None]:
    return {
        "Aim": binding.aim.value,
        "Bundle": binding.bundle or None,
        "Alias": binding.alias or None,
        "From": number(binding.from_version),
        "From-Seq": str(binding.from_seq),
        "To": number(binding.to_version),
        "Digest": binding.digest,
        "Policy": str(binding.policy),
    }


def _binding(keys: Mapping[str, str]) -> Binding:
    return Binding(
        aim=Aim(keys["Aim"]),
        bundle=keys.get("Bundle", ""),
        alias=keys.get("Alias", ""),
        from_version=optional(keys, "From"),
        from_seq=int(keys["From-Seq"]),
        to_version=optional(keys, "To"),
        digest=keys.get("Digest"),
        policy=int(keys["Policy"]),
    )
