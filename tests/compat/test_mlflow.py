"""MLflow's protocol: loads, searches, registrations and aliases, who may, and what is passed on."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi.routing import APIRoute
from speaking import ANA, HARD, Speaking, rich

from pinset import bootstrap
from pinset.compat import mlflow
from pinset.compat.mlflow import searching
from pinset.config import parse
from pinset.domain.exchange import mlflow as shapes
from pinset.errors import InvalidInput
from pinset.importing.engine import run
from pinset.importing.http import Remote
from pinset.importing.sources.mlflow import MlflowFile, MlflowSource

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from wires import Wire, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

NAME = "support.triage"
API = "/compat/mlflow/api/2.0/mlflow"
PROMPTS = "tags.`mlflow.prompt.is_prompt` = 'true'"


@pytest.fixture(scope="module")
def shared() -> Iterator[Speaking]:
    """As `speaking`, for tests that change nothing."""
    registry = bootstrap.memory_registry()
    registry.publish(ANA, rich(), alias="production", message="the first")
    registry.publish(ANA, rich(temperature=0.7), label="2025-03-15", alias="staging")
    made = Speaking(registry)
    yield made
    made.loop.close()
    registry.close()


def tags(told: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in told["tags"]}


def get(speaking: Speaking, path: str, **query: Any) -> httpx.Response:
    token = query.pop("token", None)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return speaking("GET", f"{API}/{path}", params=query, headers=headers)


def version(speaking: Speaking, **query: Any) -> dict[str, Any]:
    path = "model-versions/get" if "version" in query else "registered-models/alias"
    found = get(speaking, path, **{"name": NAME, **query})
    assert found.status_code == 200, found.text
    return dict(found.json()["model_version"])


def send(speaking: Speaking, method: str, path: str, body: Any, **more: Any) -> httpx.Response:
    return speaking(method, f"{API}/{path}", json=body, **more)


def register(speaking: Speaking, text: Any, name: str = NAME, *, description: str = "", **own: str) -> httpx.Response:
    said = {shapes.IS_PROMPT: "true", shapes.TEXT: text if isinstance(text, str) else json.dumps(text), **own}
    body = {"name": name, "source": "dummy-source", "tags": shapes.pairs(said), "description": description}
    return send(speaking, "POST", "model-versions/create", body)


def error(found: httpx.Response) -> tuple[int, str]:
    return found.status_code, found.json()["error_code"]


def test_a_version_is_told_by_alias_by_number_and_as_the_newest(shared: Speaking) -> None:
    by_alias = version(shared, alias="production")
    assert (by_alias["version"], by_alias["status"], by_alias["description"]) == ("1", "READY", "the first")
    assert by_alias["aliases"] == ["production"]
    chat = json.loads(tags(by_alias)[shapes.TEXT])
    assert [one["content"] for one in chat] == [HARD, "{{history}}", "hi", "hello", "Ticket: {{ticket}}"]
    assert json.loads(tags(by_alias)["pinset.prompt"])["placeholders"] == [1]
    assert version(shared, alias="Staging")["version"] == version(shared, version="2")["version"] == "2"
    for found in (
        version(shared, alias="latest"),
        get(shared, "registered-models/get-latest-versions", name=NAME).json()["model_versions"][0],
        send(shared, "POST", "registered-models/get-latest-versions", {"name": NAME, "stages": ["None", "Staging"]})
        .json()["model_versions"][0],
    ):  # fmt: skip
        assert (found["version"], found["aliases"]) == ("2", ["staging"])
    model = get(shared, "registered-models/get", name=NAME).json()["registered_model"]
    assert tags(model) == {shapes.IS_PROMPT: "true", "ticket": "ML-812"}
    assert model["aliases"] == [{"alias": "production", "version": "1"}, {"alias": "staging", "version": "2"}]
    of_stage = {"name": NAME, "stages": ["Production"]}
    assert send(shared, "POST", "registered-models/get-latest-versions", of_stage).json() == {"model_versions": []}


def test_what_is_missing_is_told_as_the_clients_expect(shared: Speaking) -> None:
    missing = get(shared, "registered-models/alias", name=NAME, alias="nowhere")
    assert error(missing) == (400, "INVALID_PARAMETER_VALUE")
    assert missing.json()["message"].startswith("Registered model alias nowhere not found")
    for path, query in (
        ("registered-models/get", {"name": "nobody"}),
        ("registered-models/alias", {"name": "nobody", "alias": "production"}),
        ("registered-models/alias", {"name": f"{NAME}.nothing", "alias": "production"}),
        ("model-versions/get", {"name": NAME, "version": "99"}),
        ("model-versions/get", {"name": NAME, "version": "-1"}),
        ("model-versions/search", {"filter": "name = 'nobody'"}),
    ):
        assert error(get(shared, path, **query)) == (404, "RESOURCE_DOES_NOT_EXIST"), path
    assert error(shared("GET", f"{API}/experiments/search")) == (404, "ENDPOINT_NOT_FOUND")
    assert error(shared("GET", "/compat/mlflow/api/3.0/mlflow/traces")) == (404, "ENDPOINT_NOT_FOUND")
    assert error(get(shared, "registered-models/get")) == (400, "INVALID_PARAMETER_VALUE")


def test_a_prompt_of_a_release_is_one_of_its_own(speaking: Speaking) -> None:
    title = version(speaking, name=f"{NAME}.title", alias="production")
    assert tags(title)[shapes.TEXT] == "A title for {{ticket}}"
    assert json.loads(tags(title)[shapes.MODEL_CONFIG]) == {"provider": "vendor-x", "model_name": "foundation-small", "temperature": 0}  # fmt: skip
    made = register(speaking, "Name {{ticket}}", f"{NAME}.title").json()["model_version"]
    content = speaking.registry.release(f"{NAME}@v{made['version']}")["content"]
    assert content["prompts"]["title"]["template"] == "Name {{ticket}}"
    assert content["prompts"]["title"]["model"] == "small"
    assert content["prompts"]["default"] == speaking.registry.release(f"{NAME}@v2")["content"]["prompts"]["default"]


def test_a_name_with_the_name_of_a_bundle_before_it_may_be_new(speaking: Speaking) -> None:
    name = f"{NAME}.fresh"
    assert error(get(speaking, "registered-models/get", name=name))[0] == 404
    body = {"name": name, "tags": [{"key": shapes.IS_PROMPT, "value": "true"}]}
    assert send(speaking, "POST", "registered-models/create", body).status_code == 200
    assert register(speaking, "Fresh {{x}}", name).json()["model_version"]["version"] == "1"
    assert list(speaking.registry.release(f"{name}@v1")["content"]["prompts"]) == ["default"]
    assert speaking.registry.bundle(NAME)["newest"] == 2


def test_the_hot_path_gives_reads_by_get_and_by_post(speaking: Speaking) -> None:
    token = speaking.token("app", "read")
    target, post = (
        f"{API}/registered-models/alias?name={NAME}&alias=production",
        f"{API}/registered-models/get-latest-versions",
    )
    fast = Wire(speaking.app, speaking.loop, speaking.api.state.hot)
    asked = request(target, f"Authorization: Bearer {token}")
    body = json.dumps({"name": NAME, "stages": ["None"]}).encode()
    posted = b"".join(
        [
            f"POST {post} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n".encode(),
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body,
        ]
    )
    for one in (asked, posted):
        first = fast.ask(one)
        assert first.status == 200
        again = fast.ask(one)
        assert (again.status, again.body) == (200, first.body)
        assert fast.protocol._clean  # nothing of it went to the framework
    speaking.registry.promote(ANA, f"{NAME}@v2", "production")
    assert b'"version":"2"' in fast.ask(asked).body
    assert json.loads(fast.ask(posted).body)["model_versions"][0]["aliases"] == ["production", "staging"]
    fast.close()


def test_who_may_read_one_alias_is_told_of_that_one(speaking: Speaking) -> None:
    few = speaking.token("few", f"read:{NAME}@production")
    speaking.registry.promote(ANA, f"{NAME}@v1", "secret")
    model = get(speaking, "registered-models/get", name=NAME, token=few).json()["registered_model"]
    assert model["aliases"] == [{"alias": "production", "version": "1"}]
    whole = speaking.token("whole", "read")
    for _ in range(2):
        for query in ({"alias": "production"}, {"version": "1"}):
            assert version(speaking, token=few, **query)["aliases"] == ["production"]
        assert version(speaking, token=whole, version="1")["aliases"] == ["production", "secret"]
    for path, query in (
        ("registered-models/alias", {"name": NAME, "alias": "staging"}),
        ("model-versions/get", {"name": NAME, "version": "2"}),
        ("registered-models/get-latest-versions", {"name": NAME}),
        ("model-versions/search", {"filter": f"name = '{NAME}'"}),
    ):
        assert error(get(speaking, path, token=few, **query)) == (403, "PERMISSION_DENIED"), path
    speaking.registry.promote(ANA, f"{NAME}@v2", "production")
    assert error(get(speaking, "model-versions/get", name=NAME, version="1", token=few))[0] == 403
    assert version(speaking, token=few, version="2")["aliases"] == ["production"]
    assert get(speaking, "registered-models/search", token=few).json() == {"registered_models": []}


def test_every_route_wants_a_credential_that_may(speaking: Speaking) -> None:
    other = {
        "authorization": f"Bearer {speaking.token('other', 'read:other,publish:other,promote:other,retire:other')}"
    }
    alone = {"name": NAME, "alias": "production", "version": "1", "key": "k", "filter": f"name = '{NAME}'"}
    body = {**alone, "tags": [{"key": shapes.IS_PROMPT, "value": "true"}, {"key": shapes.TEXT, "value": "x"}]}
    before = speaking.registry.describe()["serial"]
    for route in mlflow.PROTOCOL.router.routes:
        assert isinstance(route, APIRoute)
        if "{" in route.path or route.path.endswith("registered-models/search"):
            continue
        for method in route.methods:
            given: dict[str, Any] = {"params": alone} if method == "GET" else {"json": body}
            assert error(speaking(method, route.path, **given))[0] == 401, route.path
            status = speaking(method, route.path, headers=other, **given).status_code
            assert status in (403, 404), (method, route.path, status)
    assert speaking.registry.describe()["serial"] == before


# -- searching ------------------------------------------------------------------------------------------------------


def test_prompts_are_found_by_name_by_tag_and_page_by_page(speaking: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("team.one", "team.two", "other"):
        register(speaking, "Hi {{x}}", name, owner=name)
    register(speaking, "Hi {{x}}", "Movie Critic")
    register(speaking, "Hi {{x}}", "Mine")

    def names(text: str, **more: Any) -> list[str]:
        found = get(speaking, "registered-models/search", filter=text, **more)
        assert found.status_code == 200, found.text
        return [one["name"] for one in found.json().get("registered_models", [])]

    assert names(PROMPTS) == ["Mine", "movie-critic", "other", NAME, "team.one", "team.two"]
    assert names(f"{PROMPTS} AND name LIKE 'team.%'", order_by="name ASC") == ["team.one", "team.two"]
    assert names("name ILIKE 'MOVIE%'") == ["movie-critic"]
    assert names("name = 'Movie Critic'") == ["Movie Critic"]
    assert names(f"{PROMPTS} AND tags.owner = 'other'") == ["other"]
    assert names("tags.owner != 'other' AND name != 'team.one'") == ["Mine", "movie-critic", NAME, "team.two"]
    assert names("tag.`mlflow.prompt.is_prompt` != 'true'") == []
    assert names(f"{PROMPTS} AND tags._mlflow_experiment_ids LIKE '%,1,%'") == []
    first = get(speaking, "registered-models/search", filter=PROMPTS, max_results=3).json()
    assert names(PROMPTS, max_results=10, page_token=first["next_page_token"]) == [NAME, "team.one", "team.two"]
    monkeypatch.setattr(searching, "LONGEST", 1)
    assert len(get(speaking, "registered-models/search", filter=PROMPTS).json()["registered_models"]) == 1
    monkeypatch.setattr(searching, "LONGEST", 10**6)
    monkeypatch.setattr(searching, "LOOKED_AT", 2)
    short = get(speaking, "registered-models/search", filter="name = 'team.two'").json()
    assert (short["registered_models"], short["next_page_token"]) == ([], "movie-critic")


def test_versions_of_a_prompt_are_found(speaking: Speaking) -> None:
    register(speaking, "Three {{ticket}}")

    def numbers(text: str, **more: Any) -> list[str]:
        found = get(speaking, "model-versions/search", filter=text, **more).json()
        return [one["version"] for one in found.get("model_versions", [])]

    mine = f"name = '{NAME}' AND tag.`mlflow.prompt.is_prompt` = 'true'"
    assert numbers(mine, order_by="version_number DESC") == numbers(mine) == ["3", "2", "1"]
    assert numbers(mine, order_by="version_number ASC") == ["1", "2", "3"]
    assert numbers(f"{mine} AND version_number >= 2") == ["3", "2"]
    assert numbers(f"{mine} AND tags.`mlflow.prompt.text` LIKE 'Three%'") == ["3"]
    assert numbers(f"tags.`mlflow.prompt.associatedRunIds` LIKE '%1%' AND {PROMPTS}") == []
    for order in ("version_number ASC", "version_number DESC"):
        page = get(speaking, "model-versions/search", filter=mine, max_results=2, order_by=order).json()
        rest = numbers(mine, page_token=page["next_page_token"], order_by=order)
        assert len(page["model_versions"]) + len(rest) == 3
    speaking.registry.purges.purge(ANA, f"{NAME}@v3", files=["prompts/default.md"], reason="a name was in it")
    assert numbers(mine) == ["2", "1"]


FILTERS = ["name", "name = x", "name = 'a' OR name = 'b'", "run_id = 'x'", "name > 'a'", "version_number LIKE 'x'",
     "tags. = 'x'", "name = 'a';", "name IN ('a')", "name = 'a' AND", "x" * 3000, "name LIKE 'a%' name = 'b'"]  # fmt: skip


def test_a_filter_that_is_not_understood_is_refused(shared: Speaking) -> None:
    for text, path in itertools.product(FILTERS, ("registered-models/search", "model-versions/search")):
        assert error(get(shared, path, filter=text)) == (400, "INVALID_PARAMETER_VALUE"), text


def test_orders_tokens_and_numbers_that_are_none_are_refused(shared: Speaking) -> None:
    for path, query in (
        ("registered-models/search", {"order_by": "creation_timestamp DESC"}),
        ("registered-models/search", {"page_token": "../x"}),
        ("registered-models/search", {"filter": "version_number = 1"}),
        ("registered-models/search", {"max_results": "0"}),
        ("model-versions/search", {"filter": f"name = '{NAME}'", "page_token": "x"}),
        ("model-versions/search", {"filter": f"name = '{NAME}'", "page_token": "x", "order_by": "version_number ASC"}),
        ("model-versions/search", {"filter": PROMPTS}),
    ):
        assert error(get(shared, path, **query)) == (400, "INVALID_PARAMETER_VALUE"), query


# -- registering ----------------------------------------------------------------------------------------------------


def test_a_registration_publishes_and_keeps_the_rest(speaking: Speaking) -> None:
    before = speaking.registry.release(f"{NAME}@v2")["content"]
    loaded = tags(version(speaking, alias="staging"))
    same = register(speaking, loaded.pop(shapes.TEXT), **{k: v for k, v in loaded.items() if k != shapes.IS_PROMPT})
    assert same.json()["model_version"]["version"] == "3", "its manifest said a label, which is of one release"
    after = speaking.registry.release(f"{NAME}@v3")
    assert (after["content"], after["label"]) == (before, None)
    again = register(speaking, "Just {{ticket}}", description="shorter", author="ana", **{shapes.TYPE: "text"})
    made = again.json()["model_version"]
    assert (made["version"], made["description"], tags(made)["author"]) == ("4", "shorter", "ana")
    content = speaking.registry.release(f"{NAME}@v4")["content"]
    assert content["prompts"]["default"]["template"] == "Just {{ticket}}"
    assert content["prompts"]["default"]["output"] == before["prompts"]["default"]["output"]
    assert {kind: content[kind] for kind in ("models", "retrieval", "guardrails", "configs", "tools")} == {
        kind: before[kind] for kind in ("models", "retrieval", "guardrails", "configs", "tools")
    }
    assert content["metadata"] == {"ticket": "ML-812", "author": "ana"}
    assert register(speaking, "Just {{ticket}}").json()["model_version"]["version"] == "4", "it is there already"
    assert speaking.registry.summary(f"{NAME}@v4")["made_from"]["version"] == 3


def test_a_chat_is_registered_with_its_placeholder_and_what_has_no_place_is_told(speaking: Speaking) -> None:
    chat = [
        {"role": "system", "content": "Be {{tone}}"},
        {"role": "user", "content": "{{history}}"},
        {"role": "user", "content": [{"type": "text", "text": "parts"}]},
        {"role": "human", "content": "Ticket {{ticket}}", "refusal": "no"},
    ]
    made = register(speaking, chat, **{shapes.TYPE: "chat", "mlflow.prompt.associatedRunIds": "1"})
    lost = {one["what"] for one in json.loads(tags(made.json()["model_version"])["pinset.lost"])}
    assert lost == {"messages[2]", "messages[3].refusal", "tags.mlflow.prompt.associatedRunIds"}
    messages = speaking.registry.release(f"{NAME}@latest")["content"]["prompts"]["default"]["messages"]
    assert messages == [
        {"role": "system", "template": "Be {{tone}}"},
        {"placeholder": "history"},
        {"role": "user", "template": "Ticket {{ticket}}"},
    ]
    assert "pinset.lost" not in tags(version(speaking, alias="latest"))


def test_a_configuration_is_the_model_its_parameters_and_the_tools(speaking: Speaking) -> None:
    was = json.loads(tags(version(speaking, alias="production"))[shapes.MODEL_CONFIG])
    tool = {
        "type": "function",
        "function": {"name": "close", "description": "", "parameters": {"type": "object", "properties": {}}},
    }
    config = {**was, "temperature": 0.9, "stop_sequences": ["END"], "tools": [*was["tools"], tool]}
    register(speaking, "{{ticket}}", **{shapes.MODEL_CONFIG: json.dumps(config)})
    content = speaking.registry.release(f"{NAME}@latest")["content"]
    model = content["models"]["default"]
    assert model["params"] == {"max_tokens": 800, "temperature": 0.9, "stop": ["END"]}
    assert (model["pinned_version"], model["provider"]) == ("2024-08-06", "openai"), "of the same model they stay"
    assert set(content["tools"]) == {"lookup_ticket", "close"}
    told = json.loads(tags(version(speaking, alias="latest"))[shapes.MODEL_CONFIG])
    assert told["stop_sequences"] == ["END"]
    other = {"provider": "openai", "model_name": "gpt-5"}
    refused = register(speaking, "{{ticket}}", **{shapes.MODEL_CONFIG: json.dumps(other)})
    assert error(refused) == (400, "INVALID_PARAMETER_VALUE")
    assert "pinned" in refused.json()["message"]
    other["pinned_version"] = "2025-08-07"
    assert register(speaking, "{{ticket}}", **{shapes.MODEL_CONFIG: json.dumps(other)}).status_code == 200


def test_a_first_registration_makes_a_bundle_and_never_another_ones(speaking: Speaking) -> None:
    body = {"name": "Movie Critic", "tags": [{"key": shapes.IS_PROMPT, "value": "true"}]}
    assert send(speaking, "POST", "registered-models/create", body).status_code == 200
    assert error(get(speaking, "registered-models/get", name="Movie Critic"))[0] == 404
    assert register(speaking, "Rate {{film}}", "Movie Critic").json()["model_version"]["version"] == "1"
    assert speaking.registry.spelled("Movie Critic") == "movie-critic"
    assert register(speaking, "Another {{film}}", "movie_critic").json()["model_version"]["version"] == "1"
    assert register(speaking, "Third", "MOVIE-CRITIC").json()["model_version"]["version"] == "1"
    assert speaking.registry.spelled("MOVIE-CRITIC").startswith("movie-critic-")
    assert error(send(speaking, "POST", "registered-models/create", body)) == (400, "RESOURCE_ALREADY_EXISTS")
    gone = send(speaking, "DELETE", "registered-models/delete", {"name": "never was"})
    assert (gone.status_code, gone.json()) == (200, {}), "as clients do whose first version was refused"


def test_what_is_registered_at_the_same_time_keeps_what_both_said(
    memory: LocalRegistry, speaking_of: Callable[..., Speaking]
) -> None:
    memory.publish(ANA, rich(), alias="production")
    several = [speaking_of(memory) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        work = [
            pool.submit(register, one, f"Number {number} {{{{ticket}}}}", **{f"from-{number}": "x"})
            for number, one in enumerate(several)
        ]
        made = [one.result() for one in work]
    assert sorted(one.json()["model_version"]["version"] for one in made) == ["2", "3", "4"]
    metadata = memory.release(f"{NAME}@v4")["content"]["metadata"]
    assert metadata == {"ticket": "ML-812", **{f"from-{number}": "x" for number in range(3)}}


BODIES = [
    b"",
    b"{",
    b"[]",
    b'{"name": "x"}',
    b'{"name": 1, "tags": []}',
    b'{"name": "x", "name": "y"}',
    json.dumps({"name": "x" * 5000, "tags": [{"key": shapes.IS_PROMPT, "value": "true"}]}).encode(),
    json.dumps({"name": "x", "tags": [{"key": shapes.IS_PROMPT, "value": "true"}] * 600}).encode(),
    json.dumps({"name": "x", "tags": [{"key": shapes.IS_PROMPT, "value": "true"}]}).encode(),
    json.dumps({"name": "\u0000\n", "tags": shapes.pairs({shapes.IS_PROMPT: "true", shapes.TEXT: "x"})}).encode(),
    json.dumps({"name": "///", "tags": shapes.pairs({shapes.IS_PROMPT: "true", shapes.TEXT: "x"})}).encode(),
]


def test_bodies_that_are_wrong_are_refused(shared: Speaking) -> None:
    before, as_json = shared.registry.describe()["serial"], {"content-type": "application/json"}
    for body in BODIES:
        sent = shared("POST", f"{API}/model-versions/create", content=body, headers=as_json)
        assert error(sent) == (400, "INVALID_PARAMETER_VALUE"), body[:100]
    assert shared.registry.describe()["serial"] == before


WRONG = [
    (shapes.MODEL_CONFIG, "{"),
    (shapes.MODEL_CONFIG, "[1]"),
    (shapes.MODEL_CONFIG, '{"model_name": "m-2025-01-01", "temperature": NaN}'),
    (shapes.MODEL_CONFIG, "[" * 5000),
    (shapes.RESPONSE_FORMAT, '"text"'),
    ("pinset.retrieval", '{"default": 1}'),
    ("pinset.prompts", '{"other": {"template": 5}}'),
    ("pinset.models", '{"../x": {"name": "y"}}'),
    ("pinset.configs", '{"../../etc": "text"}'),
]


def test_tags_that_are_wrong_are_refused(shared: Speaking) -> None:
    before = shared.registry.describe()["serial"]
    for tag, value in WRONG:
        made = register(shared, "{{x}}", **{tag: value})
        assert error(made) == (400, "INVALID_PARAMETER_VALUE"), (tag, made.text)
    assert shared.registry.describe()["serial"] == before


def test_what_would_include_here_is_text(speaking: Speaking) -> None:
    speaking.registry.publish_component(ANA, "prompts", "secret", {"component.yaml": "text: hidden"})
    text = "{{> prompts/secret@v1}} {{x}}"
    made = register(speaking, text, "including").json()["model_version"]
    assert tags(made)[shapes.TEXT] == text


# -- aliases --------------------------------------------------------------------------------------------------------


def test_an_alias_is_a_promotion_under_the_policy(speaking: Speaking) -> None:
    def to(alias: str, number: str) -> httpx.Response:
        return send(speaking, "POST", "registered-models/alias", {"name": NAME, "alias": alias, "version": number})

    assert to("Champion", "2").json() == {}
    assert version(speaking, alias="champion")["version"] == "2"
    for alias, number, expected in (("latest", "1", 400), ("v7", "1", 400), ("x", "nine", 404), ("x", "9", 404)):
        assert to(alias, number).status_code == expected
    rules = f"{{bundles: {NAME}, aliases: production, approvals: 1}}"
    speaking.registry.policies.edit(ANA, f"format: 1\nrules: [{rules}]\n", reason="as agreed")
    waits = to("production", "2")
    assert error(waits) == (400, "INVALID_STATE")
    assert "request" in waits.json()["message"]
    assert version(speaking, alias="production")["version"] == "1"
    for _ in range(2):
        gone = send(speaking, "DELETE", "registered-models/alias", {"name": NAME, "alias": "Champion"})
        assert (gone.status_code, gone.json()) == (200, {})
    assert error(get(speaking, "registered-models/alias", name=NAME, alias="champion"))[0] == 400


def test_what_is_never_changed_is_said_to_stay(speaking: Speaking) -> None:
    about = {"name": NAME, "version": "1", "key": "owner", "value": "x"}
    for method, path in (
        ("DELETE", "registered-models/delete"),
        ("DELETE", "model-versions/delete"),
        ("PATCH", "registered-models/update"),
        ("PATCH", "model-versions/update"),
        ("POST", "registered-models/rename"),
        ("POST", "model-versions/transition-stage"),
        ("POST", "model-versions/set-tag"),
        ("DELETE", "model-versions/delete-tag"),
    ):
        assert error(send(speaking, method, path, about)) == (400, "INVALID_PARAMETER_VALUE"), path
    before = speaking.registry.describe()["serial"]
    own = {**about, "key": "mlflow.prompt.associatedRunIds"}
    for method, path, body in (
        ("POST", "registered-models/set-tag", about),
        ("DELETE", "registered-models/delete-tag", about),
        ("POST", "model-versions/set-tag", own),
        ("DELETE", "model-versions/delete-tag", own),
    ):
        assert send(speaking, method, path, body).json() == {}
    reader = {"authorization": f"Bearer {speaking.token('app', 'read')}"}
    assert send(speaking, "POST", "registered-models/set-tag", about, headers=reader).json() == {}
    assert speaking.registry.describe()["serial"] == before


# -- the server behind ----------------------------------------------------------------------------------------------


class Behind(BaseHTTPRequestHandler):
    """A server that answers what it was asked."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        told = {"path": self.path, "method": self.command, "body": body.decode(), **dict(self.headers.items())}
        text = json.dumps({key.lower(): value for key, value in told.items()}).encode()
        self.send_response(403 if "forbidden" in self.path else 200)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def behind() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Behind) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_what_is_no_prompt_of_ours_goes_to_the_server_behind(
    memory: LocalRegistry, speaking_of: Callable[..., Speaking], behind: str, tmp_path: Path
) -> None:
    memory.publish(ANA, rich(), alias="production")
    (tmp_path / "key").write_text("Bearer of-its-own\n")
    chosen = parse(f'[compat.mlflow]\nupstream = "{behind}/base"\nauthorization_file = "{tmp_path}/key"\n').compat
    speaking = speaking_of(memory, chosen)
    token = speaking.token("all", "read publish")
    headers = {"authorization": f"Bearer {token}"}
    told = speaking("GET", f"{API}/registered-models/get", params={"name": "model x"}, headers=headers).json()
    assert told["path"] == "/base/api/2.0/mlflow/registered-models/get?name=model+x"
    assert (told["authorization"], token in json.dumps(told)) == ("Bearer of-its-own", False)
    version(speaking, alias="production", token=token)
    sent = send(speaking, "POST", "model-versions/create", {"name": "m", "source": "s3://x"}, headers=headers).json()
    assert (sent["method"], json.loads(sent["body"])) == ("POST", {"name": "m", "source": "s3://x"})
    uri = speaking("GET", f"{API}/model-versions/get-download-uri", params={"name": "m"}, headers=headers)
    assert uri.json()["method"] == "GET"
    models = speaking("GET", f"{API}/registered-models/search", params={"filter": "tag.`mlflow.prompt.is_prompt` != 'true'"}, headers=headers)  # fmt: skip
    assert "registered-models/search" in models.json()["path"]
    refused = speaking("GET", f"{API}/registered-models/get", params={"name": "forbidden"}, headers=headers)
    assert error(refused) == (403, "PERMISSION_DENIED")
    assert error(speaking("GET", f"{API}/experiments/search", headers=headers)) == (404, "ENDPOINT_NOT_FOUND")
    few = {"authorization": f"Bearer {speaking.token('few', f'read:{NAME},publish:{NAME},read:known')}"}
    for method, path in (("GET", "registered-models/get"), ("DELETE", "registered-models/delete")):
        about: dict[str, Any] = {"params": {"name": "m"}} if method == "GET" else {"json": {"name": "m"}}
        assert error(speaking(method, f"{API}/{path}", headers=few, **about)) == (403, "PERMISSION_DENIED")
    assert speaking("GET", f"{API}/registered-models/get", params={"name": "known"}, headers=few).status_code == 200
    loop = speaking(
        "GET", f"{API}/registered-models/get", params={"name": "m"}, headers={**headers, "x-pinset-passed-on": "1"}
    )
    assert error(loop) == (400, "INVALID_PARAMETER_VALUE")


