"""Gates, one by one: what passes, what does not, and where the line is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pinset.domain.policy.gates import Facts, Gate, judge, may_break
from pinset.domain.policy.model import parse
from pinset.domain.records import Aim, ResultRecord, Stamp
from pinset.domain.times import DAY, HOUR

NOW = 1_800_000_000_000_000
FACTS = Facts(
    now=NOW, aim=Aim.PROMOTE, bundle="support", alias="production", from_version=1, to_version=2,
    publishers=frozenset({"pia"}), requester="rob",
)  # fmt: skip


def gates(wants: str, **facts: Any) -> list[Gate]:
    text = f"format: 1\nrules: [{{bundles: support, aliases: production, {wants}}}]"
    return judge(parse(text), replace(FACTS, **facts))


def only(wants: str, **facts: Any) -> Gate:
    (gate,) = gates(wants, **facts)
    assert gate.wants
    assert gate.found
    return gate


def result(suite: str, score: str | None, *, passed: bool | None = None, age: int = 0, serial: int = 5) -> ResultRecord:
    stamp = Stamp(serial=serial, prev="c", at=NOW - age, actor="ci", operation="op")
    return ResultRecord(
        stamp=stamp,
        bundle="support",
        version=2,
        digest="sha256:1",
        suite=suite,
        score=score,
        threshold=None,
        passed=passed,
    )


@pytest.mark.parametrize(
    ("since", "passed", "at"),
    [
        (None, False, None),
        (NOW - HOUR, True, None),
        (NOW - HOUR + 1, False, NOW + 1),
        (NOW - 5 * HOUR, True, None),
        (NOW + HOUR, False, NOW + 2 * HOUR),  # a clock that was set back
    ],
)
def test_after_is_now_and_for_long_enough(since: int | None, passed: bool, at: int | None) -> None:
    gate = only("after: {alias: staging, for: 1h}", served={"staging": since})
    assert (gate.passed, gate.at, gate.can_close) == (passed, at, True)


def test_after_without_a_span_is_now() -> None:
    assert only("after: staging", served={"staging": NOW}).passed
    assert not only("after: staging", served={"canary": NOW}).passed


@pytest.mark.parametrize(
    ("wants", "results", "passed"),
    [
        ('score: ">= 0.85"', [], False),
        ('score: ">= 0.85"', [result("other", "0.9")], False),
        ('score: ">= 0.85"', [result("g", "0.85")], True),
        ('score: ">= 0.85"', [result("g", "0.8499999999999999999")], False),
        ('score: "> 0.85"', [result("g", "0.85")], False),
        ('score: "<= 3"', [result("g", "3.0")], True),
        ('score: "< 3"', [result("g", "3.0")], False),
        ('score: "= 3"', [result("g", "3.00")], True),
        ('score: ">= 0.85"', [result("g", None, passed=True)], False),
        ('score: ">= 0.85"', [result("g", "NaN")], False),
        ('score: ">= 0.85"', [result("g", "Infinity")], False),
        ('score: ">= 0.85"', [result("g", "0.9", serial=6), result("g", "0.5", serial=7)], False),
        ('score: ">= 0.85"', [result("g", "0.5", serial=6), result("g", "0.9", serial=7)], True),
        ("passed: true", [result("g", "0.1", passed=True)], True),
        ("passed: true", [result("g", "0.9", passed=False)], False),
        ("passed: true", [result("g", "0.9")], False),
        ("passed: true, within: 14d", [result("g", None, passed=True, age=14 * DAY)], True),
        ("passed: true, within: 14d", [result("g", None, passed=True, age=14 * DAY + 1)], False),
    ],
)
def test_the_newest_result_counts(wants: str, results: list[ResultRecord], passed: bool) -> None:
    gate = only(f"evidence: [{{suite: g, {wants}}}]", results=results)
    assert (gate.name, gate.passed, gate.can_close) == ("evidence g", passed, True)


def test_a_result_wants_the_signature_of_its_key() -> None:
    wants = "evidence: {suite: g, passed: true, signed_by: eval-key}"
    results = [result("g", None, passed=True, serial=7)]
    assert not only(wants, results=results).passed
    assert not only(wants, results=results, result_signers={7: frozenset({"other"})}).passed
    assert not only(wants, results=results, result_signers={6: frozenset({"eval-key"})}).passed
    assert only(wants, results=results, result_signers={7: frozenset({"eval-key"})}).passed


def test_results_of_others_do_not_count() -> None:
    wants = "evidence: {suite: g, passed: true, by: [ci, ana]}"
    mine = replace(result("g", None, passed=True, serial=6))
    others = result("g", None, passed=False, serial=7)
    others = replace(others, stamp=replace(others.stamp, actor="token-9", person="eve"))
    assert only(wants, results=[others, mine]).passed
    assert not only(wants, results=[others]).passed
    assert not only(wants, results=[mine, replace(others, stamp=replace(others.stamp, person="ana"))]).passed


@pytest.mark.parametrize(
    ("approvals", "passed"),
    [
        ((), False),
        (("ana",), False),
        (("ana", "ana"), False),
        (("ana", "pia"), False),
        (("ana", "rob"), False),
        (("ana", "ben"), True),
        (("ana", "ben", "rob"), True),
    ],
)
def test_approvals_are_of_other_persons(approvals: tuple[str, ...], passed: bool) -> None:
    gate = only("approvals: 2", approvals=approvals)
    assert (gate.passed, gate.can_close, gate.waits_for_approval) == (passed, True, not passed)


@pytest.mark.parametrize(
    ("wants", "passed"),
    [
        ("forbid: models/house-small", False),
        ("forbid: models/house-small@v3", False),
        ("forbid: models/house-small@v2", True),
        ("forbid: 'models/house-small < v4'", False),
        ("forbid: 'models/house-small < v3'", True),
        ("forbid: 'models/*'", False),
        ("forbid: models/house", True),
        ("forbid: tools/house-small", True),
        ("require: models/house-small", True),
        ("require: 'models/house-small >= v3'", True),
        ("require: 'models/house-small >= v4'", False),
        ("require: guardrails/pii-redact", False),
    ],
)
def test_components_are_forbidden_and_required(wants: str, passed: bool) -> None:
    gate = only(wants, components={"models/house-small": 3, "prompts/tone": 1})
    assert (gate.passed, gate.can_close) == (passed, False)


def test_a_release_is_signed_by_its_author_or_by_named_keys() -> None:
    assert not only("signed: author").passed
    assert only("signed: author", signers=frozenset({"ana-key"})).passed
    assert not only("signed: [ben-key, ci-key]", signers=frozenset({"ana-key"})).passed
    assert only("signed: [ben-key, ci-key]", signers=frozenset({"ana-key", "ci-key"})).passed


def test_a_freeze_says_when_it_is_over() -> None:
    wants = "freeze: {since: 2027-01-01, until: 2027-02-01, zone: UTC}"  # NOW is 15 January 2027
    gate = only(wants)
    assert (gate.passed, gate.can_close, gate.at) == (False, True, 1_801_440_000_000_000)
    assert only(wants, now=1_801_440_000_000_000).passed


def test_all_rules_that_fit_bind() -> None:
    text = """
