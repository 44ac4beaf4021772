"""Results that DeepEval writes as JSON: what DEEPEVAL_RESULTS_FOLDER gets, its latest test run, and a dump of `evaluate`.

Names differ over the versions: ``testCases`` or ``test_cases`` or ``test_results``; ``metricsData`` or, before,
``metricsMetadata``; ``threshold`` or, before, ``minimumScore``. Each metric is a suite whose score is the mean over the
cases; it passed where it passed in every case. A metric that is marked flaky decides nothing, as in DeepEval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.evidence.model import Reading, Suite, dicts, mean, number_of, share, slug, text_of, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_TOOL: Final = "deepeval"
_CASES: Final = (
    "testCases", "test_cases", "conversationalTestCases", "conversational_test_cases", "test_results",
)  # fmt: skip
_METRICS: Final = ("metricsData", "metrics_data", "metricsMetadata", "metrics_metadata")


def read(value: Any) -> Reading | None:
    """A report of DeepEval; None where it is none. Raises InvalidInput for one without results."""
    if not isinstance(value, dict):
        return None
    inner = value.get("testRunData")
    body: Mapping[str, Any] = inner if isinstance(inner, dict) else value
    if not any(isinstance(body.get(key), list) for key in _CASES):
        return None
    cases = [case for key in _CASES for case in dicts(body.get(key))]
    judged = [(case, _metrics(case)) for case in cases]
    if not any(metrics for _, metrics in judged):
        raise unreadable(_TOOL, "has no case that a metric judged")
    failed = sum(not _case_passed(case, metrics) for case, metrics in judged)
    whole = Suite(
        name=slug(body.get("identifier")) or _TOOL, score=share(len(cases) - failed, len(cases)), passed=failed == 0,
        cases=len(cases), failed=failed,
    )  # fmt: skip
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for _, metrics in judged:
        for metric in metrics:
            by_name.setdefault(slug(_first(metric, "name", "metric")), []).append(metric)
    parts = tuple(_suite(name, found) for name, found in sorted(by_name.items()) if name)
    version = value.get("deepevalVersion")
    tool = f"{_TOOL} {version[:40]}" if isinstance(version, str) and version else _TOOL
    return Reading(tool=tool, whole=whole, parts=parts)


def _metrics(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = _first(case, *_METRICS)
    return [metric for metric in dicts(found) if metric.get("skipped") is not True]


def _suite(name: str, metrics: Sequence[Mapping[str, Any]]) -> Suite:
    scores = [number for number in (number_of(metric.get("score")) for metric in metrics) if number is not None]
    thresholds = {number_of(_threshold(metric)) for metric in metrics}
    only = next(iter(thresholds)) if len(thresholds) == 1 else None
    failed = sum(not _passed(metric) for metric in metrics)
    decides = any(metric.get("flaky") is not True for metric in metrics)
    return Suite(
        name=name, score=mean(scores), threshold=text_of(only) if only is not None else None,
        passed=failed == 0 if decides else None, cases=len(metrics), failed=failed,
    )  # fmt: skip


def _case_passed(case: Mapping[str, Any], metrics: Iterable[Mapping[str, Any]]) -> bool:
    told = case.get("success")
    deciding = [metric for metric in metrics if metric.get("flaky") is not True]
    # A case that says it passed, and holds a metric that failed, is not believed.
    return told is not False and all(_passed(metric) for metric in deciding) and (told is True or bool(deciding))


def _passed(metric: Mapping[str, Any]) -> bool:
    told, score, threshold = metric.get("success"), number_of(metric.get("score")), number_of(_threshold(metric))
    if metric.get("error"):
        return False
    if isinstance(told, bool):
        return told  # of some metrics the lower score is the better
    return score is not None and threshold is not None and score >= threshold


def _threshold(metric: Mapping[str, Any]) -> Any:
    return _first(metric, "threshold", "minimumScore", "minimum_score")


def _first(found: Mapping[str, Any], *keys: str) -> Any:
    """What the first key holds that is there and holds something."""
    return next((found[key] for key in keys if found.get(key) is not None), None)
