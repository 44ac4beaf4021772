"""The audit log over HTTP: who sees what, what a request that is refused leaves behind, and a log that is full."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinset.errors import ReadOnly
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
ALIAS = "/v1/bundles/support/aliases/production"


@pytest.fixture
def asks(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> Callable[..., Any]:
    """Sends a request with a token that can what is said, of a registry with two bundles."""
    memory.publish(OPS, manifest("support"), alias="production")
    memory.publish(OPS, manifest("payments"), alias="production")
    secrets: dict[str, str] = {}

    def ask(can: str, method: str, path: str, **given: Any) -> Any:
        if can not in secrets:
            secrets[can] = memory.create_token(OPS, f"t{len(secrets)}", can=can)["token"]
        headers = {"Authorization": f"Bearer {secrets[can]}", **given.pop("headers", {})}
        return api(method, path, headers=headers, **given)

    return ask


def told(answer: Any) -> list[tuple[str, str | None]]:
    assert answer.status_code == 200, answer.text
    return [(one["action"], one["bundle"]) for one in answer.json()["items"]]


def test_who_may_audit_a_bundle_sees_that_bundle_alone(asks: Callable[..., Any]) -> None:
    everything = told(asks("audit", "GET", "/v1/audit"))
    assert ("init", None) in everything
    assert ("token-create", None) in everything
    assert ("promote", "payments") in everything
    seen = told(asks("audit:supp*", "GET", "/v1/audit"))
    assert seen == [("promote", "support"), ("publish", "support")]
    assert told(asks("audit:supp*", "GET", "/v1/audit?bundle=support&order=oldest")) == seen[::-1]
    assert told(asks("audit:supp*@production", "GET", "/v1/audit")) == [("promote", "support")]
    for path in ("/v1/audit?bundle=payments", "/v1/audit?bundle=nothing"):
        refused = asks("audit:supp*", "GET", path)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert asks("read write", "GET", "/v1/audit").status_code == 403
    assert asks("read", "GET", "/v1/audit/head").status_code == 200
    assert asks("audit", "POST", "/v1/audit/verify", json={"head": "x"}).status_code == 403


def test_a_refused_request_says_who_tried_what_from_where(asks: Callable[..., Any]) -> None:
    asks("read:payments", "GET", "/v1/bundles/support")
    asks("read", "PUT", ALIAS, json={"release": "v1"}, headers={"If-None-Match": "*"})
    asks("read", "POST", f"{ALIAS}/rollback", json={"reason": "because"})
    asks("write", "PUT", ALIAS, json={"release": "v1", "reason": "why"}, headers={"If-None-Match": "*"})
    items = asks("audit", "GET", "/v1/audit?bundle=support&outcome=refused").json()["items"]
    found = [(one["action"], one["alias"], one["code"], one["address"], one["from"], one["to"]) for one in items]
    assert found == [
        ("promote", "production", "alias_moved", "127.0.0.1", 1, 1),
        ("rollback", "production", "permission_denied", "127.0.0.1", None, None),
        ("promote", "production", "permission_denied", "127.0.0.1", None, None),
        ("read", None, "permission_denied", "127.0.0.1", None, None),
    ]
    assert items[0]["reason"] == "why"
    assert all(one["credential"].startswith("token:") for one in items)
    assert items[3]["target"] == "/v1/bundles/support"
    assert "read:payments" in items[3]["detail"]
    partly = asks("audit:support", "GET", "/v1/audit?bundle=support&outcome=refused")
    assert [one["detail"] for one in partly.json()["items"]] == [items[0]["detail"], None, None, None]
    assert "payments" not in partly.text, "nothing is said of what may not be audited"


def test_a_token_that_was_revoked_is_known_and_one_that_was_guessed_is_not(
    memory: LocalRegistry, api: Any, asks: Callable[..., Any]
) -> None:
    asks("read", "GET", "/v1/registry")
    made = memory.create_token(OPS, "ci", can="read")
    memory.revoke_token(OPS, "ci")
    other = memory.create_token(OPS, "other", can="read")["token"]
    guessed = other[:20] + ("A" if other[20] != "A" else "B") + other[21:]
    for secret in (made["token"], guessed, "pst_nothing", "eyJ" + "a" * 40):
        assert api("GET", ALIAS, headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    items = memory.audit.items()["items"]
    refused = [one for one in items if one["code"] == "unauthenticated"]
    assert [(one["credential"], one["count"]) for one in refused] == [(None, 2), (None, 1), (f"token:{made['id']}", 1)]
    assert all(secret not in json.dumps(items) for secret in (made["token"], guessed, "a" * 40))


def test_a_full_log_tells_no_refusal_and_reading_goes_on(
    memory: LocalRegistry, api: Any, asks: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise ReadOnly("the state cannot be written: the disk is full", hint="free space")

    for can in ("read", "write", "admin", "audit"):
        assert asks(can, "GET", "/v1/registry").status_code == 200
    monkeypatch.setattr(memory._context.state, "add_attempt", full)
    monkeypatch.setattr(memory._context.state, "_keep", full)
    moved = {"json": {"release": "v1"}, "headers": {"If-None-Match": "*"}}
    refusals = (
        lambda: asks("read", "PUT", ALIAS, **moved),
        lambda: asks("write", "PUT", ALIAS, **moved),
        lambda: asks("read", "GET", "/v1/tokens"),
        lambda: asks("admin", "POST", "/v1/tokens", json={"name": "new", "can": "read"}),
        lambda: asks("admin", "DELETE", "/v1/tokens/t0"),
        lambda: api("GET", ALIAS),
        lambda: api("GET", ALIAS, headers={"Authorization": "Bearer pst_x"}),
        lambda: api("PUT", ALIAS, headers={"Authorization": "Bearer pst_x"}, json={"release": "v1"}),
    )
    for refused in refusals:
        answer = refused()
        assert (answer.status_code, answer.json()["code"]) == (503, "read_only"), answer.text
        assert "cannot be written" in answer.json()["detail"]
    assert asks("read", "GET", ALIAS).status_code == 200
    assert asks("audit", "GET", "/v1/audit").status_code == 200
    assert asks("read", "GET", "/v1/bundles/none").status_code == 404
    assert [token["revoked_at"] for token in memory.tokens()["items"]] == [None] * 4
    assert asks("write", "POST", f"{ALIAS}/rollback", json={"reason": ""}).status_code == 503, "nothing is behind"
    yanked = asks("write", "POST", "/v1/bundles/support/releases/v1/yank", json={"reason": "leaks"})
    assert yanked.status_code == 200, "the commit is the record of what is done"


def test_a_page_may_be_lines(asks: Callable[..., Any]) -> None:
    first = asks("audit", "GET", "/v1/audit?order=oldest&limit=3&format=jsonl")
    assert first.headers["content-type"] == "application/jsonl"
    lines = [json.loads(line) for line in first.text.splitlines()]
    assert [one["serial"] for one in lines] == [1, 2, 3]
    following = first.headers["link"].partition(">")[0].removeprefix("<")
    assert "format=jsonl" in following
    second = asks("audit", "GET", following)
    assert [json.loads(line)["serial"] for line in second.text.splitlines()][:2] == [4, 5]
    assert "link" not in asks("audit", "GET", "/v1/audit?format=jsonl").headers


@pytest.mark.parametrize(
    "query",
    ["cursor=x", "order=up", "limit=0", "since=soon", "outcome=maybe", "bundle=..", "actions=promote", "format=csv"],
)
def test_what_the_log_is_asked_wrongly_is_said(api: Any, query: str) -> None:
    answer = api("GET", f"/v1/audit?{query}")
    assert (answer.status_code, bool(answer.json()["hint"])) == (422, True)