def test_a_server_behind_that_is_away_is_told_as_that(
    memory: LocalRegistry, speaking_of: Callable[..., Speaking]
) -> None:
    chosen = parse('[compat.mlflow]\nupstream = "http://127.0.0.1:1"\n').compat
    away = get(speaking_of(memory, chosen), "registered-models/get", name="m")
    assert error(away) == (503, "TEMPORARILY_UNAVAILABLE")


# -- in and out -----------------------------------------------------------------------------------------------------


def remote(speaking: Speaking) -> Remote:
    def answer(asked: httpx.Request) -> httpx.Response:
        found = speaking(asked.method, asked.url.raw_path.decode(), content=asked.content)
        return httpx.Response(found.status_code, content=found.content, headers=found.headers)

    return Remote("MLflow", "http://localhost/compat/mlflow", transport=httpx.MockTransport(answer))


def test_a_registry_comes_into_another_by_this_protocol(speaking: Speaking, another: LocalRegistry) -> None:
    register(speaking, "Hi {{x}}", "Movie_Critic", description="one")
    for outcome in ("created", "already"):
        report = run(another, ANA, MlflowSource(remote(speaking)))
        assert (report.versions[outcome], report.status) == (3, 0), report.items
    assert another.spelled("Movie_Critic") == "movie_critic"
    for reference in (f"{NAME}@production", f"{NAME}@v2", "movie_critic@v1"):
        here, there = another.release(reference), speaking.registry.release(reference)
        assert (here["version"], here["message"]) == (there["version"], there["message"])
        assert here["source"]["system"] == "mlflow"
        assert here["source"]["authors"] == [there["published_by"]]
        assert {**here["content"], "prompts": 0} == {**there["content"], "prompts": 0}
        prompt, before = here["content"]["prompts"], there["content"]["prompts"]
        assert prompt.get("title") == before.get("title")
        assert {**prompt["default"], "messages": 0} == {**before["default"], "messages": 0}


