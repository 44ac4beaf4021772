"""What the protocols of other tools have in common: credentials, names, failures, the hot path, and who may."""

from __future__ import annotations

import asyncio
import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute

from pinset.api import doors
from pinset.compat.mounting import PROTOCOLS
from pinset.config import parse
from pinset.errors import InvalidConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from speaking import ANA, Speaking, rich
from wires import Wire, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.compat.protocol import Protocol
    from pinset.services.local import LocalRegistry

PRODUCTION = "/compat/phoenix/v1/prompts/support.triage/tags/production"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        lambda token: {"authorization": f"Bearer {token}"},
        lambda token: {"authorization": token},
        lambda token: {"authorization": basic("pk-lf-anything", token)},
        lambda token: {"authorization": basic(token, "")},
        lambda token: {"x-api-key": token},
        lambda token: {"x-api-key": token, "authorization": f"Bearer {token}"},
    ],
)
def test_a_token_is_taken_in_every_way_that_clients_have(speaking: Speaking, headers: Any) -> None:
    token = speaking.token("app", "read")
    assert speaking("GET", PRODUCTION, headers=headers(token)).status_code == 200
    wrong = headers(token[:-1] + ("a" if token[-1] != "a" else "b"))
    assert speaking("GET", PRODUCTION, headers=wrong).status_code == 401


@pytest.mark.parametrize("given", [{}, {"authorization": basic("pk", "sk")}, {"x-api-key": "none"}])
def test_a_key_that_is_no_token_is_none(speaking: Speaking, given: dict[str, str]) -> None:
    assert (
        speaking("GET", PRODUCTION, headers=given).status_code == 200
    )  # a registry without tokens serves this machine
    assert speaking("GET", PRODUCTION, headers=given, client=("192.0.2.1", 1)).status_code == 403
    speaking.token("app", "read")
    refused = speaking("GET", PRODUCTION, headers=given)
    assert (refused.status_code, "www-authenticate" in refused.headers) == (401, False)
    assert "a token is needed" in refused.json()["detail"]


def test_only_the_protocols_take_other_credentials_than_bearers(speaking: Speaking) -> None:
    token = speaking.token("app", "read")
    for headers in ({"authorization": basic("x", token)}, {"x-api-key": token}, {"authorization": token}):
        assert speaking("GET", "/v1/bundles", headers=headers).status_code == 401


def test_a_browser_that_keeps_a_credential_is_no_way_in_for_other_sites(speaking: Speaking) -> None:
    kept = {"authorization": basic("x", speaking.token("app", "read"))}
    for foreign in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert speaking("GET", PRODUCTION, headers=kept | foreign).status_code == 403
    assert speaking("GET", PRODUCTION, headers=kept | {"origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["a%00b", "a%0ab", "a%5cb", "..%2f..", "a%2f%2e%2e%2fb", "%ff", "a%2f%2fb", "%2e%2e/x"]
)
def test_what_could_be_read_in_two_ways_is_refused(speaking: Speaking, path: str) -> None:
    found = speaking("GET", f"/compat/phoenix/v1/prompts/{path}/latest")
    assert found.status_code == 422
    assert set(found.json()) == {"detail", "code"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/public/v2/prompts/Movie%20Critic", "langfuse"),
        ("/api/2.0/mlflow/registered-models/get", "mlflow"),
        ("/commits/-/greeting/latest", "langsmith"),
        ("/v1/prompts", "phoenix"),
        ("/v1/prompts/greeting/latest", "phoenix"),
        ("/v1/private/prompts/versions/retrieve", "opik"),
        ("/ofrep/v1/evaluate/flags/greeting", "ofrep"),
    ],
)
def test_a_client_that_was_told_half_of_the_address_is_told_the_rest(speaking: Speaking, path: str, name: str) -> None:
    for headers in ({}, {"authorization": basic("pk", "sk"), "accept": "*/*"}):
        found = speaking("GET", path, headers=headers)
        assert (found.status_code, found.json()["code"]) == (422, "invalid_path")
        assert f"/compat/{name}" in found.json()["hint"]
    assert {name} < {protocol.name for protocol in PROTOCOLS}


def test_nothing_of_ours_is_where_strayed_clients_ask(speaking: Speaking) -> None:
    served = speaking("GET", "/openapi.json").json()["paths"]
    assert "/v1/bundles" in served
    assert not [path for path in served if doors.strayed(path)]


