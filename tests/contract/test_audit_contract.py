"""The audit log, near and far: what was done, tried and refused, and the head that proves it later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish, rollback

from pinset.domain.records import DecisionRecord, MoveRecord, ResultRecord
from pinset.domain.records.trust import Aim, Binding, Decision, RequestRecord
from pinset.errors import AliasMoved, AlreadyExists, Barred, ChecksFailed, InvalidInput, InvalidName
from pinset.ports.audit import AuditFilter
from pinset.ports.registry import Caller
from pinset.ports.store import Files, TreeOf
from pinset.services.session import writing

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry


HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""For what is decided where the registry is, whoever asks from where."""


def told(registry: Registry, **wanted: Any) -> list[tuple[str, str, str | None]]:
    """Action, outcome and release of each item, newest first."""
    items = registry.audit.items(AuditFilter(**wanted), limit=500)["items"]
    return [(one["action"], one["outcome"], one["release"]) for one in items]


def walked(registry: Registry, limit: int, *, oldest_first: bool = False, **wanted: Any) -> list[dict[str, Any]]:
    """Every item, page by page."""
    found: list[Any] = []
    cursor = None
    while True:
        page = registry.audit.items(AuditFilter(**wanted), cursor=cursor, oldest_first=oldest_first, limit=limit)
        assert len(page["items"]) <= limit
        found += page["items"]
        if (cursor := page["next"]) is None:
            return found


