"""A policy's text: what it may say, and that all that is wrong is told at once."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from pinset.domain.policy.freezing import frozen_until
from pinset.domain.policy.model import parse
from pinset.domain.policy.parts import Approvals
from pinset.domain.times import DAY, HOUR, MINUTE, show_age, show_span
from pinset.errors import InvalidPolicy, TooLarge

WHOLE = """\
format: 1
rules:
  - bundles: support-*
    aliases: [production, canary]
    after: {alias: staging, for: 1h}
    evidence: [{suite: groundedness, score: ">= 0.85", within: 14d, signed_by: eval-key}]
    approvals: {count: 2, within: 7d}
    freeze:
      - {days: fri-sun, from: "16:00", to: "08:00", zone: Europe/Berlin}
      - {since: 2026-12-20T00:00, until: 2027-01-02T00:00, zone: UTC}
    forbid: [models/house-small, guardrails/old@v2]
    require: ["guardrails/pii-redact >= v4"]
    signed: author
    break_glass: [ana, ben]
policy: {editors: [ana, ben], approvals: 1, break_glass: [eve]}
"""


def rule(text: str) -> str:
    return f"format: 1\nrules:\n  - bundles: support\n    aliases: production\n    {text}\n"


def refused(text: str) -> list[dict[str, Any]]:
    with pytest.raises(InvalidPolicy) as caught:
        parse(text)
    found: list[dict[str, Any]] = caught.value.details["findings"]
    assert all(one["message"] and one["hint"] for one in found)
    return found


def test_all_of_it_is_read() -> None:
    policy = parse(WHOLE)
    (one,) = policy.rules
    assert one.after is not None
    assert (one.after.alias, one.after.span) == ("staging", HOUR)
    (evidence,) = one.evidence
    assert evidence.score is not None
    assert (evidence.suite, evidence.within, evidence.signed_by) == ("groundedness", 14 * DAY, "eval-key")
    assert evidence.score.holds(Decimal("0.85"))
    assert not evidence.score.holds(Decimal("0.84999"))
    assert one.approvals == Approvals(2, 7 * DAY)
    assert [str(window) for window in one.freeze] == [
        "fri-sun 16:00 to 08:00 Europe/Berlin", "2026-12-20T00:00 to 2027-01-02T00:00 UTC",
    ]  # fmt: skip
    assert [str(wanted) for wanted in one.forbid] == ["models/house-small", "guardrails/old@v2"]
    assert [str(wanted) for wanted in one.require] == ["guardrails/pii-redact >= v4"]
    assert (one.signed, one.break_glass) == (("author",), ("ana", "ben"))
    assert (policy.own.editors, policy.own.approvals, policy.own.break_glass) == (
        ("ana", "ben"), Approvals(1), ("eve",),
    )  # fmt: skip


def test_a_rule_binds_what_its_patterns_fit() -> None:
    policy = parse(WHOLE)
    assert policy.binding("support-bot", "canary")
    assert not policy.binding("support", "canary")
    assert not policy.binding("my-support-bot", "production")
    assert not policy.binding("support-bot", "production-2")


def test_the_shortest_patience_counts() -> None:
    text = "format: 1\nrules:\n" + "".join(
        f"  - {{bundles: '*', aliases: production, approvals: {{count: 1, within: {span}}}}}\n"
        for span in ("7d", "90m")
    )
    assert parse(text).patience("a", "production") == 90 * MINUTE
    assert parse(text).patience("a", "staging") == 7 * DAY


def test_every_mistake_is_told_with_its_line() -> None:
    text = """\
format: 2
rulez: []
rules:
  - bundle: support-*
    aliases: production
    after: {alias: production, for: 1}
    evidence: [{suite: groundedness, score: 0.85, within: 14}]
    approvals: {count: two}
    freeze: [{days: fri-som, zone: Europa/Berlin}, {since: 2026-12-20T00:00}]
    forbid: [models/house-small@2, guardrail/x]
    require: ["guardrails/* >= v4"]
    break_glass: [""]
