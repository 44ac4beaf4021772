"""Results as anybody can write them: ``{"suite": …, "score": …, "threshold": …, "passed": …}``, or a list of such."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from pinset.domain.evidence.model import Reading, Suite, decimal_text, judged, suite_name
from pinset.domain.names import show
from pinset.errors import InvalidInput

_KNOWN: Final = frozenset({"suite", "score", "threshold", "passed", "cases", "failed"})


def read(value: Any) -> Reading | None:
    """Plain results; None where it is none. Raises InvalidInput for one that says too little, or something unknown."""
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) and "suite" in item for item in items):
        return None
    suites = tuple(_suite(item) for item in items)
    doubled, count = Counter(suite.name for suite in suites).most_common(1)[0]
    if count > 1:
        raise InvalidInput(f"the report has the suite {doubled} twice", hint="give each suite once")
    return Reading(tool=None, whole=suites[0]) if len(suites) == 1 else Reading(tool=None, parts=suites)


def _suite(item: dict[str, Any]) -> Suite:
    if not isinstance(item["suite"], str):
        raise InvalidInput(f"{show(item['suite'], 40)} is no suite", hint="a suite is a name such as groundedness")
    name = suite_name(item["suite"])
    unknown = sorted(item.keys() - _KNOWN)
    if unknown:
        raise InvalidInput(f"the suite {name} has the unknown key {show(unknown[0])}", hint=f"it takes {_keys()}")
    score, threshold = (
        decimal_text(item[key], key) if item.get(key) is not None else None for key in ("score", "threshold")
    )
    passed = item.get("passed")
    if passed is not None and not isinstance(passed, bool):
        raise InvalidInput(f"passed of the suite {name} is {show(passed, 40)}", hint="write true or false")
    if score is None and passed is None:
        raise InvalidInput(f"the suite {name} has neither score nor passed", hint="give one of them")
    counts = [_count(item.get(key), key) for key in ("cases", "failed")]
    return Suite(
        name=name, score=score, threshold=threshold, passed=judged(score, threshold) if passed is None else passed,
        cases=counts[0], failed=counts[1],
    )  # fmt: skip


def _count(value: Any, key: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**12:
        raise InvalidInput(f"{show(value, 40)} is no number of {key}", hint="give a whole number")
    return value


def _keys() -> str:
    return ", ".join(sorted(_KNOWN))
