"""Results, requests and decisions in git: their messages, and that each is about what there is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_proof import EMPTY_TREE, Tale, problems

from pinset.domain.messages import decode, encode
from pinset.domain.notes import digest_of_text
from pinset.domain.records import (
    Action,
    Aim,
    Binding,
    Decision,
    DecisionRecord,
    ReleaseRecord,
    RequestRecord,
    ResultRecord,
)

if TYPE_CHECKING:
    from pinset.domain.proof import Fact

RESULT, ASKED, APPROVED, MOVED = 2, 3, 4, 5
REPORT = '{"suite": "tone", "score": 0.93}'


def story() -> list[Fact]:
    """A registry, a release, a result of it, a request for it, its approval, and the move."""
    tale = Tale()
    tale.found()
    tale.publish(1)
    release = tale.facts[1].record
    assert isinstance(release, ReleaseRecord)
    result = ResultRecord(
        stamp=replace(tale.stamp(), person="dora", via="token:1 127.0.0.1"), bundle="support", version=1,
        digest=release.digest, suite="tone", score="0.93", threshold="0.8", passed=True, cases=44, failed=3,
        report=digest_of_text(REPORT), tool="promptfoo 0.117.4", reason="nightly",
    )  # fmt: skip
    tale.add(result, "tree-report", {"report.json": REPORT})
    bound = Binding(
        aim=Aim.PROMOTE, bundle="support", alias="production", from_version=None, from_seq=0, to_version=1,
        digest=release.digest, policy=0,
    )  # fmt: skip
    tale.add(
        RequestRecord(stamp=tale.stamp(), number=1, binding=bound, expires_at=99, again=True, reason="why\n\nindeed"),
        EMPTY_TREE,
        {},
    )
    tale.add(DecisionRecord(stamp=tale.stamp(), number=1, decision=Decision.APPROVE, binding=bound), EMPTY_TREE, {})
    tale.move(Action.PROMOTE, 1, None)
    tale.facts[MOVED] = says(tale.facts[MOVED], request=1)
    return tale.facts


def says(fact: Fact, **changes: Any) -> Fact:
    return replace(fact, record=replace(fact.record, **changes))


def test_the_story_is_sound_and_read_again() -> None:
    facts = story()
    assert problems(facts) == []
    for fact in facts[RESULT:]:
        assert decode(encode(fact.record)) == fact.record


def test_a_result_that_says_little_is_read_again() -> None:
    record: Any = replace(
        story()[RESULT].record, score=None, threshold=None, passed=None, cases=None, failed=None, report=None, tool=None
    )
    assert decode(encode(record)) == record


def bound_to(**changes: Any) -> dict[str, Any]:
    record: Any = story()[ASKED].record
    return {"binding": replace(record.binding, **changes)}


@pytest.mark.parametrize(
    ("at", "changes", "what"),
    [
        (RESULT, {"version": 9}, "is about support@v9, which does not exist"),
        (RESULT, {"digest": "sha256:" + "0" * 64}, "is about another digest than the release has"),
        (RESULT, {"report": digest_of_text("other")}, "holds another text than it names"),
        (ASKED, {"number": 2}, "is request 2 after 0"),
        (APPROVED, {"number": 2}, "decides what request 2 did not ask for"),
        (APPROVED, bound_to(to_version=2), "decides what request 1 did not ask for"),
        (APPROVED, bound_to(policy=1), "decides what request 1 did not ask for"),
        (MOVED, {"request": 2}, "is not what request 2 asked for"),
        (ASKED, bound_to(to_version=2), "is not what request 1 asked for"),
        (ASKED, bound_to(alias="staging"), "is not what request 1 asked for"),
        (ASKED, bound_to(from_seq=1), "is not what request 1 asked for"),
        (ASKED, bound_to(policy=1), "is not what request 1 asked for"),
    ],
)
def test_what_is_about_something_else_is_found(at: int, changes: dict[str, Any], what: str) -> None:
    facts = story()
    facts[at] = says(facts[at], **changes)
    assert any(what in problem for _, problem in problems(facts))