policy: {editors: [ana], approvals: 1}
"""
    found = refused(text)
    assert {one["line"] for one in found} == {1, 2, 4, 6, 7, 8, 9, 10, 11, 12, 13}
    hints = {(one["line"], one["hint"]) for one in found}
    assert (2, "did you mean rules?") in hints
    assert (4, "did you mean bundles?") in hints
    assert (9, "did you mean Europe/Berlin?") in hints
    assert (10, "did you mean guardrails/x?") in hints


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "yaml-syntax"),
        ("- 1", "wrong-type"),
        ("format: 1", "missing-key"),
        ("rules: []", "missing-key"),
        ("format: 1\nrules: {}", "wrong-type"),
        ("format: 1\nrules: [a]", "wrong-type"),
        ("format: 1\nrules: [&a {bundles: b}]", "yaml-syntax"),
        ("format: 1\nformat: 1\nrules: []", "yaml-syntax"),
        (rule("break_glass: [ana]"), "missing-key"),
        (rule("after: staging\n    extra: 1"), "unknown-key"),
        (rule("after: {alias: production}"), "bad-value"),
        (rule("after: {alias: Staging}"), "bad-name"),
        (rule("after: {for: 1h}"), "missing-key"),
        (rule("after: {alias: staging, for: 0h}"), "bad-value"),
        (rule("evidence: {suite: a}"), "missing-key"),
        (rule("evidence: {suite: a, passed: false}"), "bad-value"),
        (rule("evidence: {suite: a, score: '>= high'}"), "bad-value"),
        (rule("evidence: {passed: true}"), "missing-key"),
        (rule("approvals: 0"), "bad-value"),
        (rule("approvals: true"), "bad-value"),
        (rule("approvals: {count: 1, within: forever}"), "bad-value"),
        (rule("forbid: pii-redact"), "bad-value"),
        (rule("require: guardrails/pii-redact@latest"), "bad-value"),
        (rule("signed: null"), "missing-key"),
        (rule("freeze: {days: mon}"), "missing-key"),
        (rule("freeze: {zone: UTC}"), "missing-key"),
        (rule("freeze: {days: mon, from: '16:00', zone: UTC}"), "missing-key"),
        (rule("freeze: {days: mon, from: '24:00', to: '08:00', zone: UTC}"), "bad-value"),
        (rule("freeze: {from: '16:00', to: '08:00', zone: UTC}"), "bad-value"),
        (rule("freeze: {from: fri 16:00, to: fri 16:00, zone: UTC}"), "bad-value"),
        (rule("freeze: {days: mon-sun, zone: UTC}"), "bad-value"),
        (rule("freeze: {days: mon, zone: ../../etc/passwd}"), "bad-value"),
        (rule("freeze: {since: 2026-12-20, until: 2026-12-19, zone: UTC}"), "bad-value"),
        (rule("freeze: {since: 0001-01-01, until: 2026-12-19, zone: UTC}"), "bad-value"),
        (rule("freeze: {since: 2026-12-20, until: 2026-12-21, days: mon, zone: UTC}"), "bad-value"),
        ("format: 1\npolicy: {editors: []}", "bad-value"),
        ("format: 1\npolicy: {editors: [ana, ana], approvals: 1}", "bad-value"),
        ("format: 1\npolicy: {editors: [ana, ben], approvals: 2}", "bad-value"),
        ("format: 1\npolicy: {approvals: 1}", "missing-key"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, code: str) -> None:
    assert code in {one["code"] for one in refused(text)}


@pytest.mark.parametrize(
    "text",
    [
        "format: 1\nrules: []",
        "format: 1\npolicy: {editors: [ana]}",
        "format: 1\npolicy: {editors: [ana], approvals: 0}",
        "format: 1\nx-note: ours\nrules: []",
        rule("after: staging"),
        rule("approvals: 1"),
        rule("forbid: 'models/*'"),
        rule("freeze: {days: [sat, sun], zone: UTC}"),
        rule("freeze: {since: 2026-12-20T00:00+01:00, until: 2026-12-21T00:00Z}"),
    ],
)
def test_short_forms_are_taken(text: str) -> None:
    parse(text)


def test_a_policy_has_a_size() -> None:
    with pytest.raises(TooLarge):
        parse("# " + "x" * 262_144)


def test_many_mistakes_are_told_and_soon_over() -> None:
    found = refused("format: 1\nrules:\n" + "  - {bundels: a}\n" * 250)
    assert 200 <= len(found) <= 201
    assert "too-large" in {one["code"] for one in found}


def test_spans_are_said_as_they_are_written() -> None:
    assert [show_span(span) for span in (14 * DAY, HOUR, 90 * MINUTE, 30_000_000)] == ["14d", "1h", "90m", "30s"]
    assert [show_age(span) for span in (0, 61_000_000, DAY + 3 * HOUR + MINUTE, 7 * DAY)] == [
        "0 s", "1 min 1 s", "1 d 3 h", "7 d",
    ]  # fmt: skip


# Texts that are made to take long


def test_no_pattern_takes_longer_than_its_length() -> None:
    many, name = "*a" * 60 + "*b", "a" * 63
    (found,) = refused(
        f"format: 1\nrules: [{{bundles: '{many}', aliases: ['{many}', '*a'], after: {name}}}]"
    )  # fits() with regular expressions took longer than anybody waits
    assert "after itself" in found["message"]
    (one,) = parse(f"format: 1\nrules: [{{bundles: '{many}', aliases: '{many}', approvals: 1}}]").rules
    assert not one.binds(name, "production")
    assert one.binds(name + "b", name + "b")


@pytest.mark.parametrize("entry", ["{days: mon-sun, zone: UTC}", "{days: mon, zone: Europ/Berlin}"])
def test_freezes_without_number_are_read_in_no_time(entry: str) -> None:
    rules = "".join(f"- {{bundles: b, aliases: a, freeze: [{', '.join([entry] * 150)}]}}\n" for _ in range(30))
    began = time.process_time()
    refused("format: 1\nrules:\n" + rules)
    assert time.process_time() - began < 5


def test_freezes_that_never_end_are_judged_in_no_time() -> None:
    hours = [
        f"{{days: mon-sun, from: '{hour:02}:00', to: '{(hour + 1) % 24:02}:00', zone: {('UTC', 'Etc/GMT')[hour % 2]}}}"
        for hour in range(24)
    ]
    (one,) = parse(f"format: 1\nrules: [{{bundles: b, aliases: a, freeze: [{', '.join(hours * 8)}]}}]").rules
    began = time.process_time()
    assert frozen_until(one.freeze, 1_800_000_000_000_000) is not None
    assert time.process_time() - began < 2