def _history(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    rollback(registry, reason="worse")
    with pytest.raises(Barred):
        registry.promote(ME, f"{NAME}@v2", ALIAS, reason="once more")


def test_what_was_done_and_what_was_refused_are_one_log(registry: Registry) -> None:
    _history(registry)
    assert told(registry) == [
        ("promote", "refused", "support@v2"),
        ("rollback", "done", "support@v1"),
        ("promote", "done", "support@v2"),
        ("promote", "done", "support@v1"),
        ("publish", "done", "support@v2"),
        ("publish", "done", "support@v1"),
        ("init", "done", None),
    ]
    refused, back = registry.audit.items(limit=2)["items"]
    assert (back["from"], back["to"], back["reason"], back["serial"]) == (2, 1, "worse", 6)
    assert back["commit"] == registry.alias(NAME, ALIAS)["revision"]
    assert (refused["bundle"], refused["alias"], refused["from"], refused["to"]) == (NAME, ALIAS, 1, 2)
    assert (refused["code"], refused["reason"], refused["serial"]) == ("barred", "once more", None)
    assert "rolled back" in (refused["detail"] or "")


@HERE
def test_it_says_who_whose_credential_and_from_where(registry: Registry) -> None:
    ci = Caller(actor="ci", person="ada@example.org", via="token:abc 10.0.0.7")
    registry.publish(ci, files("Hello."))
    registry.publish(ci, files("Else."), label="1")
    with pytest.raises(AlreadyExists):
        registry.publish(ci, files("Other."), label="1")
    for item in registry.audit.items(AuditFilter(person="ada@example.org"))["items"]:
        who = item["actor"], item["person"], item["credential"], item["address"]
        assert who == ("ci", "ada@example.org", "token:abc", "10.0.0.7")
    assert told(registry, actor="ci") == told(registry, person="ada@example.org")
    assert len(told(registry, actor="ci")) == 3
    assert told(registry, person="ci") == []


@HERE
def test_each_filter_leaves_out_what_is_not_asked_for(registry: Registry) -> None:
    _history(registry)
    registry.publish(ME, files("Other.", bundle="other"), alias="canary")
    assert told(registry, bundle="other") == [("promote", "done", "other@v1"), ("publish", "done", "other@v1")]
    assert told(registry, alias="canary") == [("promote", "done", "other@v1")]
    assert told(registry, bundle=NAME, alias="canary") == []
    assert told(registry, outcome="refused") == [("promote", "refused", "support@v2")]
    assert [outcome for _, outcome, _ in told(registry, action="promote", bundle=NAME)] == ["refused", "done", "done"]
    assert told(registry, action="yank") == []
    assert told(registry, actor="nobody") == []
    items = registry.audit.items()["items"]
    at = {item["serial"]: item["at"] for item in items}
    assert [item["serial"] for item in registry.audit.items(AuditFilter(since=at[3], until=at[5]))["items"]] == [
        4,
        3,
    ]
    assert len(told(registry, since="1h")) == len(items)
    assert told(registry, until="1h") == []


MISTAKES: tuple[tuple[dict[str, str], type[InvalidInput], str], ...] = (
    ({"action": "promot"}, InvalidInput, "promote"),
    ({"outcome": "failed"}, InvalidInput, "done, refused"),
    ({"since": "yesterday"}, InvalidInput, "7d"),
    ({"since": "1h", "until": "2h"}, InvalidInput, "between"),
    ({"bundle": "../x"}, InvalidName, ""),
    ({"alias": "latest"}, InvalidName, ""),
)


def test_a_filter_that_nothing_fits_says_so(registry: Registry) -> None:
    for wanted, kind, says in MISTAKES:
        with pytest.raises(kind) as caught:
            registry.audit.items(AuditFilter(**wanted))
        assert (type(caught.value), says in caught.value.hint) == (kind, True), wanted


@HERE
def test_pages_tell_each_item_once_while_writing_goes_on(registry: Registry) -> None:
    _history(registry)
    whole = registry.audit.items(limit=500)["items"]
    first = registry.audit.items(limit=3)
    promote(registry, 1)  # nothing to do
    registry.publish(ME, files("Later."), alias="staging")
    with pytest.raises(Barred):
        promote(registry, 2)
    rest: list[Any] = []
    cursor = first["next"]
    while cursor is not None:
        page = registry.audit.items(cursor=cursor, limit=2)
        rest, cursor = [*rest, *page["items"]], page["next"]
    assert [one["at"] for one in [*first["items"], *rest]] == [one["at"] for one in whole]


def test_who_follows_misses_nothing_and_is_told_nothing_twice(registry: Registry) -> None:
    _history(registry)
    seen = walked(registry, 2, oldest_first=True)
    assert [one["at"] for one in seen] == sorted(one["at"] for one in seen)
    assert [one["at"] for one in seen][::-1] == [one["at"] for one in walked(registry, 3)]
    for item in seen:
        page = registry.audit.items(cursor=item["cursor"], oldest_first=True, limit=500)
        assert page["items"] == seen[seen.index(item) + 1 :]
    registry.publish(ME, files("Later."))
    after = registry.audit.items(cursor=seen[-1]["cursor"], oldest_first=True)
    assert [one["release"] for one in after["items"]] == ["support@v3"]
    with pytest.raises(InvalidInput, match="no place"):
        registry.audit.items(cursor="7")


@HERE
def test_a_page_that_looked_through_enough_says_where_to_go_on(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry, 6)
    monkeypatch.setattr("pinset.services.auditing.EXAMINED", 4)
    monkeypatch.setattr("pinset.services.auditing._BATCH", 2)
    page = registry.audit.items(AuditFilter(action="init"), limit=1)
    assert page["items"] == []
    assert page["next"] is not None
    assert [one["action"] for one in walked(registry, 1, action="init")] == ["init"]
    assert [one["serial"] for one in walked(registry, 3)] == [7, 6, 5, 4, 3, 2, 1]


@HERE
def test_a_dry_run_is_no_attempt(registry: Registry) -> None:
    _history(registry)
    before = told(registry)
    with pytest.raises(Barred):
        registry.promote(Caller(actor="ada", dry_run=True), f"{NAME}@v2", ALIAS)
    assert told(registry) == before


@HERE
def test_a_refused_publish_is_recorded_with_its_bundle_and_without_its_text(registry: Registry) -> None:
    key = "sk-proj-" + "a1B2c3D4" * 5
    with pytest.raises(ChecksFailed):
        registry.publish(ME, files(f"Use {key} and the secret sauce."), bundle=None)
    [item] = registry.audit.items(AuditFilter(outcome="refused", bundle=NAME))["items"]
    assert (item["action"], item["code"]) == ("publish", "checks_failed")
    assert key not in str(item)
    assert "sauce" not in str(item)


def test_one_refusal_is_one_row(registry: Registry, near: LocalRegistry) -> None:
    publish(registry, 2)
    promote(registry, 1)
    with pytest.raises(AliasMoved):
        registry.promote(ME, f"{NAME}@v2", ALIAS, expect="v2")
    promote(registry, 2)
    rollback(registry)
    with pytest.raises(Barred):
        promote(registry, 2)
    rows = [row for row in near._context.state.attempts() if row.code == "barred"]
    assert len(rows) == 1


@HERE
def test_tokens_are_in_the_log_and_their_secrets_are_not(near: LocalRegistry) -> None:
    secret = near.create_token(ME, "ci", can="read:support-*", person="ada")["token"]
    with pytest.raises(AlreadyExists):
        near.create_token(ME, "ci", can="admin")
    near.revoke_token(ME, "ci")
    items = near.audit.items(limit=3)["items"]
    found = [(one["action"], one["outcome"], one["target"], one["details"].get("can")) for one in items]
    assert found == [
        ("token-revoke", "done", "ci", "read:support-*"),
        ("token-create", "refused", "ci", None),
        ("token-create", "done", "ci", "read:support-*"),
    ]
    assert items[2]["details"]["token"] == items[0]["details"]["token"] == secret.split("_")[1]
    assert secret.split("_")[2] not in str(items)


@HERE
def test_a_move_is_told_with_the_evidence_that_stood_then(near: LocalRegistry) -> None:
    """The newest result of each suite, and who had approved; what came later is not told."""
    publish(near, 1)
    digest = near.release(f"{NAME}@v1")["digest"]
    promote(near, 1)
    _decided(near, digest)
    late = near.audit.items(AuditFilter(alias=ALIAS, action="promote"), limit=1)["items"][0]
    assert late["request"] == 1
    assert late["evidence"] == {
        "results": [
            {"suite": "accuracy", "score": "0.9", "threshold": "0.8", "passed": True, "serial": 5},
            {"suite": "safety", "score": None, "threshold": None, "passed": False, "serial": 6},
        ],
        "approvals": [{"person": "bob", "serial": 8}],
    }
    first = near.audit.items(AuditFilter(action="promote"), limit=10)["items"][-1]
    assert first["evidence"] == {"results": [], "approvals": []}
    assert [one["action"] for one in near.audit.items(AuditFilter(alias=ALIAS, bundle=NAME))["items"]] == [
        "reject", "promote", "approve", "request", "promote",
    ]  # fmt: skip
    assert told(near, action="evidence", bundle=NAME)[0] == ("evidence", "done", "support@v1")


def _decided(near: LocalRegistry, digest: str) -> None:
    """Results, a request, an approval of it, a move that fulfils it, and what comes too late."""
    context = near._context
    binding = Binding(
        aim=Aim.PROMOTE,
        bundle=NAME,
        alias=ALIAS,
        from_version=1,
        from_seq=1,
        to_version=1,
        digest=digest,
        policy=0,
    )

    def note(who: str, make: Any) -> None:
        with writing(context, Caller(actor=who), "note", {}) as session:
            session.stage(make, Files(), lambda at: (at,) if at else ())
            session.commit()

    def result(suite: str, score: str | None, threshold: str | None, *, passed: bool) -> Any:
        return lambda stamp: ResultRecord(
            stamp=stamp,
            bundle=NAME,
            version=1,
            digest=digest,
            suite=suite,
            score=score,
            threshold=threshold,
            passed=passed,
        )

    note("ci", result("accuracy", "0.5", "0.8", passed=False))
    note("ci", result("accuracy", "0.9", "0.8", passed=True))
    note("ci", result("safety", None, None, passed=False))
    note("ada", lambda stamp: RequestRecord(stamp=stamp, number=1, binding=binding, expires_at=stamp.at + 10**12))
    decided = {"number": 1, "binding": binding}
    note("bob", lambda stamp: DecisionRecord(stamp=stamp, decision=Decision.APPROVE, **decided))
    with writing(context, ME, "promote", {}) as session:
        row, move = session.catalog.release(NAME, 1), session.catalog.alias(NAME, ALIAS)
        assert row is not None
        assert move is not None
        fields = {"bundle": NAME, "alias": ALIAS, "seq": 2, "action": move.record.action, "back": 1, "request": 1}
        session.stage(
            lambda stamp: MoveRecord(stamp=stamp, from_version=1, to_version=1, **fields),
            TreeOf(row.commit),
            lambda at: (at or "", row.commit),
        )
        session.commit()
    note("ci", result("accuracy", "0.1", "0.8", passed=False))
    note("eve", lambda stamp: DecisionRecord(stamp=stamp, decision=Decision.REJECT, **decided))


# -- the head --------------------------------------------------------------------------------------------------


def test_a_kept_head_holds_and_what_came_since_is_counted(registry: Registry) -> None:
    publish(registry, 1)
    head = registry.audit.head()
    about = registry.describe()
    assert head["line"] == f"{about['id']} {about['epoch']} {about['serial']} {about['head']} {about['changed_at']}"
    promote(registry, 1)
    found = registry.audit.verify(f"{head['line']}\n")
    assert (found["ok"], found["verdict"], found["since"], found["problems"]) == (True, "holds", 1, [])
    assert found["kept"] == head
    assert found["head"] == registry.audit.head()


def test_a_head_of_another_registry_or_of_what_is_not_there_does_not_hold(registry: Registry) -> None:
    publish(registry, 1)
    identity, epoch, serial, commit, at = registry.audit.head()["line"].split()
    other = "00000000-0000-4000-8000-000000000000"
    cases = {
        f"{other} {epoch} {serial} {commit} {at}": "another_registry",
        f"{identity} {epoch} 9 {commit} {at}": "truncated",
        f"{identity} {epoch} {serial} {'0' * 40} {at}": "rewritten",
        f"{identity} 2 {serial} {commit} {at}": "rewritten",
        f"{identity} {epoch} {serial} {commit} 2025-03-14T09:30:00.000000Z": "rewritten",
    }
    for line, verdict in cases.items():
        found = registry.audit.verify(line)
        assert (found["ok"], found["verdict"]) == (False, verdict), line
    for broken in ("", "head", f"{identity} {epoch} {serial} {commit}", f"{identity} 0 1 {commit} {at}"):
        with pytest.raises(InvalidInput, match="no head"):
            registry.audit.verify(broken)
