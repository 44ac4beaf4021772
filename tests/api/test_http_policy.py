"""What HTTP adds to policies: preconditions, entity tags, and gates in a problem document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")
SHUT = "format: 1\nrules: [{bundles: '*', aliases: production, require: guardrails/none}]\n"
OPEN = "format: 1\nrules: []\n"
ALIAS = "/v1/bundles/support/aliases/production"


@pytest.mark.parametrize(
    ("headers", "more", "status", "code"),
    [
        ({}, {}, 428, "precondition_required"),
        ({"If-Match": '"7"'}, {}, 412, "policy_moved"),
        ({"If-None-Match": "*"}, {}, 412, "policy_moved"),
        ({}, {"expect": 0}, 409, "policy_moved"),
        ({"If-Match": '"abc"'}, {}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"expect": 2}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"text": "format: 2"}, 422, "invalid_policy"),
        ({"If-Match": '"1"'}, {"reason": ""}, 422, "invalid_input"),
        ({"If-Match": '"1"'}, {"txet": ""}, 422, "invalid_request"),
    ],
)
def test_an_edit_says_what_it_is_an_edit_of(
    memory: LocalRegistry, api: Any, headers: dict[str, str], more: dict[str, Any], status: int, code: str
) -> None:
    memory.policies.edit(OPS, SHUT, reason="first")
    answer = api("PUT", "/v1/policy", json={"text": OPEN, "reason": "second", **more}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert memory.policies.show()["number"] == 1


def test_the_tag_of_a_policy_is_its_number(memory: LocalRegistry, api: Any) -> None:
    assert "etag" not in api("GET", "/v1/policy").headers
    body = {"text": SHUT, "reason": "first"}
    first = api("PUT", "/v1/policy", json=body, headers={"If-None-Match": "*", "Idempotency-Key": "k"})
    assert (first.status_code, first.headers["etag"], first.json()["number"]) == (200, '"1"', 1)
    again = api("PUT", "/v1/policy", json=body, headers={"If-None-Match": "*", "Idempotency-Key": "k"})
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    tag = api("GET", "/v1/policy").headers["etag"]
    changed = api("PUT", "/v1/policy", json={"text": OPEN, "reason": "second"}, headers={"If-Match": tag})
    assert changed.json()["number"] == 2
    assert api("GET", "/v1/policy/1").json()["text"] == SHUT
    assert api("GET", "/v1/policy/3").status_code == 404
    assert api("GET", "/v1/policy/0").status_code == 422


def test_a_refusal_tells_every_gate(memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]) -> None:
    memory.publish(OPS, manifest())
    memory.policies.edit(OPS, SHUT, reason="first")
    refused = api("PUT", ALIAS, json={"release": "v1"}, headers={"If-None-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "gates_open")
    (gate,) = refused.json()["details"]["gates"]
    assert (gate["name"], gate["passed"], gate["can_close"]) == ("require guardrails/none", False, False)
    asked = api("GET", f"{ALIAS}/gates?release=v1").json()
    assert (asked["can"], asked["gates"]) == (False, [gate])
    assert api("GET", f"{ALIAS}/gates").status_code == 422
    broken = {"release": "v1", "break_glass": True, "reason": "now"}
    assert api("PUT", ALIAS, json=broken, headers={"If-None-Match": "*"}).json()["code"] == "permission_denied"
    assert memory.aliases("support")["items"] == []
    checked = api("POST", "/v1/policy/check", json={"text": OPEN}).json()
    assert checked == {"ok": True, "would": [], "warnings": [], "more": False}


def test_the_text_of_the_policy_is_for_who_may_read_everything_or_change_it(memory: LocalRegistry, api: Any) -> None:
    memory.policies.edit(OPS, SHUT, reason="first")
    can = {"zoe": "read:other promote:other", "eve": "read", "pat": "policy read:other"}
    tokens = {name: memory.create_token(OPS, name, can=what)["token"] for name, what in can.items()}
    told = {
        name: [
            api("GET", f"/v1/policy{more}", headers={"Authorization": f"Bearer {token}"}).status_code
            for more in ("", "/1", "/history")
        ]
        for name, token in tokens.items()
    }
    assert told == {"zoe": [403] * 3, "eve": [200] * 3, "pat": [200] * 3}