@pytest.fixture
def another() -> Iterator[LocalRegistry]:
    made = bootstrap.memory_registry()
    yield made
    made.close()


def test_a_file_of_arguments_or_of_searches_comes_in(speaking: Speaking, another: LocalRegistry) -> None:
    exported = [shapes.arguments(speaking.registry.release(f"{NAME}@{one}")) for one in ("v1", "v2")]
    report = run(another, ANA, MlflowFile(json.dumps(exported), "prompts.json"))
    assert (report.versions["created"], report.lost) == (2, 0), report.items
    assert another.release(f"{NAME}@v2")["content"]["models"]["default"]["params"]["temperature"] == 0.7
    prompt, second = {shapes.IS_PROMPT: "true"}, 1_700_000_000_000
    bad = {shapes.TEXT: "[", shapes.TYPE: "chat", shapes.MODEL_CONFIG: "{"}
    found = {
        "registered_models": [{"name": "a", "aliases": [{"alias": "Best", "version": "2"}], "tags": {"team": "x"}, "description": "of all"}],
        "model_versions": [
            {"name": "a", "version": "2", "tags": {**prompt, shapes.TEXT: "two {{x}}"}, "creation_timestamp": "bad"},
            {"name": "a", "version": "1", "tags": {**prompt, **bad}, "creation_timestamp": second},
            {"name": "b", "version": 1, "tags": prompt},
            {"name": "model", "version": "1"},
        ],
    }  # fmt: skip
    report = run(another, ANA, MlflowFile(json.dumps(found), "searches.json"))
    lost = {one["what"] for one in report.items if one["kind"] == "lost"}
    assert {"prompt.tags.team", "prompt.description", f"tags.{shapes.TEXT}", f"tags.{shapes.MODEL_CONFIG}"} <= lost
    assert another.release("a@best")["content"]["prompts"]["default"]["template"] == "two {{x}}"
    assert another.summary("a@v1")["source"]["at"] == "2023-11-14T22:13:20.000000Z"


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '"x"', '{"model_versions": [1]}', '{"model_versions": [{"name": "a"}]}', "[1]"]
)
def test_a_file_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r".") as caught:
        MlflowFile(text, "x.json")
    assert isinstance(caught.value, InvalidInput) or caught.value.code == "integrity"


@pytest.mark.parametrize(
    "answer",
    [{"registered_models": [1]}, {"registered_models": [{}]}, [], {"registered_models": [], "next_page_token": "same"}],
)
def test_a_server_that_answers_nonsense_ends_the_import(answer: Any, memory: LocalRegistry) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with pytest.raises(Exception, match=r"MLflow") as caught:
        run(memory, ANA, MlflowSource(Remote("MLflow", "http://localhost", transport=transport)))
    assert caught.value.code == "integrity"
