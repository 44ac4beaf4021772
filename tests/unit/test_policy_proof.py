"""Policies in git: their messages, and that neither their numbers nor those that moves name go back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from test_proof import Tale, problems

from pinset.domain.messages import decode, encode
from pinset.domain.notes import digest_of_text
from pinset.domain.records import (
    POLICY_FILE,
    REGISTRY_FILE,
    Action,
    Aim,
    Binding,
    PolicyRecord,
    RequestRecord,
)

if TYPE_CHECKING:
    from pinset.domain.proof import Fact

TEXTS = {1: "format: 1\nrules: []\n", 2: "format: 1\npolicy: {editors: [ana]}\n"}
FOUNDED, RELEASE, FIRST, ASKED, SECOND, MOVED = range(6)


def story() -> list[Fact]:
    """A registry, a release, a policy, a request for the next one, that, and a move under it."""
    tale = Tale()
    tale.found()
    tale.publish(1)
    registry = {REGISTRY_FILE: tale.facts[0].files[REGISTRY_FILE]}
    bound = Binding(
        aim=Aim.POLICY, bundle="", alias="", from_version=None, from_seq=0, to_version=None,
        digest=digest_of_text(TEXTS[2]), policy=1,
    )  # fmt: skip
    for number, text in TEXTS.items():
        if number == 2:
            request = RequestRecord(stamp=tale.stamp(), number=1, binding=bound, expires_at=99)
            tale.add(request, "tree-proposed", {POLICY_FILE: text})
        asked = 1 if number == 2 else None
        record = PolicyRecord(stamp=tale.stamp(), number=number, digest=digest_of_text(text), request=asked, glass=True)
        tale.add(record, f"tree-policy-{number}", {**registry, POLICY_FILE: text})
    tale.move(Action.PROMOTE, 1, None)
    tale.facts[MOVED] = under(tale.facts[MOVED], 2)
    return tale.facts


def under(fact: Fact, policy: int | None) -> Fact:
    return says(fact, policy=policy)


def says(fact: Fact, **changes: Any) -> Fact:
    return replace(fact, record=replace(fact.record, **changes))


def test_what_is_said_of_a_policy_is_read_again() -> None:
    for at in (FIRST, ASKED, SECOND):
        record = story()[at].record
        assert decode(encode(record)) == record


def test_the_story_is_sound() -> None:
    assert problems(story()) == []


@pytest.mark.parametrize(
    ("at", "changes", "what"),
    [
        (SECOND, {"number": 1}, "is policy 1 after 1"),
        (SECOND, {"number": 3}, "is policy 3 after 1"),
        (MOVED, {"policy": 1}, "is under policy 1, and 2 is in force"),
        (MOVED, {"policy": None}, "is under policy 0, and 2 is in force"),
        (MOVED, {"policy": 3}, "is under policy 3, and 2 is in force"),
        (SECOND, {"request": 7}, "is not what request 7 asked for"),
        (FIRST, {"request": 1}, "is not what request 1 asked for"),
        (SECOND, {"digest": digest_of_text("other")}, "holds another text than it names"),
    ],
)
def test_what_goes_back_or_was_not_asked_for_is_found(at: int, changes: dict[str, Any], what: str) -> None:
    facts = story()
    facts[at] = says(facts[at], **changes)
    assert any(what in problem for _, problem in problems(facts))


def test_a_policy_changes_nothing_else_on_main() -> None:
    facts = story()
    facts[SECOND] = replace(facts[SECOND], files={**facts[SECOND].files, REGISTRY_FILE: "format: 1\n"})
    assert any("changes more than policy.yaml" in problem for _, problem in problems(facts))


def test_no_glass_is_broken_where_there_is_none() -> None:
    facts = story()
    alone = [facts[FOUNDED], facts[RELEASE], says(under(facts[MOVED], None), glass=True)]
    assert any("breaks the glass of no policy" in problem for _, problem in problems(alone))
