"""Reports of evaluations: what each tool's versions write, and what is not believed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pinset.domain.evidence import (
    REPORT_LIMIT,
    Suite,
    choose,
    decimal_text,
    judged,
    read_report,
    results_of,
    suite_name,
)
from pinset.errors import InvalidInput, InvalidName, TooLarge


def reading(value: Any) -> Any:
    found = read_report(value if isinstance(value, str) else json.dumps(value))
    assert found is not None
    return found


def row(*, success: bool = True, test: int = 0, provider: str = "openai:gpt", **more: Any) -> dict[str, Any]:
    return {"success": success, "testIdx": test, "promptIdx": 0, "provider": {"id": provider}, **more}


def summary(*rows: dict[str, Any], **stats: int) -> dict[str, Any]:
    passed = sum(one["success"] is True for one in rows)
    counted = {"successes": passed, "failures": len(rows) - passed, "errors": 0} | stats
    return {"version": 3, "timestamp": "2025-03-14T00:00:00Z", "results": list(rows), "prompts": [], "stats": counted}


def graded(metric: str, score: float, *, passed: bool) -> dict[str, Any]:
    parts = [{"pass": passed, "score": score, "assertion": {"type": "llm-rubric", "metric": metric}}]
    return {"namedScores": {metric: score}, "gradingResult": {"pass": passed, "componentResults": parts}}


# promptfoo


def test_promptfoo_counts_rows_and_gives_each_metric() -> None:
    found = reading({
        "evalId": "e",
        "results": summary(
            row(**graded("Groundedness", 0.9, passed=True)),
            row(test=1, **graded("Groundedness", 0.8, passed=True)),
            row(test=2, success=False, **graded("tone", 0.25, passed=False)),
        ),
        "config": {"description": "Support FAQ (nightly)"},
        "metadata": {"promptfooVersion": "0.117.4"},
    })  # fmt: skip
    assert found.tool == "promptfoo 0.117.4"
    assert found.suites == (
        Suite(name="support-faq-nightly", score="0.666667", passed=False, cases=3, failed=1),
        Suite(name="groundedness", score="0.85", passed=True, cases=2, failed=0),
        Suite(name="tone", score="0.25", passed=False, cases=1, failed=1),
    )
    assert found.warnings == ()


@pytest.mark.parametrize("version", [1, 2, 3])
def test_promptfoo_summaries_alone_are_read_in_every_version(version: int) -> None:
    found = reading({**summary(row(), row(test=1)), "version": version, "table": {"head": {}, "body": []}})
    assert found.suites == (Suite(name="promptfoo", score="1", passed=True, cases=2, failed=0),)


def test_promptfoo_rows_that_could_not_be_run_failed() -> None:
    found = reading({"results": summary(row(), row(test=1, failureReason=2, error="timeout"))})
    assert (found.whole.passed, found.whole.failed) == (False, 1)


def test_promptfoo_results_of_several_models_are_said_to_count_together() -> None:
    found = reading({"results": summary(row(), row(provider="anthropic:claude"))})
    assert found.warnings == ("the report is of 2 pairs of a prompt and a provider, which count together",)


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (summary(), "lists no results"),
        (summary(row(), successes=3), "counts 3 results and lists 1"),
        (summary(row(success=True) | {"success": "yes"}, successes=1, failures=0), "does not say whether it passed"),
    ],
)
def test_promptfoo_reports_that_are_cut_off_are_refused(report: Any, says: str) -> None:
    for value in (report, {"results": report}):
        with pytest.raises(InvalidInput, match=says):
            read_report(json.dumps(value))


# DeepEval


def metric(name: str, score: float | None, *, success: bool | None, threshold: float = 0.5, **more: Any) -> Any:
    return {"name": name, "score": score, "threshold": threshold, "success": success, **more}


def test_deepeval_gives_a_suite_for_each_metric() -> None:
    (rel, persona) = "Answer Relevancy", "Persona [GEval]"
    found = reading({
        "identifier": "Support Bot",
        "testCases": [
            {"name": "a", "success": True, "metricsData": [metric(rel, 0.9, success=True), metric(persona, 0.8, success=True, threshold=0.75)]},
            {"name": "b", "success": False, "metricsData": [metric(rel, 0.4, success=False), metric(persona, 0.7, success=True, threshold=0.6)]},
        ],
        "testPassed": 1, "testFailed": 1,
    })  # fmt: skip
    assert found.tool == "deepeval"
    assert found.suites == (
        Suite(name="support-bot", score="0.5", passed=False, cases=2, failed=1),
        Suite(name="answer-relevancy", score="0.65", threshold="0.5", passed=False, cases=2, failed=1),
        Suite(name="persona-geval", score="0.75", passed=True, cases=2, failed=0),
    )


def test_deepeval_of_all_times_is_read_alike() -> None:
    old = {"metricsMetadata": [{"metric": "Faithfulness", "score": 0.5, "minimumScore": 0.7}], "success": False}
    middle = {"metricsMetadata": [{"metric": "Faithfulness", "score": 0.5, "threshold": 0.7, "success": False}]}
    dumped = {"metrics_data": [metric("Faithfulness", 0.5, success=False, threshold=0.7)], "success": False}
    for report in (
        {"testCases": [old]},
        {"testCases": [], "conversationalTestCases": [middle]},
        {"test_results": [dumped]},
        {"testRunData": {"testCases": [dumped]}, "testRunLink": None},
    ):
        found = reading(report)
        assert found.parts == (
            Suite(name="faithfulness", score="0.5", threshold="0.7", passed=False, cases=1, failed=1),
        ), report
        assert (found.whole.score, found.whole.passed) == ("0", False)


def test_deepeval_metrics_of_which_less_is_better_are_believed() -> None:
    found = reading({"testCases": [{"success": True, "metricsData": [metric("Bias", 0.1, success=True)]}]})
    assert found.parts[0].passed is True


def test_deepeval_flaky_metrics_decide_nothing_and_failed_ones_are_not_hidden() -> None:
    flaky = {
        "success": True,
        "metricsData": [metric("A", 0.1, success=False, flaky=True), metric("B", 1, success=True)],
    }
    found = reading({"testCases": [flaky]})
    assert found.whole.passed is True
    assert {suite.name: suite.passed for suite in found.parts} == {"a": None, "b": True}
    lying = {"success": True, "metricsData": [metric("A", None, success=None, error="judge timed out")]}
    assert reading({"testCases": [lying]}).whole.passed is False


def test_deepeval_without_a_judged_case_is_refused() -> None:
    for report in ({"testCases": []}, {"testCases": [{"success": True, "metricsData": []}]}):
        with pytest.raises(InvalidInput, match="no case that a metric judged"):
            read_report(json.dumps(report))


# JUnit


CASES = (
    '<testcase name="a"/><testcase name="b"><failure>no</failure></testcase><testcase name="c"><skipped/></testcase>'
)


def test_junit_counts_what_was_run() -> None:
    found = reading(
        f'<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">{CASES}</testsuite></testsuites>'
    )
    assert found.tool == "junit"
    assert found.suites == (Suite(name="pytest", score="0.5", passed=False, cases=2, failed=1),)


def test_junit_with_several_suites_gives_each_and_all_together() -> None:
    nested = f'<testsuite name="RAG"><testsuite name="inner">{CASES}</testsuite><testcase name="d"/></testsuite>'
    found = reading(
        f'<testsuites>{nested}<testsuite name="Empty"/><testsuite name="Tone"><testcase/></testsuite></testsuites>'
    )
    assert [(s.name, s.cases, s.failed) for s in found.suites] == [("junit", 4, 1), ("rag", 3, 1), ("tone", 1, 0)]


def test_junit_suites_that_fail_themselves_fail() -> None:
    found = reading("<testsuite><error>no database</error><testcase/></testsuite>")
    assert (found.whole.passed, found.whole.cases) == (False, 2)
    assert reading("<testsuite xmlns='urn:x'><testcase/></testsuite>").whole.passed is True


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><testsuites><testsuite><testcase name="&b;"/></testsuite></testsuites>'
FETCHED = '<!DOCTYPE l SYSTEM "file:///etc/passwd"><testsuites/>'


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (LAUGHS, "declares a document type"),
        (FETCHED, "declares a document type"),
        ("<html/>", "begins with <html>"),
        ("<testsuites/>", "no test that was run"),
        ("<testsuite><testcase><skipped/></testcase></testsuite>", "no test that was run"),
        ("<testsuite>", "is no XML"),
        ("<testsuite>&x;</testsuite>", "is no XML"),
        ("<testsuite>" + "<a>" * 70, "nested deeper"),
    ],
)  # fmt: skip
def test_xml_that_could_do_harm_or_says_nothing_is_refused(report: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_report(report)


# Plain


def test_plain_results_one_or_a_list() -> None:
    one = reading({"suite": "groundedness", "score": 0.93, "threshold": "0.85"})
    assert one.suites == (Suite(name="groundedness", score="0.93", threshold="0.85", passed=True),)
    two = reading([{"suite": "a", "passed": False}, {"suite": "b", "score": 1, "cases": 4, "failed": 0}])
    assert two.suites == (Suite(name="a", passed=False), Suite(name="b", score="1", cases=4, failed=0))
    assert two.whole is None


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ({"suite": "a"}, "neither score nor passed"),
        ({"suite": "a", "score": True}, "is no score"),
        ({"suite": "a", "score": 1, "treshold": 2}, "unknown key 'treshold'"),
        ({"suite": "a", "passed": "yes"}, "passed of the suite a"),
        ({"suite": "A b", "score": 1}, "cannot be the name of a suite"),
        ([{"suite": "a", "score": 1}, {"suite": "a", "score": 0}], "the suite a twice"),
        ({"suite": "a", "score": 1, "cases": -1}, "no number of cases"),
    ],
)
def test_plain_results_that_say_too_little_are_refused(report: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_report(json.dumps(report))


# All


@pytest.mark.parametrize(
    "number", ["nan", "inf", "-Infinity", "", "1e99", "0x1", "\u0661", "1_0", None, True, [], 1e300]
)
def test_what_is_no_finite_number_is_no_score(number: object) -> None:
    with pytest.raises(InvalidInput):
        decimal_text(number)


@pytest.mark.parametrize(
    ("number", "kept"),
    [("0.930", "0.93"), (".5", "0.5"), ("1e-3", "0.001"), (0.1 + 0.2, "0.30000000000000004"), (-0.0, "0"), ("+7", "7"), (100, "100")],
)  # fmt: skip
def test_numbers_are_kept_as_plain_decimals(number: object, kept: str) -> None:
    assert decimal_text(number) == kept


def test_a_score_at_its_threshold_reaches_it() -> None:
    assert (judged("0.85", "0.85"), judged("0.9", "0.10"), judged("0.1", "0.85"), judged(None, "1")) == (
        True,
        True,
        False,
        None,
    )


def test_json_that_python_writes_for_nan_is_refused() -> None:
    with pytest.raises(InvalidInput, match="NaN is no JSON number"):
        read_report('{"testCases": [{"metricsData": [{"name": "a", "score": NaN}]}]}')


@pytest.mark.parametrize("text", ["hello", "{}", '{"results": 1}', "[]", '"a"', '{"testResults": []}'])
def test_other_texts_are_of_no_known_kind(text: str) -> None:
    assert read_report(text) is None


def test_a_report_is_text_of_a_bounded_size() -> None:
    with pytest.raises(TooLarge):
        read_report(" " * (REPORT_LIMIT + 1))
    for text in ("a\x00b", "\ud800", " \n"):
        with pytest.raises(InvalidInput):
            read_report(text)


def test_which_suites_are_meant() -> None:
    found = reading({"results": summary(row(**graded("tone", 1, passed=True)))})
    assert [suite.name for suite in choose(found, None)] == ["promptfoo", "tone"]
    assert [suite.name for suite in choose(found, "tone")] == ["tone"]
    assert [(suite.name, suite.cases) for suite in choose(found, "regression")] == [("regression", 1)]
    with pytest.raises(InvalidInput, match="has no suite c"):
        choose(reading([{"suite": "a", "score": 1}, {"suite": "b", "score": 1}]), "c")
    many = [{"suite": f"s{number}", "score": 1} for number in range(101)]
    with pytest.raises(InvalidInput, match="101 suites"):
        choose(reading(many), None)


def test_names_of_suites() -> None:
    assert suite_name("answer-relevancy_2.0") == "answer-relevancy_2.0"
    for text in ("", "A", "a b", "-a", "a" * 65, "a/b", "ä"):
        with pytest.raises(InvalidName):
            suite_name(text)


def test_a_list_of_suites_without_end_is_refused_in_no_time() -> None:
    many = json.dumps([{"suite": f"a{number}", "score": 1} for number in range(30_000)])
    began = time.process_time()
    with pytest.raises(InvalidInput, match="at most 100"):
        results_of(many, suite=None, score=None, threshold=None, passed=None)
    assert time.process_time() - began < 3
