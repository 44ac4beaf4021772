"""Policies and the gates they put in front of aliases: the same near and far."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish, rollback, serves

from pinset import bootstrap
from pinset.errors import (
    GatesOpen,
    IdempotencyMismatch,
    InvalidInput,
    InvalidPolicy,
    NotFound,
    NothingBehind,
    OwnApproval,
    PermissionDenied,
    PolicyMoved,
    Protected,
)
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

AFTER = "format: 1\nrules: [{bundles: '*', aliases: production, after: staging}]\n"
SHUT = "format: 1\nrules: [{bundles: '*', aliases: production, require: guardrails/none, break_glass: [ana]}]\n"
HOUR = 3_600_000_000
HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
FAR = pytest.mark.parametrize("where", ["memory", "http"], indirect=True)
"""Over HTTP there is a directory behind it. What is the same code near and far is tried in memory alone."""


class Clock:
    """A clock that says what it is told."""

    def __init__(self) -> None:
        self.at = 1_800_000_000_000_000

    def now(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(clock: Clock) -> Iterator[LocalRegistry]:
    """A registry in memory whose time is ours; it must prove sound in the end."""
    made = bootstrap.memory_registry()
    clock.at = made._context.clock.now() + HOUR
    made._context = replace(made._context, clock=clock)
    yield made
    proven = made.verify()
    made.close()
    assert proven["ok"], proven["problems"]


@pytest.fixture
def persons(where: str, near: LocalRegistry, reach: Callable[[str | None], Registry]) -> Callable[[str], Any]:
    """The registry as somebody has it, and who they are: far it is their token that says so."""
    known: dict[str, Any] = {}

    def person(name: str) -> Any:
        if name not in known:
            token = near.create_token(ME, name, can="admin")["token"] if where == "http" else None
            known[name] = (reach(token), Caller(actor=name))
        return known[name]

    return person


def edit(registry: Registry, text: str, **more: Any) -> Any:
    return registry.policies.edit(ME, text, reason="because", **more)


# Editing


@FAR
def test_a_policy_is_edited_shown_and_kept(registry: Registry, everything: Callable[[], Any]) -> None:
    first = registry.policies.show()
    assert (first["number"], first["text"], first["current"]) == (0, "", True)
    made = edit(registry, AFTER, expect=0)
    assert (made["number"], made["changed"], made["text"], made["reason"]) == (1, True, AFTER, "because")
    before = everything()
    same = edit(registry, AFTER)
    assert (same["number"], same["changed"], same["operation"]) == (1, False, None)
    assert everything() == before
    assert edit(registry, SHUT, expect=1)["number"] == 2
    now, old = registry.policies.show(), registry.policies.show(1)
    assert (now["number"], now["text"], now["current"]) == (2, SHUT, True)
    assert (old["number"], old["text"], old["current"]) == (1, AFTER, False)
    page = registry.policies.history(limit=1)
    assert [item["number"] for item in page["items"]] == [2]
    assert [item["number"] for item in registry.policies.history(cursor=page["next"])["items"]] == [1]
    with pytest.raises(NotFound, match="the newest is 2"):
        registry.policies.show(3)


@FAR
def test_of_two_edits_at_once_one_is_told_so(registry: Registry, everything: Callable[[], Any]) -> None:
    edit(registry, AFTER, expect=0)
    before = everything()
    for stale in (0, 7):
        with pytest.raises(PolicyMoved) as caught:
            edit(registry, SHUT, expect=stale)
        assert caught.value.details["number"] == 1
    assert everything() == before


@HERE
def test_a_bad_policy_changes_nothing(registry: Registry, everything: Callable[[], Any]) -> None:
    before = everything()
    with pytest.raises(InvalidPolicy) as caught:
        edit(registry, "format: 1\nrulez: []\n")
    assert [(one["code"], one["line"]) for one in caught.value.details["findings"]] == [
        ("missing-key", 1), ("unknown-key", 2),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="wants a reason"):
        registry.policies.edit(ME, AFTER)
    assert edit_dry(registry)["number"] == 1
    assert everything() == before


def edit_dry(registry: Registry) -> Any:
    return registry.policies.edit(replace(ME, dry_run=True), AFTER, reason="because")


@HERE
def test_an_edit_that_is_sent_again_happens_once(registry: Registry) -> None:
    keyed = replace(ME, key="policy-1")
    first = registry.policies.edit(keyed, AFTER, expect=0, reason="because")
    again = registry.policies.edit(keyed, AFTER, expect=0, reason="because")
    assert again == first
    with pytest.raises(IdempotencyMismatch):
        registry.policies.edit(keyed, SHUT, expect=0, reason="because")


@HERE
def test_a_policy_changes_under_its_own_rule(persons: Callable[[str], Any]) -> None:
    (ana, as_ana), (eve, as_eve) = persons("ana"), persons("eve")
    own = "format: 1\npolicy: {editors: [ana], break_glass: [eve]}\n"
    ana.policies.edit(as_ana, own, reason="first")
    open_to_all = "format: 1\nrules: []\n"
    with pytest.raises(GatesOpen) as caught:
        eve.policies.edit(as_eve, open_to_all, reason="mine")
    assert [(gate["name"], gate["found"]) for gate in caught.value.details["gates"]] == [("editors", "eve")]
    with pytest.raises(InvalidInput):
        eve.policies.edit(as_eve, open_to_all, break_glass=True)
    broken = eve.policies.edit(as_eve, open_to_all, reason="ana is away", break_glass=True)
    assert (broken["number"], broken["glass"]) == (2, True)
    assert [item["glass"] for item in eve.policies.history()["items"]] == [True, False]
    assert not eve.policies.edit(as_eve, own, reason="back")["glass"]


@FAR
def test_an_edit_that_wants_approvals_becomes_a_request(persons: Callable[[str], Any], near: LocalRegistry) -> None:
    ana, as_ana = persons("ana")
    shared = "format: 1\npolicy: {editors: [ana, ben], approvals: 1}\n"
    ana.policies.edit(as_ana, shared, reason="first")
    keyed = replace(as_ana, key="wish")
    asked = ana.policies.edit(keyed, AFTER, reason="second")
    assert (asked["number"], asked["changed"], asked["request"]) == (1, False, 1)
    assert ana.policies.edit(keyed, AFTER, reason="second") == asked
    assert ana.policies.show()["number"] == 1
    assert near._context.store.ref("refs/heads/proposals")


# Moving


@FAR
def test_a_rule_binds_every_way_in(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 2)
    promote(registry, 1)
    edit(registry, AFTER)
    before = everything()
    with pytest.raises(GatesOpen) as caught:
        promote(registry, 2)
    (gate,) = caught.value.details["gates"]
    assert (gate["name"], gate["rule"], gate["passed"], gate["can_close"]) == ("after", 1, False, True)
    assert "staging" in gate["wants"]
    with pytest.raises(GatesOpen):
        registry.promote(ME, f"{NAME}@v2", ALIAS, again=True, reason="sure")
    with pytest.raises(GatesOpen):
        registry.publish(ME, files("New."), alias=ALIAS)
    with pytest.raises(GatesOpen):
        registry.publish(ME, files("Text 2."), alias=ALIAS)
    with pytest.raises(GatesOpen):
        registry.promote(replace(ME, dry_run=True), f"{NAME}@v2", ALIAS)
    with pytest.raises(GatesOpen):  # another bundle of the same rule, which never had a policy before its eyes
        registry.publish(ME, files("Other.", bundle="other"), alias=ALIAS)
    assert everything() == before
    registry.promote(ME, f"{NAME}@v2", "staging")
    moved = registry.promote(ME, f"{NAME}@v2", ALIAS)
    assert (moved["to"], moved["policy"], moved["request"], moved["glass"]) == (2, 1, None, False)
    assert registry.alias(NAME, ALIAS)["policy"] == 1
    assert [item["policy"] for item in registry.history(NAME, ALIAS)["items"]] == [1, None]


@HERE
def test_nothing_is_gated_where_no_rule_says_so(registry: Registry) -> None:
    publish(registry, 1)
    assert registry.promote(ME, f"{NAME}@v1", "canary")["policy"] is None
    edit(registry, SHUT)
    assert registry.promote(ME, f"{NAME}@v1", "staging")["policy"] == 1


@HERE
def test_a_rollback_along_the_chain_passes_at_once(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2, 3)
    edit(registry, SHUT)
    back = rollback(registry)
    assert (back["to"], back["policy"]) == (2, 1)
    assert rollback(registry, to="v1")["to"] == 1


@HERE
def test_a_rollback_to_what_no_undo_leads_to_is_a_promotion(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 4)
    promote(registry, 1, 2)
    then = registry.alias(NAME, ALIAS)["moved_at"]
    promote(registry, 3)
    rollback(registry, steps=2)  # v2 was passed over, and is behind no longer
    edit(registry, SHUT)
    before = everything()
    for target in ({"to": "v2"}, {"at": then}):
        with pytest.raises(Protected) as caught:
            rollback(registry, **target)
        assert "pinset promote support@v2 production" in caught.value.hint
    with pytest.raises(NothingBehind):
        rollback(registry, to="v4")  # never served
    assert everything() == before
    edit(registry, AFTER.replace("production", "canary"))
    assert rollback(registry, to="v2")["to"] == 2


@HERE
def test_a_retired_alias_is_still_bound(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1)
    registry.retire(ME, NAME, ALIAS)
    edit(registry, SHUT)
    with pytest.raises(GatesOpen):
        promote(registry, 2)
    assert registry.promote(ME, f"{NAME}@v2", "staging")["to"] == 2


@HERE
def test_retiring_wants_the_approvals_and_the_time(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    edit(registry, SHUT)
    dry = registry.retire(replace(ME, dry_run=True), NAME, ALIAS)
    assert (dry["to"], dry["policy"]) == (None, 1)  # what a release must hold is no gate of a retirement
    edit(
        registry,
        "format: 1\nrules: [{bundles: '*', aliases: production, freeze: {since: 2020-01-01, until: 2100-01-01, zone: UTC}}]\n",
    )
    with pytest.raises(GatesOpen) as caught:
        registry.retire(ME, NAME, ALIAS)
    assert caught.value.details["gates"][0]["at"] == "2100-01-01T00:00:00.000000Z"


@FAR
def test_glass_is_broken_by_name_with_a_reason_and_loudly(persons: Callable[[str], Any]) -> None:
    (ana, as_ana), (eve, as_eve) = persons("ana"), persons("eve")
    publish_as(ana, as_ana, 2)
    ana.promote(as_ana, f"{NAME}@v1", ALIAS)
    ana.policies.edit(as_ana, SHUT, reason="first")
    with pytest.raises(PermissionDenied, match="eve may not break the glass"):
        eve.promote(as_eve, f"{NAME}@v2", ALIAS, break_glass=True, reason="now")
    with pytest.raises(InvalidInput, match="wants a reason"):
        ana.promote(as_ana, f"{NAME}@v2", ALIAS, break_glass=True)
    keyed = replace(as_ana, key="outage")
    broken = ana.promote(keyed, f"{NAME}@v2", ALIAS, break_glass=True, reason="outage 7")
    assert (broken["to"], broken["glass"], broken["policy"]) == (2, True, 1)
    assert any("glass" in warning for warning in broken["warnings"])
    assert ana.promote(keyed, f"{NAME}@v2", ALIAS, break_glass=True, reason="outage 7") == broken
    item = ana.history(NAME, ALIAS)["items"][0]
    assert (item["glass"], item["reason"], item["actor"]) == (True, "outage 7", "ana")
    seen = ana.events(after=1, wait=0.2)
    assert [e["data"]["glass"] for e in seen if e["event"] == "move"] == [False, True]
    gone = ana.retire(as_ana, NAME, ALIAS, break_glass=True, reason="nothing was open")
    assert gone["glass"] is False


def publish_as(registry: Registry, caller: Caller, count: int) -> None:
    for number in range(1, count + 1):
        registry.publish(caller, files(f"Text {number}."))


# Asking


@FAR
def test_one_can_ask_before(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 3)
    assert registry.policies.can_promote(ME, f"{NAME}@v2", ALIAS)["can"]
    edit(registry, AFTER)
    registry.promote(ME, f"{NAME}@v2", "staging")
    promote(registry, 2)
    before = everything()
    no = registry.policies.can_promote(ME, f"{NAME}@v1", ALIAS)
    assert (no["can"], no["from"], no["to"], no["policy"], no["reason"]) == (False, 2, 1, 1, None)
    assert [(gate["name"], gate["passed"]) for gate in no["gates"]] == [("after", False)]
    assert registry.policies.can_promote(ME, f"{NAME}@staging", ALIAS)["can"]
    assert everything() == before
    registry.yank(ME, f"{NAME}@v3", reason="leaks")
    yanked = registry.policies.can_promote(ME, f"{NAME}@v3", "canary")
    assert (yanked["can"], yanked["gates"]) == (False, [])
    assert "yanked" in str(yanked["reason"])
    with pytest.raises(NotFound):
        registry.policies.can_promote(ME, f"{NAME}@v9", ALIAS)


@FAR
def test_a_policy_is_tried_on_what_there_is(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 2)
    promote(registry, 1)
    registry.promote(ME, f"{NAME}@v2", "staging")
    before = everything()
    fine = registry.policies.check(ME, AFTER)
    assert fine["ok"]
    assert [(one["alias"], one["what"], one["version"], one["source"], one["passed"]) for one in fine["would"]] == [
        (ALIAS, "serves", 1, None, True), (ALIAS, "next", 2, "staging", True),
    ]  # fmt: skip
    shut = registry.policies.check(ME, SHUT)
    assert not shut["ok"]
    assert [gate["name"] for one in shut["would"] for gate in one["gates"]] == ["require guardrails/none"]
    idle = registry.policies.check(ME, AFTER.replace("'*'", "suport"))
    assert (idle["ok"], idle["would"]) == (True, [])
    assert "rule 1 binds no alias" in idle["warnings"][0]
    with pytest.raises(InvalidPolicy):
        registry.policies.check(ME, "format: 3")
    assert everything() == before


# Time, of which a test in memory is the master


def test_time_on_staging_begins_anew_with_each_move(timed: LocalRegistry, clock: Clock) -> None:
    publish(timed, 2)
    edit(timed, AFTER.replace("after: staging", "after: {alias: staging, for: 1h}"))
    timed.promote(ME, f"{NAME}@v1", "staging")
    clock.at += HOUR - 1
    with pytest.raises(GatesOpen, match="1 gate of 1"):
        promote(timed, 1)
    clock.at += 1
    timed.promote(ME, f"{NAME}@v2", "staging")
    timed.rollback(ME, NAME, "staging")
    clock.at += HOUR - 10
    with pytest.raises(GatesOpen) as caught:
        promote(timed, 1)
    assert "try again after" in caught.value.hint
    clock.at += 20
    promote(timed, 1)
    assert serves(timed) == 1


def test_a_clock_that_is_set_back_opens_nothing(timed: LocalRegistry, clock: Clock) -> None:
    publish(timed, 1)
    frozen = "freeze: {since: 2026-01-01, until: 2026-02-01, zone: UTC}"
    edit(timed, AFTER.replace("after: staging", frozen))
    clock.at = 1_768_000_000_000_000  # in January 2026: before what was written last
    promote(timed, 1)
    assert timed.alias(NAME, ALIAS)["version"] == 1
    edit(timed, AFTER.replace("after: staging", "after: {alias: staging, for: 1h}"))
    timed.promote(ME, f"{NAME}@v1", "staging")
    timed.retire(ME, NAME, ALIAS)
    clock.at -= 1000 * HOUR
    with pytest.raises(GatesOpen):
        promote(timed, 1)


def test_evidence_counts_for_exactly_the_digest(timed: LocalRegistry, clock: Clock) -> None:
    from pinset.domain.records import ResultRecord
    from pinset.ports.store import Files
    from pinset.services.session import writing

    def record(version: int, digest: str, score: str) -> None:
        with writing(timed._context, ME, "evidence", {}) as session:
            session.stage(
                lambda stamp: ResultRecord(
                    stamp=stamp, bundle=NAME, version=version, digest=digest, suite="g", score=score, threshold=None, passed=None
                ),
                Files(), lambda at: (at,) if at else (),
            )  # fmt: skip
            session.commit()

    publish(timed, 2)
    edit(timed, AFTER.replace("after: staging", 'evidence: {suite: g, score: ">= 0.9", within: 1d}'))
    first, second = (timed.summary(f"{NAME}@v{n}")["digest"] for n in (1, 2))
    record(1, first, "0.95")
    with pytest.raises(GatesOpen):
        promote(timed, 2)
    record(2, second, "0.95")
    record(2, second, "0.5")
    with pytest.raises(GatesOpen):
        promote(timed, 2)
    record(2, second, "0.9")
    clock.at += 24 * HOUR + 1_000_000
    with pytest.raises(GatesOpen):
        promote(timed, 2)
    record(2, second, "0.91")
    promote(timed, 2)
    assert serves(timed) == 2


def test_a_request_is_fulfilled_while_it_is_about_what_is_there(timed: LocalRegistry) -> None:
    from pinset.domain.records import Aim, Binding, RequestRecord, Stamp
    from pinset.services.moving import stage_move_for
    from pinset.services.session import writing

    publish(timed, 2)
    promote(timed, 1)
    edit(timed, AFTER)
    timed.promote(ME, f"{NAME}@v2", "staging")
    bound = Binding(
        aim=Aim.PROMOTE, bundle=NAME, alias=ALIAS, from_version=1, from_seq=1, to_version=2,
        digest=timed.summary(f"{NAME}@v2")["digest"], policy=1,
    )  # fmt: skip

    def staged(binding: Binding) -> Any:
        stamp = Stamp(serial=1, prev=None, at=1, actor="rob", operation="op")
        with writing(timed._context, ME, "test", {}) as session:
            return stage_move_for(session, RequestRecord(stamp=stamp, number=1, binding=binding, expires_at=2))

    made = staged(bound)
    assert (made.record.to_version, made.record.policy, made.record.request) == (2, 1, 1)
    for other in ({"from_seq": 2}, {"policy": 2}, {"policy": 0}, {"digest": "sha256:0"}, {"to_version": 7}):
        assert staged(replace(bound, **other)) is None
    timed.yank(ME, f"{NAME}@v2", reason="leaks")
    assert staged(bound) is None
    timed.unyank(ME, f"{NAME}@v2")
    timed.retire(ME, NAME, "staging")
    assert staged(bound) is None
    retiring = replace(bound, aim=Aim.RETIRE, to_version=None, digest=None)
    assert staged(retiring).record.to_version is None


def test_a_release_is_signed_before_it_passes(timed: LocalRegistry) -> None:
    from pinset.domain.keys import STATEMENTS
    from pinset.signing import make_private, statement

    publish(timed, 1)
    edit(timed, AFTER.replace("after: staging", "signed: author"))
    with pytest.raises(GatesOpen):
        promote(timed, 1)
    key = make_private()
    timed.keys.add(ME, "ana-laptop", key.public, purpose="author", person="ana")
    digest = timed.summary(f"{NAME}@v1")["digest"]
    said = statement(registry=timed.describe()["id"], bundle=NAME, digest=digest)
    timed.keys.sign(ME, f"{NAME}@v1", key.sign(said, STATEMENTS))
    asked = timed.policies.can_promote(ME, f"{NAME}@v1", ALIAS)
    assert (asked["can"], asked["gates"][0]["found"]) == (True, "signed by ana-laptop")
    promote(timed, 1)
    timed.keys.retire(ME, "ana-laptop", compromised=True)
    assert not timed.policies.can_promote(ME, f"{NAME}@v1", "production-2")["gates"]
    timed.retire(ME, NAME, ALIAS)
    with pytest.raises(GatesOpen):
        promote(timed, 1)


def test_an_approved_request_is_fulfilled_by_who_promotes_again(timed: LocalRegistry, clock: Clock) -> None:
    ana, ben = Caller(actor="ana"), Caller(actor="ben")
    publish(timed, 1)
    edit(timed, AFTER.replace("after: staging", "approvals: 1, after: {alias: staging, for: 1h}"))
    timed.promote(ME, f"{NAME}@v1", "staging")
    assert timed.promote(ana, f"{NAME}@v1", ALIAS)["action"] == "request"
    assert timed.requests.approve(ben, 1)["move"] is None
    again = timed.promote(ana, f"{NAME}@v1", ALIAS)
    assert (again["action"], again["request"]) == ("request", 1)
    asked = timed.policies.can_promote(ana, f"{NAME}@v1", ALIAS)
    assert [(gate["name"], gate["passed"]) for gate in asked["gates"]] == [("after", False), ("approvals", True)]
    clock.at += 2 * HOUR
    assert timed.policies.can_promote(ana, f"{NAME}@v1", ALIAS)["can"]
    moved = timed.promote(ana, f"{NAME}@v1", ALIAS)
    assert (moved["action"], moved["to"], moved["request"]) == ("promote", 1, 1)


def test_an_approved_edit_comes_into_force(timed: LocalRegistry) -> None:
    ana, ben, eve = Caller(actor="ana"), Caller(actor="ben"), Caller(actor="eve")
    shared = "format: 1\npolicy: {editors: [ana, ben], approvals: 1}\n"
    timed.policies.edit(ana, shared, reason="first")
    assert timed.policies.edit(ana, AFTER, reason="second")["request"] == 1
    for who in (ana, eve):
        with pytest.raises((PermissionDenied, OwnApproval)):
            timed.requests.approve(who, 1)
    assert timed.requests.approve(ben, 1)["policy"] == 2
    now = timed.policies.show()
    assert (now["number"], now["text"], now["request"], now["reason"]) == (2, AFTER, 1, "second")