def test_names_may_be_encoded_and_have_folders(speaking: Speaking) -> None:
    for name in ("support.triage", "support/triage", "support%2Ftriage", "support%2ftriage"):
        found = speaking("GET", f"/compat/phoenix/v1/prompts/{name}/tags/production")
        assert found.json()["data"]["id"].endswith("triage@v1")
    assert speaking("GET", "/compat/phoenix/v1/prompts/Nobody%20%C3%BC%25/latest").status_code == 404


def test_a_prompt_of_a_release_has_its_name_behind_the_bundles(speaking: Speaking) -> None:
    title = speaking("GET", "/compat/phoenix/v1/prompts/support.triage.title/tags/production").json()["data"]
    assert title["template"]["messages"] == [{"role": "user", "content": "A title for {{ticket}}"}]
    assert title["model_name"] == "foundation-small"
    missing = speaking("GET", "/compat/phoenix/v1/prompts/support.triage.nothing/tags/production")
    assert (missing.status_code, "default, title" in missing.json()["detail"]) == (404, True)


def test_who_may_not_read_a_bundle_is_refused_and_recorded(speaking: Speaking) -> None:
    speaking.registry.publish(
        ANA, {**rich(), "release.yaml": rich()["release.yaml"].replace("support.triage", "other")}
    )
    few = {"x-api-key": speaking.token("few", "read:other")}
    assert speaking("GET", PRODUCTION, headers=few).status_code == 403
    whole = {"x-api-key": speaking.token("whole", "read")}
    assert speaking("GET", PRODUCTION, headers=whole).status_code == 200  # it is ready now
    assert speaking("GET", PRODUCTION, headers=few).status_code == 403
    assert speaking("GET", "/compat/phoenix/v1/prompts/other/latest", headers=few).status_code == 200


def test_a_bundle_answers_by_its_spellings_to_who_may_read_it(speaking: Speaking) -> None:
    registry, prompts = speaking.registry, "/compat/phoenix/v1/prompts"
    registry.bundle_changes.set(ANA, "support.triage", also=["Team A/Triage", '<b>&"{}'])
    asked = [f"{prompts}/{name}/tags/production" for name in ("Team%20A/Triage", "%3Cb%3E%26%22%7B%7D")]
    own, few = ({"x-api-key": speaking.token(name, f"read:{name}")} for name in ("support.triage", "other"))
    for address in (*asked, f"{prompts}/Team%20A/Triage.title/tags/production"):
        found = speaking("GET", address, headers=own)
        assert (found.status_code, speaking("GET", address, headers=few).status_code) == (200, 404)
    assert found.json()["data"]["model_name"] == "foundation-small"
    unknown = speaking("GET", f"{prompts}/Team%20B/Triage/latest", headers=few).json()
    assert "triage" not in str(unknown).replace("Team B/Triage", "")
    registry.publish(ANA, {**rich(), "release.yaml": rich()["release.yaml"].replace("support.triage", "other")})
    registry.bundle_changes.set(ANA, "support.triage", not_also=["Team A/Triage"])
    assert speaking("GET", f"{prompts}/Team%20A/Triage/latest", headers=few).status_code == 404
    registry.bundle_changes.set(ANA, "other", also=["Team A/Triage"])
    assert speaking("GET", f"{prompts}/Team%20A/Triage/latest", headers=few).status_code == 200
    assert speaking("GET", f"{prompts}/Team%20A/Triage/latest", headers=own).status_code == 404


def test_the_hot_path_answers_what_the_ordinary_way_does(speaking: Speaking) -> None:
    token = speaking.token("app", "read:support.triage@production")
    asked = request(PRODUCTION, f"Authorization: {basic('pk', token)}")
    hot = speaking.api.state.hot
    slow, fast = (Wire(speaking.app, speaking.loop, one) for one in (None, hot))
    ordinary = slow.ask(asked)
    assert ordinary.status == 200
    ready = fast.ask(asked)
    assert (ready.status, ready.body, fast.state.tasks) == (200, ordinary.body, set())
    assert fast.protocol._clean  # nothing of it went to the framework
    speaking.registry.promote(ANA, "support.triage@staging", "production")
    assert b'"temperature":0.7' in fast.ask(asked).body
    wrong = request(PRODUCTION, f"Authorization: {basic('pk', token[:-1])}")
    assert fast.ask(wrong).status == 401
    for wire in (slow, fast):
        wire.close()


