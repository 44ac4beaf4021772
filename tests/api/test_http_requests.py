"""Requests over HTTP as a client sees them: statuses, tags, preconditions, replays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

ANA = Caller(actor="ana")
ALIAS = "/v1/bundles/support/aliases/production"
DECISIONS = ("approve", "reject", "withdraw")
WANTED = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: 1}]\n"


@pytest.fixture
def headers(memory: LocalRegistry, manifest: Any) -> Callable[..., dict[str, str]]:
    """The headers of somebody; v1 is to be promoted, which wants an approval."""
    memory.publish(ANA, manifest())
    memory.policies.edit(ANA, WANTED, reason="first")
    can = {"carl": "promoter", "ben": "approver", "eve": "read"}
    tokens = {name: memory.create_token(ANA, name, can=what)["token"] for name, what in can.items()}
    return lambda who, **more: {"Authorization": f"Bearer {tokens[who]}", **more}


def test_a_promotion_that_waits_is_202_and_its_approval_may_be_held_to_what_was_seen(
    api: Any, headers: Callable[..., dict[str, str]]
) -> None:
    body = {"release": "v1", "reason": "ready"}
    asked = api("PUT", ALIAS, json=body, headers=headers("carl", **{"If-None-Match": "*", "Idempotency-Key": "k1"}))
    assert (asked.status_code, asked.json()["action"], asked.json()["request"]) == (202, "request", 1)
    assert "etag" not in asked.headers
    again = api("PUT", ALIAS, json=body, headers=headers("carl", **{"If-None-Match": "*", "Idempotency-Key": "k1"}))
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (202, asked.json(), "true")
    seen = api("GET", "/v1/requests/1", headers=headers("ben"))
    assert (seen.status_code, seen.json()["state"]) == (200, "open")
    refused = [
        api("POST", "/v1/requests/1/approve", json={}, headers=headers(who, **more))
        for who, more in (("eve", {}), ("carl", {}), ("ben", {"If-Match": '"' + "0" * 40 + '"'}))
    ]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [
        (403, "permission_denied"), (403, "permission_denied"), (412, "request_changed"),
    ]  # fmt: skip
    matching = {"If-Match": seen.headers["etag"], "Idempotency-Key": "k2"}
    done = api("POST", "/v1/requests/1/approve", json={"reason": "fine"}, headers=headers("ben", **matching))
    assert (done.status_code, done.json()["move"]["to"]) == (200, 1)
    replayed = api("POST", "/v1/requests/1/approve", json={"reason": "fine"}, headers=headers("ben", **matching))
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (done.json(), "true")
    closed = api("POST", "/v1/requests/1/reject", json={"reason": "late"}, headers=headers("ben"))
    assert (closed.status_code, closed.json()["code"], closed.json()["details"]["state"]) == (
        409,
        "request_closed",
        "done",
    )
    assert api("GET", "/v1/requests?state=shut", headers=headers("ben")).status_code == 422


def test_evidence_is_201_and_its_report_plain_text(api: Any, memory: LocalRegistry, manifest: Any) -> None:
    memory.publish(ANA, manifest())
    place = "/v1/bundles/support/releases/v1/evidence"
    report = "<testsuite name='tone'><testcase/></testsuite>"
    made = api("POST", place, json={"report": report})
    assert (made.status_code, made.json()["items"][0]["suite"]) == (201, "tone")
    tried = api("POST", f"{place}?dry_run=true", json={"suite": "a", "score": "1"})
    assert (tried.status_code, tried.json()["operation"]) == (200, None)
    kept = api("GET", f"{place}/tone/report")
    assert (kept.text, kept.headers["content-type"]) == (report, "text/plain; charset=utf-8")
    assert kept.headers["x-content-type-options"] == "nosniff"
    for body in ({"suite": "a", "score": 1}, {"suite": "a", "score": "NaN"}, {"suite": "a", "scores": "1"}):
        assert api("POST", place, json=body).status_code == 422


def test_a_number_tells_nobody_of_which_bundle_a_request_is(
    memory: LocalRegistry, api: Any, headers: Callable[..., dict[str, str]]
) -> None:
    keyed = headers("carl", **{"If-None-Match": "*", "Idempotency-Key": "k1"})
    operation = api("PUT", ALIAS, json={"release": "v1"}, headers=keyed).json()["operation"]
    token = memory.create_token(ANA, "zoe", can="read:other approve:other policy")["token"]
    zoe = {"Authorization": f"Bearer {token}"}
    told = [
        api("GET", "/v1/requests/1", headers=zoe),
        *(api("POST", f"/v1/requests/1/{what}", json={"reason": "x"}, headers=zoe) for what in DECISIONS),
        api("GET", f"/v1/operations/{operation}", headers=zoe),
    ]
    assert [answer.status_code for answer in told] == [403] * 5
    assert not [answer.text for answer in told if "support" in answer.text]
    reader = memory.create_token(ANA, "yan", can="read approve:other")["token"]
    near = api("POST", "/v1/requests/1/approve", json={}, headers={"Authorization": f"Bearer {reader}"})
    assert near.json()["details"]["needs"] == "approve:support@production"
