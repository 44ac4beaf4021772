"""Results: what is recorded of a report and of what is said beside it. The same for who signs it and who records it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pinset.domain.evidence.model import Suite, decimal_text, judged, suite_name
from pinset.domain.evidence.reader import check_report, choose, read_report
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.evidence.model import Reading


class Results(NamedTuple):
    """The suites to record, what wrote the report (None where nobody knows), and warnings for people."""

    suites: Sequence[Suite]
    tool: str | None = None
    warnings: Sequence[str] = ()


def results_of(
    report: str | None,
    *,
    suite: str | None = None,
    score: str | None = None,
    threshold: str | None = None,
    passed: bool | None = None,
) -> Results:
    """What a report says, and what is said beside it, which counts more.

    Raises InvalidInput where the two do not fit, or nothing is said that can be understood; TooLarge.
    """
    said = _said(suite, score, threshold, passed=passed)
    complete = said is not None and (said.score is not None or said.passed is not None)
    found: Reading | None = None
    if report is not None:
        check_report(report)
        try:
            found = read_report(report)
        except InvalidInput:
            if not complete:
                raise
    if found is None:
        if said is None or not complete:
            what = "the report is of no kind that is known here" if report is not None else "there is no result"
            kinds = "it may be JSON of promptfoo or DeepEval, or JUnit XML; or " if report is not None else ""
            hint = f"{kinds}say it yourself: --suite NAME --score NUMBER, or --passed or --failed"
            raise InvalidInput(what, hint=hint)
        return Results([said])
    if said is None:
        return Results(choose(found, None), found.tool, found.warnings)
    if complete and found.whole is None and said.name not in {one.name for one in found.parts}:
        return Results([said], found.tool, found.warnings)
    (read,) = choose(found, said.name)
    return Results([_overridden(read, said)], found.tool, found.warnings)


def _said(suite: str | None, score: str | None, threshold: str | None, *, passed: bool | None) -> Suite | None:
    """What the caller says themselves; None where they name no suite. Raises InvalidInput where it does not fit."""
    numbers = [
        decimal_text(value, what) if value is not None else None
        for value, what in ((score, "score"), (threshold, "threshold"))
    ]
    reached = judged(numbers[0], numbers[1])
    if passed and reached is False:
        raise _contradiction(*numbers)
    if suite is None:
        if passed is not None or numbers != [None, None]:
            raise InvalidInput("a result is of a suite", hint="say which: --suite NAME")
        return None
    verdict = reached if passed is None else passed
    return Suite(name=suite_name(suite), score=numbers[0], threshold=numbers[1], passed=verdict)


def _overridden(read: Suite, said: Suite) -> Suite:
    """A suite of a report with what is said of it. Raises InvalidInput where the two do not fit."""
    score = said.score if said.score is not None else read.score
    threshold = said.threshold if said.threshold is not None else read.threshold
    numbers = said.score is not None or said.threshold is not None
    reached = judged(score, threshold) if numbers else None
    if said.passed and reached is False:
        raise _contradiction(score, threshold)
    passed = said.passed if said.passed is not None else reached
    if passed is None and said.score is None:
        passed = read.passed
    return replace(read, score=score, threshold=threshold, passed=passed)


def _contradiction(score: str | None, threshold: str | None) -> InvalidInput:
    return InvalidInput(
        f"a score of {score} does not reach {threshold}, and is said to have passed",
        hint="leave one of them out, or correct it",
    )