def test_a_post_of_two_types_is_left_to_the_ordinary_way(speaking: Speaking) -> None:
    hot = speaking.api.state.hot
    hot.posted[b"/compat/toy/"] = lambda _body: b"same"
    asked = request("/compat/toy/x", "Content-Type: application/json", "Content-Length: 2", method="POST")
    assert hot._posted(asked + b"{}")[:2] == (b"POST", b"/compat/toy/x")
    for more in (
        "Content-Type: text/plain",
        "CONTENT-TYPE: application/json",
        "Content-Length: x",
        "content-length: 2",
    ):
        twice = hot._posted(asked.removesuffix(b"\r\n") + more.encode() + b"\r\n\r\n{}")
        assert twice is None or b"content-length" in twice[3].lower()


def test_of_credentials_that_strangers_choose_little_is_kept() -> None:
    doors._bearer.cache_clear()
    for number in range(3):
        assert doors.bearer(b"Basic " + b"%d" % number + b"x" * 60_000, None) is None
        assert doors.bearer(None, long := b"a.%d." % number + b"x" * 60_000) == b"Bearer " + long
    assert doors._bearer.cache_info().currsize == 0


def test_a_name_that_goes_to_another_bundle_meanwhile_gives_nobody_that_one(speaking: Speaking) -> None:
    registry, ready = speaking.registry, speaking.api.state.ready
    registry.publish(ANA, {**rich(), "release.yaml": rich()["release.yaml"].replace("support.triage", "other")})
    registry.bundle_changes.set(ANA, "support.triage", also=["Team A/Triage"])
    own, other = ({"x-api-key": speaking.token(name, f"read:{name}")} for name in ("support.triage", "other"))
    asked, find = "/compat/phoenix/v1/prompts/Team%20A/Triage/latest", ready.find

    def moved(target: bytes, make: Callable[[], Any]) -> Any:
        ready.find = find
        registry.bundle_changes.set(ANA, "support.triage", not_also=["Team A/Triage"])
        registry.bundle_changes.set(ANA, "other", also=["Team A/Triage"])
        outer, speaking.loop = speaking.loop, asyncio.new_event_loop()
        assert speaking("GET", asked, headers=other).status_code == 200
        speaking.loop.close()
        speaking.loop = outer
        return find(target, make)

    ready.find = moved
    assert speaking("GET", asked, headers=own).status_code == 403


@pytest.mark.parametrize("number", ["0", "1_0", "+1", "%201", "%EF%BC%91", "-1", "1.0", "9" * 400, ""])
def test_only_plain_digits_are_a_version(speaking: Speaking, number: str) -> None:
    assert speaking("GET", f"/compat/phoenix/v1/prompt_versions/support.triage@v{number}").status_code == 404


def test_a_protocol_that_is_switched_off_is_not_there(
    memory: LocalRegistry, speaking_of: Callable[..., Speaking]
) -> None:
    memory.publish(ANA, rich(), alias="production")
    chosen = parse("[compat.phoenix]\nenabled = false\n").compat
    assert speaking_of(memory, chosen)("GET", PRODUCTION).status_code == 404
    assert speaking_of(memory)("GET", PRODUCTION).status_code == 200


def test_mistakes_of_the_configuration_are_told() -> None:
    text = '[compat]\nlangfoose = {}\n[compat.ofrep]\nupstream = "x"\n[compat.mlflow]\nupstream = "http://elsewhere"\n'
    with pytest.raises(InvalidConfig) as caught:
        parse(text + '[compat.langfuse]\nauthorization_file = "/x"\n')
    told = " ".join(one["message"] for one in caught.value.details["findings"])
    assert all(word in told for word in ("langfoose", "upstream", "https://", "authorization_file"))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.name)
def test_every_route_of_a_protocol_is_beneath_its_prefix_and_asks_who_may(protocol: Protocol) -> None:
    routes = [one for one in protocol.router.routes if isinstance(one, APIRoute)]
    assert routes
    for route in routes:
        asked = [one.call for one in route.dependant.dependencies if hasattr(one.call, "verb")]
        assert route.path.startswith(f"{doors.COMPAT}{protocol.name}/")
        assert len(asked) == 1, route.path
        assert not route.include_in_schema
