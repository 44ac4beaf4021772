"""Results that promptfoo writes as JSON (``promptfoo eval -o results.json``; summaries of version 1, 2 and 3).

The file holds the summary under ``results``; programs that call promptfoo may write the summary alone. A row is one
test case with one prompt and one provider. The whole is the part of rows that passed; a named metric of the assertions
is a suite of its own, whose score is the mean of what the rows say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.evidence.model import Reading, Suite, dicts, mean, number_of, share, slug, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

_TOOL = "promptfoo"


def read(value: Any) -> Reading | None:
    """A report of promptfoo; None where it is none. Raises InvalidInput for one that is cut off or empty."""
    if not isinstance(value, dict):
        return None
    inner = value.get("results")
    summary: Mapping[str, Any] = inner if isinstance(inner, dict) else value
    if not isinstance(summary.get("stats"), dict) or not isinstance(summary.get("results"), list):
        return None
    rows = dicts(summary["results"])
    _check(summary["stats"], rows)
    failed = sum(not _passed(row) for row in rows)
    config = value.get("config")
    named = slug(config.get("description")) if isinstance(config, dict) else ""
    whole = Suite(
        name=named or _TOOL, score=share(len(rows) - failed, len(rows)), passed=failed == 0, cases=len(rows),
        failed=failed,
    )  # fmt: skip
    return Reading(tool=_tool(value), whole=whole, parts=_metrics(rows), warnings=_warnings(rows))


def _check(stats: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    counts = [stats.get(key, 0) for key in ("successes", "failures", "errors")]
    counted = sum(count for count in counts if isinstance(count, int))
    if not rows:
        raise unreadable(_TOOL, "lists no results", "write it with: promptfoo eval -o results.json")
    if counted != len(rows):
        raise unreadable(_TOOL, f"counts {counted} results and lists {len(rows)}")
    if any(not isinstance(row.get("success"), bool) for row in rows):
        raise unreadable(_TOOL, "has a result that does not say whether it passed")


def _passed(row: Mapping[str, Any]) -> bool:
    # One that could not be run has an error, whatever else it says; failureReason 1 is an assertion, 2 an error.
    return row["success"] is True and row.get("failureReason", 0) != 2


def _tool(value: Mapping[str, Any]) -> str:
    metadata = value.get("metadata")
    version = metadata.get("promptfooVersion") if isinstance(metadata, dict) else None
    return f"{_TOOL} {version[:40]}" if isinstance(version, str) and version else _TOOL


def _metrics(rows: Sequence[Mapping[str, Any]]) -> tuple[Suite, ...]:
    scores: dict[str, list[Decimal]] = {}
    failed: dict[str, int] = {}
    known: set[str] = set()
    for row in rows:
        named = row.get("namedScores")
        for metric, score in named.items() if isinstance(named, dict) else ():
            number, name = number_of(score), slug(metric)
            if number is not None and name:
                scores.setdefault(name, []).append(number)
        verdicts = _verdicts(row)
        known.update(verdicts)
        for name, passed in verdicts.items():
            failed[name] = failed.get(name, 0) + (not passed)
    return tuple(
        Suite(
            name=name, score=mean(numbers), cases=len(numbers),
            passed=failed[name] == 0 if name in known else None, failed=failed.get(name),
        )
        for name, numbers in sorted(scores.items())
    )  # fmt: skip


def _verdicts(row: Mapping[str, Any]) -> dict[str, bool]:
    """Whether the assertions of each metric passed in one row."""
    grading = row.get("gradingResult")
    found: dict[str, bool] = {}
    for part in dicts(grading.get("componentResults")) if isinstance(grading, dict) else []:
        assertion = part.get("assertion")
        name = slug(assertion.get("metric")) if isinstance(assertion, dict) else ""
        if name:
            found[name] = found.get(name, True) and part.get("pass") is True
    return found


def _warnings(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    seen = {(_key(row.get("promptIdx")) or _key(row.get("prompt")), _key(row.get("provider"))) for row in rows}
    if len(seen) < 2:
        return ()
    return (f"the report is of {len(seen)} pairs of a prompt and a provider, which count together",)


def _key(value: Any) -> str:
    """Which prompt or provider it is, as text."""
    if isinstance(value, dict):
        value = value.get("id") or value.get("label") or value.get("raw")
    return "" if value is None else str(value)
