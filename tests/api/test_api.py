"""What HTTP adds to the use cases: preconditions, retries, guards, credentials, problem documents."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.sealed import Sealed, verify
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

OPS = Caller(actor="ops")


@pytest.fixture
def two(memory: LocalRegistry, manifest: Callable[..., dict[str, str]]) -> LocalRegistry:
    memory.publish(OPS, manifest(words="one"), alias="production")
    memory.publish(OPS, manifest(words="two"))
    return memory


ALIAS = "/v1/bundles/support/aliases/production"


def test_a_move_without_precondition_is_refused(two: LocalRegistry, api: Any) -> None:
    for method, body in (("PUT", {"release": "v2"}), ("DELETE", None)):
        answer = api(method, ALIAS, json=body)
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    assert two.alias("support", "production")["version"] == 1


def test_if_match_is_a_compare_and_swap(two: LocalRegistry, api: Any) -> None:
    tag = api("GET", ALIAS).headers["etag"]
    assert api("PUT", ALIAS, json={"release": "v2"}, headers={"If-Match": tag}).json()["to"] == 2
    stale = api("PUT", ALIAS, json={"release": "v1"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "alias_moved")
    taken = api("PUT", ALIAS, json={"release": "v1"}, headers={"If-None-Match": "*"})
    assert taken.status_code == 412
    assert two.alias("support", "production")["version"] == 2


def test_a_rollback_from_what_is_no_longer_served_is_a_conflict(two: LocalRegistry, api: Any) -> None:
    two.promote(OPS, "support@v2", "production")
    stale = api("POST", f"{ALIAS}/rollback", json={"from": 1})
    assert (stale.status_code, stale.json()["code"]) == (409, "alias_moved")
    assert api("POST", f"{ALIAS}/rollback", json={"from": 2}).json()["to"] == 1


def test_who_has_it_already_gets_304(two: LocalRegistry, api: Any) -> None:
    for path in (ALIAS, "/v1/bundles/support/releases/v1", f"{ALIAS}?form=sealed"):
        answer = api("GET", path)
        again = api("GET", path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    before = api("GET", ALIAS).headers["etag"]
    two.promote(OPS, "support@v2", "production")
    assert api("GET", ALIAS, headers={"If-None-Match": before}).status_code == 200


def test_releases_are_immutable_and_aliases_are_asked_again(two: LocalRegistry, api: Any) -> None:
    digest = two.summary("support@v1")["digest"]
    for selector in ("v1", digest, digest.replace(":", "%3A")):
        cached = api("GET", f"/v1/bundles/support/releases/{selector}").headers["cache-control"]
        assert cached == "private, max-age=31536000, immutable"
    for path in (ALIAS, "/v1/bundles/support/releases/latest"):
        assert api("GET", path).headers["cache-control"] == "no-cache"


def test_the_sealed_form_proves_every_byte(two: LocalRegistry, api: Any) -> None:
    answer = api("GET", f"{ALIAS}?form=sealed").json()
    verify(Sealed(answer["manifest"], answer["files"]), answer["digest"])


def test_a_retry_whose_answer_was_lost_finds_its_effect_in_git(
    memory: LocalRegistry, api: Any, manifest: Callable[..., dict[str, str]]
) -> None:
    send = {"json": {"files": manifest()}, "headers": {"Idempotency-Key": "lost"}}
    first = api("POST", "/v1/bundles/support/releases", **send)
    serial = memory.describe()["serial"]
    state = memory._context.state
    kept = state.answer("lost", "local")
    assert kept is not None
    state.keep_answer(replace(kept, key="other"), forget_before=kept.at + 1)
    assert state.answer("lost", "local") is None
    again = api("POST", "/v1/bundles/support/releases", **send)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in again.headers
    assert (memory.bundle("support")["releases"], memory.describe()["serial"]) == (1, serial)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/bundles/a%2Faliases%2Fproduction",
        "/v1/bundles/%2e%2e/aliases",
        "/v1/bundles/a%00b",
        "/v1/bundles/a%5Cb",
        "/v1/bundles/a%252Fb",
        "/v1/bundles//aliases",
        "/v1/bundles/sup%E2%80%AEport",
    ],
)
def test_ambiguous_paths_are_refused_before_routing(api: Any, path: str) -> None:
    answer = api("GET", path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_path")


@pytest.mark.parametrize("name", ["Support", "a..b", "a.lock", "-a", "a" * 65])
def test_bad_names_are_refused(api: Any, name: str) -> None:
    answer = api("GET", f"/v1/bundles/{name}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_name")


@pytest.mark.parametrize(
    "body",
    [
        b'{"references": [NaN]}',
        b'{"references": [], "references": []}',
        b'{"references": ["\\ud800"]}',
        b'{"references": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"references": [1e999]}',
        b"[]",
        b"{",
        b"\xff\xfe",
    ],
)
def test_what_is_no_strict_json_is_refused(api: Any, body: bytes) -> None:
    answer = api("POST", "/v1/resolve", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_json")


def test_a_body_of_another_type_is_refused(api: Any) -> None:
    answer = api("POST", "/v1/resolve", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("PATCH", "/v1/bundles", 405), ("POST", "/v1/resolve", 422)],
)
def test_the_frameworks_own_errors_wear_the_same_shape(api: Any, method: str, path: str, status: int) -> None:
    answer = api(method, path, json={"nobody": "reads this"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert set(answer.json()) == {"type", "title", "status", "detail", "code", "hint", "details", "request_id"}
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_bug_says_nothing_of_itself(memory: LocalRegistry, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("inside out")

    monkeypatch.setattr(memory, "describe", broken)
    answer = api("GET", "/v1/registry")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "inside out" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ],
)
def test_without_tokens_a_page_elsewhere_can_do_nothing(api: Any, headers: dict[str, str]) -> None:
    for method, path in (("GET", "/v1/bundles"), ("POST", "/v1/resolve")):
        answer = api(method, path, headers=headers, json={"references": []})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


def test_with_a_token_in_the_registry_nobody_is_anonymous(two: LocalRegistry, api: Any) -> None:
    secret = two.create_token(OPS, "ci", can="read")["token"]
    answer = api("GET", ALIAS)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert api("GET", "/healthz").status_code == 200
    assert api("GET", ALIAS, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    for wrong in (
        f"Bearer {secret[:-1]}{'y' if secret[-1] == 'x' else 'x'}",
        "Basic abc",
        "Bearer ",
        f"Bearer {secret}x",
    ):
        assert api("GET", ALIAS, headers={"Authorization": wrong}).status_code == 401
    two.revoke_token(OPS, "ci")
    two.create_token(OPS, "other", can="read")
    assert api("GET", ALIAS, headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_tokens_are_not_kept(two: LocalRegistry) -> None:
    secret = two.create_token(OPS, "ci", can="admin")["token"]
    assert secret.split("_")[2] not in json.dumps(two.tokens())