format: 1
rules:
  - {bundles: "*", aliases: production, approvals: 1}
  - {bundles: support, aliases: "prod*", approvals: 2, forbid: models/x}
  - {bundles: other, aliases: production, approvals: 3}
  - {bundles: support, aliases: staging, approvals: 4}
"""
    found = judge(parse(text), replace(FACTS, approvals=("ana",)))
    assert [(gate.rule, gate.name, gate.passed) for gate in found] == [
        (1, "approvals", True), (2, "forbid models/x", True), (2, "approvals", False),
    ]  # fmt: skip


def test_a_retirement_has_the_gates_of_people_and_time_alone() -> None:
    wants = "approvals: 1, freeze: {days: mon, zone: UTC}, after: staging, require: models/x, signed: author"
    found = gates(wants, aim=Aim.RETIRE, to_version=None, publishers=frozenset())
    assert [gate.name for gate in found] == ["freeze", "approvals"]


def test_glass_is_broken_by_who_every_open_rule_names() -> None:
    policy = parse("""
format: 1
rules:
  - {bundles: "*", aliases: production, approvals: 1, break_glass: [ana, ben]}
  - {bundles: "*", aliases: production, require: models/x, break_glass: [ben]}
  - {bundles: "*", aliases: production, forbid: models/x}
""")
    found = judge(policy, FACTS)
    assert [may_break(policy, found, who) for who in ("ana", "ben", "eve")] == [False, True, False]
    one = judge(policy, replace(FACTS, components={"models/x": 1}))
    assert [may_break(policy, one, who) for who in ("ana", "ben")] == [False, False]
    held = judge(policy, replace(FACTS, approvals=("zoe",)))
    assert [may_break(policy, held, who) for who in ("ana", "ben")] == [False, True]


def test_the_policys_own_rule() -> None:
    policy = parse("format: 1\npolicy: {editors: [ana, ben], approvals: 1, break_glass: [eve]}")
    asked = Facts(now=NOW, aim=Aim.POLICY, requester="ana")

    def passed(**facts: Any) -> list[bool]:
        return [gate.passed for gate in judge(policy, replace(asked, **facts))]

    assert passed() == [True, False]
    assert passed(approvals=("ana", "rob")) == [True, False]  # not by who asks, and by editors only
    assert passed(approvals=("ben",)) == [True, True]
    assert passed(requester="rob", approvals=("ben",)) == [False, True]
    found = judge(policy, replace(asked, requester="rob"))
    assert (may_break(policy, found, "eve"), may_break(policy, found, "ana")) == (True, False)
    assert not found[0].can_close
