"""Requests and approvals: who may let a move happen, of what exactly, until when; and every way around it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from registry_steps import files

from pinset import bootstrap
from pinset.domain import messages
from pinset.domain.access import parse_grants
from pinset.domain.notes import digest_of_text, texts_of
from pinset.errors import (
    Barred,
    GatesOpen,
    Integrity,
    InvalidInput,
    NotFound,
    OwnApproval,
    PermissionDenied,
    PinsetError,
    RequestChanged,
    RequestClosed,
    Yanked,
)
from pinset.ports.registry import Caller
from pinset.ports.store import Files, NewCommit
from pinset.services import requests
from pinset.services.settling import Settler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

ANA, BEN, CARL, DORA = (Caller(actor=name) for name in ("ana", "ben", "carl", "dora"))
"""Ana publishes, Carl asks, Ben and Dora approve."""
ONE: Final = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: {count: 1, within: 1d}}]\n"
TWO: Final = ONE.replace("count: 1", "count: 2")
EVIDENCE: Final = (
    "format: 1\nrules:\n"
    "- {bundles: '*', aliases: production, approvals: 1, evidence: [{suite: tone, score: '>= 0.8', within: 14d}]}\n"
)
FROZEN: Final = (
    "format: 1\nrules: [{bundles: '*', aliases: production, approvals: 1, after: {alias: staging, for: 1h}}]\n"
)
HOUR: Final = 3_600_000_000


class Clock:
    """A clock that says what it is told."""

    at = 0

    def now(self) -> int:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(clock: Clock) -> Iterator[LocalRegistry]:
    """A registry in memory whose time is ours, with three releases and v1 in production; it must prove sound in the end."""
    made = bootstrap.memory_registry()
    clock.at = made._context.clock.now() + HOUR
    made._context = replace(made._context, clock=clock)
    for number in (1, 2, 3):
        made.publish(ANA, files(f"Text {number}."))
    made.promote(ANA, "support@v1", "production")
    made.policies.edit(ANA, ONE, reason="the first")
    yield made
    proven = made.verify()
    made.close()
    assert proven["ok"], proven["problems"]


def ask(registry: LocalRegistry, version: int = 2, **more: Any) -> int:
    answer = registry.promote(CARL, f"support@v{version}", "production", **more)
    assert answer["action"] == "request", answer
    number = answer["request"]
    assert number is not None
    return number


def serves(registry: LocalRegistry) -> Any:
    return registry.alias("support", "production")["version"]


def policy(registry: LocalRegistry, text: str) -> None:
    assert registry.policies.edit(ANA, text, reason="another")["changed"]


def state(registry: LocalRegistry, number: int = 1) -> str:
    return registry.requests.show(number)["state"]


def rows(registry: LocalRegistry) -> Any:
    with registry._context.catalog.reading() as reader:
        return list(reader.dump())


# What happens where nothing is wrong


def test_a_promotion_that_lacks_approvals_becomes_a_request_and_the_last_approval_makes_the_move(
    registry: LocalRegistry,
) -> None:
    policy(registry, TWO)
    number = ask(registry, reason="shorter")
    assert (serves(registry), state(registry)) == (1, "open")
    first = registry.requests.approve(BEN, number, reason="looked")
    assert (first["move"], first["request"]["approvals"], serves(registry)) == (None, ["ben"], 1)
    last = registry.requests.approve(DORA, number)
    assert last["request"]["state"] == "done"
    assert (last["move"]["from"], last["move"]["to"]) == (1, 2)
    (item, *_) = registry.history("support", "production")["items"]
    assert (item["actor"], item["reason"], item["request"], item["policy"]) == ("dora", "shorter", number, 2)
    # Both commits are of one write.
    done = registry.operation(str(last["operation"]))["commits"]
    assert [one["ref"].split("/")[2] for one in done] == ["evidence", "aliases"]
    assert registry.requests.show(number)["decisions"][0]["reason"] == "looked"


def test_asking_again_answers_the_open_request(registry: LocalRegistry) -> None:
    number, before = ask(registry), None
    before = rows(registry)
    again = registry.promote(DORA, "support@v2", "production", reason="in other words")
    assert (again["request"], again["operation"]) == (number, None)
    assert rows(registry) == before
    assert ask(registry, 3) == number + 1
    assert [one["number"] for one in registry.requests.list(state="open")["items"]] == [2, 1]


def test_evidence_that_passes_the_last_gate_makes_the_move(registry: LocalRegistry) -> None:
    policy(registry, EVIDENCE)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    assert state(registry) == "open"
    low = registry.evidence.add(DORA, "support@v2", suite="tone", score="0.79")
    assert (low["moves"], serves(registry)) == ([], 1)
    high = registry.evidence.add(replace(DORA, key="k"), "support@v2", suite="tone", score="0.8")
    assert [(move["to"], move["request"]) for move in high["moves"]] == [(2, number)]
    assert registry.evidence.add(replace(DORA, key="k"), "support@v2", suite="tone", score="0.8") == high
    assert (serves(registry), state(registry)) == (2, "done")


def test_time_that_passes_the_last_gate_is_seen_by_the_server_and_by_hand(
    registry: LocalRegistry, clock: Clock
) -> None:
    policy(registry, FROZEN)
    registry.promote(ANA, "support@v2", "staging")
    number = ask(registry)
    settler = Settler(registry._context)
    registry.requests.approve(BEN, number)
    assert (settler.look(), serves(registry), state(registry)) == ([], 1, "open")
    clock.at += HOUR + 1_000_000
    assert state(registry) == "approved"
    before = rows(registry)
    tried = registry.requests.settle(replace(DORA, dry_run=True))
    assert (tried["requests"], rows(registry)) == ([number], before)
    assert settler.look() == [number]
    assert (serves(registry), state(registry), settler.look()) == (2, "done", [])
    assert registry.history("support", "production")["items"][0]["actor"] == "pinset"
    registry.promote(ANA, "support@v3", "staging")
    registry.requests.approve(BEN, ask(registry, 3))
    clock.at += HOUR + 1_000_000
    assert registry.requests.settle(DORA)["requests"] == [2]
    assert (serves(registry), registry.requests.settle(DORA)["requests"]) == (3, [])


def test_a_settler_looks_at_nothing_while_nothing_happens(registry: LocalRegistry, monkeypatch: Any) -> None:
    settler = Settler(registry._context)
    settler.look()
    monkeypatch.setattr(settler, "_ready", lambda _reader: pytest.fail("there is nothing to look at"))
    assert settler.look() == []


def test_a_retirement_waits_for_approvals_too(registry: LocalRegistry) -> None:
    answer = registry.retire(CARL, "support", "production", reason="unused")
    assert (answer["action"], serves(registry)) == ("request", 1)
    assert registry.requests.approve(BEN, answer["request"] or 0)["move"]["action"] == "retire"
    assert serves(registry) is None


def test_a_publish_with_an_alias_publishes_and_asks(registry: LocalRegistry) -> None:
    published = registry.publish(replace(ANA, key="p"), files("Four."), alias="production")
    assert (published["created"], published["move"]["action"], serves(registry)) == (True, "request", 1)
    assert registry.publish(replace(ANA, key="p"), files("Four."), alias="production")["move"] == published["move"]
    registry.requests.approve(BEN, published["move"]["request"])
    assert serves(registry) == 4


def test_a_change_of_the_policy_is_approved_by_other_editors(registry: LocalRegistry) -> None:
    own = ONE + "policy: {editors: [ana, ben, carl], approvals: 1}\n"
    policy(registry, own)
    wanted = registry.policies.edit(ANA, own + "# more\n", reason="more")
    number = wanted["request"]
    assert number is not None
    assert (wanted["changed"], registry.policies.show()["number"]) == (False, 2)
    for who, error in ((ANA, OwnApproval), (DORA, PermissionDenied)):
        with pytest.raises(error):
            registry.requests.approve(who, number)
    answer = registry.requests.approve(BEN, number)
    assert (answer["policy"], answer["request"]["state"], answer["move"]) == (3, "done", None)
    now = registry.policies.show()
    assert (now["number"], now["text"], now["request"], now["reason"]) == (3, own + "# more\n", number, "more")


# Who may not


def test_who_asked_and_who_published_cannot_approve(registry: LocalRegistry) -> None:
    number, before = ask(registry), rows(registry)
    before = rows(registry)
    for who in (CARL, ANA):
        with pytest.raises(OwnApproval):
            registry.requests.approve(who, number)
    assert rows(registry) == before


def test_a_second_credential_of_the_same_person_counts_for_nothing(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number = ask(registry)
    for own in (Caller(actor="carl-laptop", person="carl"), Caller(actor="ci", person="ana")):
        with pytest.raises(OwnApproval):
            registry.requests.approve(own, number)
    registry.requests.approve(BEN, number)
    again = registry.requests.approve(Caller(actor="ben-laptop", person="ben"), number)
    assert (again["changed"], again["request"]["approvals"], serves(registry)) == (False, ["ben"], 1)
    assert registry.requests.approve(Caller(actor="d", person="dora"), number)["move"] is not None


def test_approving_twice_counts_once(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    before = rows(registry)
    assert registry.requests.approve(BEN, number, reason="again")["operation"] is None
    assert (rows(registry), serves(registry)) == (before, 1)


def test_an_approver_without_the_grant_is_refused(registry: LocalRegistry) -> None:
    number, before = ask(registry), rows(registry)
    before = rows(registry)
    for grants in ("read", "approve:other", "approve:support@staging", "promoter write"):
        with pytest.raises(PermissionDenied):
            registry.requests.approve(Caller(actor="ben", grants=parse_grants(grants)), number)
        with pytest.raises(PermissionDenied):
            registry.requests.reject(Caller(actor="ben", grants=parse_grants(grants)), number, reason="no")
    assert rows(registry) == before
    able = Caller(actor="ben", grants=parse_grants("approve:sup*@production"))
    assert registry.requests.approve(able, number)["move"] is not None


def test_only_who_asked_takes_a_request_back(registry: LocalRegistry) -> None:
    number = ask(registry)
    with pytest.raises(PermissionDenied):
        registry.requests.withdraw(BEN, number)
    assert registry.requests.withdraw(CARL, number)["request"]["state"] == "withdrawn"
    assert registry.requests.withdraw(CARL, number)["changed"] is False
    with pytest.raises(RequestClosed):
        registry.requests.approve(BEN, number)


# What changed meanwhile


def test_a_new_request_begins_without_approvals(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    registry.requests.approve(BEN, ask(registry))
    other = ask(registry, 3)
    assert registry.requests.show(other)["approvals"] == []
    registry.requests.approve(DORA, other)
    assert serves(registry) == 1, "the approval of v2 is none of v3"


def test_a_request_dies_when_the_alias_was_moved(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number, rival = ask(registry), ask(registry, 3)
    registry.requests.approve(BEN, number)
    for who in (BEN, DORA):
        registry.requests.approve(who, rival)
    assert serves(registry) == 3
    with pytest.raises(RequestClosed, match="moved otherwise: it serves v3"):
        registry.requests.approve(DORA, number)
    assert (state(registry, number), serves(registry)) == ("dead", 3)


def test_a_request_stays_dead_when_the_alias_serves_the_same_again(registry: LocalRegistry) -> None:
    number, rival = ask(registry), ask(registry, 3)
    registry.requests.approve(BEN, rival)
    registry.rollback(DORA, "support", "production")
    assert (serves(registry), state(registry, number)) == (1, "dead")


def test_a_request_dies_when_the_policy_changed(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    policy(registry, ONE)
    assert serves(registry) == 1, "one approval would be enough now, and it was given under another policy"
    with pytest.raises(RequestClosed, match="policy is another one"):
        registry.requests.approve(DORA, number)
    assert registry.requests.settle(DORA)["requests"] == []
    again = ask(registry)
    assert (again, registry.requests.show(again)["approvals"]) == (number + 1, [])


def test_a_request_for_a_yanked_or_barred_release(registry: LocalRegistry) -> None:
    number = ask(registry)
    registry.yank(ANA, "support@v2", reason="leaks")
    with pytest.raises(RequestClosed, match="was yanked"):
        registry.requests.approve(BEN, number)
    with pytest.raises(Yanked):
        registry.promote(CARL, "support@v2", "production")
    registry.unyank(ANA, "support@v2")
    assert state(registry, number) == "dead", "a yank ends it for good"
    registry.requests.approve(BEN, ask(registry, 3))
    registry.rollback(DORA, "support", "production")
    with pytest.raises(Barred):
        registry.promote(CARL, "support@v3", "production")
    barred = ask(registry, 3, again=True, reason="mended outside")
    assert registry.requests.approve(BEN, barred)["move"]["to"] == 3


def test_a_rejected_request_is_not_revived(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    with pytest.raises(InvalidInput):
        registry.requests.reject(DORA, number, reason=" ")
    assert registry.requests.reject(DORA, number, reason="rude")["request"]["state"] == "rejected"
    for who in (DORA, Caller(actor="eve")):
        with pytest.raises(RequestClosed, match="dora rejected it: rude"):
            registry.requests.approve(who, number)
    assert registry.requests.settle(ANA)["requests"] == []
    assert (ask(registry), serves(registry)) == (number + 1, 1)


# Time


def test_an_expired_request_stays_expired_when_the_clock_is_set_back(registry: LocalRegistry, clock: Clock) -> None:
    policy(registry, TWO)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    clock.at += 24 * HOUR + 1_000_000
    assert state(registry) == "expired"
    registry.evidence.add(DORA, "support@v1", suite="any", score="1")
    clock.at -= 25 * HOUR
    assert state(registry) == "expired"
    with pytest.raises(RequestClosed, match="waited until"):
        registry.requests.approve(DORA, number)
    clock.at += 25 * HOUR
    assert ask(registry) == number + 1
    assert registry.requests.show(number + 1)["approvals"] == []


def test_old_evidence_does_not_let_an_approved_request_pass(registry: LocalRegistry, clock: Clock) -> None:
    policy(registry, EVIDENCE.replace("14d", "1h"))
    registry.evidence.add(DORA, "support@v2", suite="tone", score="0.9")
    number = ask(registry)
    clock.at += 2 * HOUR
    assert registry.requests.approve(BEN, number)["move"] is None
    assert (serves(registry), state(registry)) == (1, "open")


# Evidence


def test_evidence_of_another_digest_does_not_count(registry: LocalRegistry) -> None:
    policy(registry, EVIDENCE)
    number = ask(registry)
    registry.requests.approve(BEN, number)
    other = registry.evidence.add(DORA, "support@v3", suite="tone", score="1")
    assert (other["moves"], serves(registry)) == ([], 1)
    gates = {gate["name"]: gate["passed"] for gate in registry.requests.show(number)["gates"]}
    assert gates == {"approvals": True, "evidence tone": False}


def test_evidence_of_the_same_content_counts(registry: LocalRegistry) -> None:
    policy(registry, EVIDENCE)
    registry.publish(ANA, files("Text 2."), label="2025-03-14")
    number = ask(registry)
    registry.requests.approve(BEN, number)
    assert registry.evidence.add(DORA, "support@v4", suite="tone", score="1")["moves"][0]["to"] == 2


def test_a_later_worse_result_overrides(registry: LocalRegistry) -> None:
    policy(registry, EVIDENCE)
    registry.evidence.add(DORA, "support@v2", suite="tone", score="0.9")
    registry.evidence.add(DORA, "support@v2", suite="tone", score="0.5")
    assert registry.requests.approve(BEN, ask(registry))["move"] is None
    assert serves(registry) == 1


# At once, again, and by hand


def test_two_approvals_at_the_same_instant_are_one_move(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number, ends = ask(registry), threading.Barrier(3)
    found: list[Any] = []

    def approve(name: str) -> None:
        ends.wait()
        try:
            found.append(registry.requests.approve(Caller(actor=name), number))
        except PinsetError as error:
            found.append(error)

    threads = [threading.Thread(target=approve, args=(name,)) for name in ("ben", "dora", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    moves = [one["move"] for one in found if isinstance(one, dict) and one["move"]]
    assert len(moves) == 1
    assert sum(isinstance(one, RequestClosed) for one in found) == 1
    assert len(registry.history("support", "production")["items"]) == 2


def test_a_retried_approval_has_one_effect_and_the_first_answer(registry: LocalRegistry) -> None:
    number, keyed = ask(registry), replace(BEN, key="k")
    first = registry.requests.approve(keyed, number, reason="fine")
    again = registry.requests.approve(keyed, number, reason="fine")
    assert (again["move"], again["operation"], again["changed"]) == (first["move"], first["operation"], True)
    assert len(registry.history("support", "production")["items"]) == 2


def test_a_dry_run_decides_nothing(registry: LocalRegistry) -> None:
    number, before = ask(registry), rows(registry)
    before = rows(registry)
    tried = registry.requests.approve(replace(BEN, dry_run=True), number)
    assert (tried["move"]["to"], tried["request"]["state"], tried["operation"]) == (2, "done", None)
    assert registry.promote(replace(CARL, dry_run=True), "support@v3", "production")["action"] == "request"
    assert rows(registry) == before


def test_an_approval_of_another_request_than_the_one_seen_is_refused(registry: LocalRegistry) -> None:
    number = ask(registry)
    with pytest.raises(RequestChanged):
        registry.requests.approve(BEN, number, revision="0" * 40)
    with pytest.raises(NotFound):
        registry.requests.approve(BEN, 9)
    seen = registry.requests.show(number)["revision"]
    assert registry.requests.approve(BEN, number, revision=seen)["changed"]


def test_lists_show_what_may_be_read_page_by_page(registry: LocalRegistry) -> None:
    registry.publish(ANA, files("Hi.", bundle="other"))
    for number in range(3):
        registry.requests.withdraw(CARL, ask(registry, 2 + number % 2))
    registry.promote(CARL, "other@v1", "production")
    first = registry.requests.list(limit=2)
    rest = registry.requests.list(limit=2, cursor=first["next"])
    assert [one["number"] for page in (first, rest) for one in page["items"]] == [4, 3, 2, 1]
    assert [one["number"] for one in registry.requests.list(state="withdrawn")["items"]] == [3, 2, 1]
    assert [one["number"] for one in registry.requests.list(bundle="other")["items"]] == [4]
    seen = registry.seen_by(parse_grants("read:other"))
    assert [one["number"] for one in seen.requests.list()["items"]] == [4]
    with pytest.raises(PermissionDenied):
        seen.requests.show(1)
    with pytest.raises(InvalidInput):
        registry.requests.list(state="shut")


def test_what_happens_to_requests_is_told_and_survives_a_reindex(registry: LocalRegistry) -> None:
    after = registry.describe()["serial"]
    registry.requests.approve(BEN, ask(registry))
    registry.evidence.add(DORA, "support@v2", suite="tone", score="1")
    told = [event for event in registry.events(after=after, wait=0) if event["event"] != "ready"]
    assert [event["event"] for event in told] == ["request", "decision", "move", "result"]
    assert [event["event"] for event in registry.events(after=after, wait=0, aliases=["production"])] == [
        "ready",
        "move",
    ]
    before, shown = rows(registry), registry.requests.show(1)
    registry.reindex()
    assert (rows(registry), registry.requests.show(1)) == (before, shown)


# Over HTTP, where the token says who it is


@pytest.fixture
def people(near: LocalRegistry, reach: Callable[[str | None], Any]) -> dict[str, Any]:
    """The registry as each of them reaches it."""
    can = {"ana": "admin", "carl": "promoter", "ben": "approver", "eve": "author"}
    tokens = {name: near.create_token(ANA, name, can=verbs)["token"] for name, verbs in can.items()}
    tokens["carl-too"] = near.create_token(ANA, "carl-too", can="approver", person="carl")["token"]
    made = {name: reach(token) for name, token in tokens.items()}
    for number in (1, 2, 3):
        made["ana"].publish(ANA, files(f"Text {number}."))
    made["ana"].promote(ANA, "support@v1", "production")
    made["ana"].policies.edit(ANA, EVIDENCE, reason="the first")
    return made


@pytest.mark.parametrize("where", ["http"], indirect=True)
def test_over_http_a_move_is_asked_for_approved_and_made(people: dict[str, Any]) -> None:
    who = Caller(actor="whatever it says here")
    asked = people["carl"].promote(who, "support@v2", "production", reason="shorter")
    assert (asked["action"], asked["operation"] is not None) == ("request", True)
    assert people["carl"].promote(who, "support@v2", "production")["request"] == asked["request"]
    for name, error in (
        ("carl", PermissionDenied),
        ("carl-too", OwnApproval),
        ("ana", OwnApproval),
        ("eve", PermissionDenied),
    ):
        with pytest.raises(error):
            people[name].requests.approve(who, 1)
    with pytest.raises(RequestChanged):
        people["ben"].requests.approve(who, 1, revision="0" * 40)
    seen = people["ben"].requests.show(1)
    assert [gate["name"] for gate in seen["gates"] if not gate["passed"]] == ["evidence tone", "approvals"]
    keyed = replace(who, key="k1")
    first = people["ben"].requests.approve(keyed, 1, revision=seen["revision"])
    assert (first["move"], first["request"]["approvals"]) == (None, ["ben"])
    assert people["ben"].requests.approve(keyed, 1, revision=seen["revision"]) == first
    done = people["eve"].evidence.add(who, "support@v2", suite="tone", score="0.9")
    assert [move["to"] for move in done["moves"]] == [2]
    assert people["carl"].requests.list(state="done")["items"][0]["why"].startswith("support@production serves v2")
    with pytest.raises(RequestClosed):
        people["ben"].requests.reject(who, 1, reason="too late")
    with pytest.raises(NotFound):
        people["ben"].requests.show(2)


@pytest.mark.parametrize("where", ["http"], indirect=True)
def test_over_http_a_request_dies_with_what_it_is_about(people: dict[str, Any]) -> None:
    who = Caller(actor="-")
    people["carl"].promote(who, "support@v2", "production")
    people["ben"].requests.approve(who, 1)
    people["ana"].policies.edit(who, EVIDENCE + "# more\n", reason="more")
    added = people["eve"].evidence.add(who, "support@v2", suite="tone", score="0.9")
    assert added["moves"] == []
    with pytest.raises(RequestClosed) as caught:
        people["ben"].requests.approve(who, 1)
    assert caught.value.details["state"] == "dead"
    assert people["ana"].requests.settle(who)["requests"] == []
    with pytest.raises(PermissionDenied):
        people["ben"].requests.settle(who)


# Rewritten afterwards


@pytest.mark.parametrize("more", [True, False])
def test_verify_finds_evidence_that_was_rewritten(memory: LocalRegistry, more: bool) -> None:
    memory.publish(ANA, files("One."))
    commit = memory.evidence.add(ANA, "support@v1", suite="tone", report='{"suite": "tone", "score": 0.1}')["items"][0][
        "commit"
    ]
    if more:
        memory.publish(ANA, files("Two."))
    store: Any = memory._context.store
    stored = store.read("refs/heads/evidence/support", commit)
    better = stored.message.replace("0.1", "0.9")
    with store.exclusive():
        forged = store.write(
            NewCommit(tree=Files(stored.files), parents=stored.parents, message=better, author="ana", at=0)
        )
    store._refs = {**store._refs, "refs/heads/evidence/support": forged.commit}
    assert not memory.verify()["ok"]
    assert memory.evidence.of_release("support@v1")["items"][0]["score"] == "0.1", "what is shown is what was recorded"


def test_a_report_of_other_bytes_is_found(memory: LocalRegistry) -> None:
    memory.publish(ANA, files("One."))
    report = '{"suite": "tone", "score": 0.1}'
    commit = memory.evidence.add(ANA, "support@v1", report=report)["items"][0]["commit"]
    stored = memory._context.store.read("refs/heads/evidence/support", commit)
    record = messages.decode(stored.message)
    assert texts_of(record, stored.files) == {digest_of_text(report).removeprefix("sha256:"): report}
    with pytest.raises(Integrity):
        texts_of(record, {"report.json": report.replace("0.1", "0.9")})


def test_who_published_the_content_first_cannot_approve_it_under_another_number(registry: LocalRegistry) -> None:
    registry.publish(ANA, files("Text 4."))
    registry.publish(CARL, files("Text 4."), label="1.0")
    number = ask(registry, 5)
    with pytest.raises(OwnApproval, match="same content"):
        registry.requests.approve(ANA, number)
    registry.requests.approve(BEN, number)
    assert serves(registry) == 5


def test_a_bad_result_is_not_hidden_behind_many_others(
    registry: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinset.services.gates._MOST_RESULTS", 2)
    monkeypatch.setattr("pinset.services.gates._PAGE", 1)
    policy(registry, EVIDENCE.replace("approvals: 1, ", "").replace("suite: tone", "suite: tone, by: [dora]"))
    registry.publish(ANA, files("Text 2."), label="1.0")
    registry.evidence.add(DORA, "support@v2", suite="tone", score="0.9")
    registry.evidence.add(DORA, "support@v4", suite="tone", score="0.1")
    for suite in ("a", "b", "c"):
        registry.evidence.add(ANA, "support@v4", suite=suite, score="1")
    with pytest.raises(GatesOpen, match="1 gate of 1"):
        registry.promote(CARL, "support@v2", "production")
    registry.evidence.add(DORA, "support@v2", suite="tone", score="0.95")
    assert registry.promote(CARL, "support@v2", "production")["action"] == "promote"


def test_who_asks_and_withdraws_over_and_over_slows_nobody_down(
    registry: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinset.services.requests._AT_ONCE", 2)
    for _ in range(4):
        registry.requests.withdraw(CARL, ask(registry))
    looked: list[int] = []
    standing = requests.standing

    def counted(reader: Any, request: Any, at: int) -> Any:
        looked.append(request.number)
        return standing(reader, request, at)

    monkeypatch.setattr(requests, "standing", counted)
    monkeypatch.setattr("pinset.services.gates._PAGE", 2)
    assert ask(registry) == 5
    assert len(looked) <= 4


def test_capital_letters_make_no_other_person(registry: LocalRegistry) -> None:
    policy(registry, TWO)
    number = ask(registry)
    for name in ("CARL", "Ana"):
        with pytest.raises(OwnApproval):
            registry.requests.approve(Caller(actor="oidc:x", person=name), number)
    registry.requests.approve(BEN, number)
    registry.requests.approve(Caller(actor="oidc:x", person="Ben"), number)
    assert (state(registry), registry.requests.show(number)["approvals"]) == ("open", ["ben"])
    registry.requests.approve(DORA, number)
    assert serves(registry) == 2


def test_of_very_many_requests_each_has_its_turn(
    registry: LocalRegistry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pinset.services.settling._AT_ONCE", 1)
    policy(registry, FROZEN)
    registry.promote(ANA, "support@v3", "staging")
    ask(registry, 2)
    registry.requests.approve(BEN, ask(registry, 3))
    ask(registry, 2, again=True, reason="and so on")
    clock.at += HOUR + 1_000_000
    settler = Settler(registry._context)
    assert [settler.look() for _ in range(3)] == [[], [2], []]
