"""Langfuse's protocol: what is told of a release, what a write makes of one, who may, and where traces go."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pinset import bootstrap
from pinset.config import parse
from pinset.domain.exchange.langfuse import create_of

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from speaking import ANA, HARD, LOOKUP, Speaking, rich
from wires import Wire, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry

BASE = "/compat/langfuse/api/public"
PROMPTS = f"{BASE}/v2/prompts"
TRIAGE = f"{PROMPTS}/support.triage"
GATED = "format: 1\nrules: [{bundles: '*', aliases: production, evidence: [{suite: safe, passed: true}]}]\n"
APPROVED = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: {count: 1, within: 7d}}]\n"


def create(speaking: Speaking, **body: Any) -> httpx.Response:
    return speaking("POST", PROMPTS, json={"name": "support.triage", "type": "chat", "labels": []} | body)


def policy(registry: LocalRegistry, text: str) -> None:
    registry.policies.edit(ANA, text, reason="for the test", expect=0)


def files(bundle: str, prompt: Any, **parts: Any) -> dict[str, str]:
    return {"release.json": json.dumps({"release": {"bundle": bundle, "prompt": prompt, **parts}})}


@pytest.fixture(scope="module")
def still() -> Iterator[Speaking]:
    """As `speaking`, once for all who change nothing of ``support.triage``."""
    with closing(bootstrap.memory_registry()) as registry:
        registry.publish(ANA, rich(), alias="production", message="the first")
        registry.publish(ANA, rich(temperature=0.7), label="2025-03-15", alias="staging", message="warmer")
        made = Speaking(registry)
        yield made
        made.loop.close()


# -- reading ---------------------------------------------------------------------------------------------------


def test_a_prompt_is_told_with_everything_that_its_release_has(still: Speaking) -> None:
    told = still("GET", TRIAGE).json()
    assert (told["name"], told["version"], told["type"], told["labels"]) == (
        "support.triage",
        1,
        "chat",
        ["production"],
    )
    assert told["prompt"] == [
        {"type": "chatmessage", "role": "system", "content": HARD},
        {"type": "placeholder", "name": "history", "role": "placeholder", "content": "{{history}}"},
        {"type": "chatmessage", "role": "user", "content": "hi"},
        {"type": "chatmessage", "role": "assistant", "content": "hello"},
        {"type": "chatmessage", "role": "user", "content": "Ticket: {{ticket}}"},
    ]
    config = told["config"]
    assert {key: config[key] for key in ("model", "temperature", "max_tokens")} == {
        "model": "gpt-4o", "temperature": 0.2, "max_tokens": 800,
    }  # fmt: skip
    assert config["tools"] == [LOOKUP]
    assert config["response_format"]["json_schema"]["schema"]["required"] == ["answer"]
    assert config["retrieval"]["default"]["index"]["dimensions"] == 1024
    assert config["guardrails"]["pii"]["config"] == {"redact": ["email"]}
    assert (config["configs"], config["metadata"]) == ({"limits": {"steps": 12}}, {"ticket": "ML-812"})
    assert config["models"]["small"]["name"] == "foundation-small"
    assert config["prompts"]["title"]["template"] == "A title for {{ticket}}"
    assert config["release"]["model"] == {
        "id": "gpt-4o", "name": "gpt-4o", "provider": "openai", "pinned_version": "2024-08-06",
    }  # fmt: skip
    assert config["release"]["ref"] == "support.triage@v1"
    assert (told["commitMessage"], told["createdBy"]) == ("the first", "ana")


def test_labels_are_aliases_and_the_newest_version_is_the_latest(speaking: Speaking) -> None:
    staging = speaking("GET", f"{TRIAGE}?label=staging").json()
    assert (staging["version"], staging["labels"]) == (2, ["staging"])
    assert speaking("GET", f"{TRIAGE}?label=latest").json()["labels"] == ["staging", "latest"]
    assert speaking("GET", f"{TRIAGE}?version=2").json()["labels"] == ["staging", "latest"]
    assert speaking("GET", f"{TRIAGE}?version=1").json()["labels"] == ["production"]
    assert speaking("GET", f"{TRIAGE}?label=Production").json()["version"] == 1
    speaking.registry.yank(ANA, "support.triage@v1", reason="it is wrong")
    assert speaking("GET", TRIAGE).json()["config"]["release"]["yanked"] == "it is wrong"
    speaking.registry.unyank(ANA, "support.triage@v1")
    speaking.registry.promote(ANA, "support.triage@v2", "production")
    assert speaking("GET", f"{TRIAGE}?version=2").json()["labels"] == ["production", "staging", "latest"]


WRONG = {
    "support.triage?label=nowhere": 404,
    "support.triage?label=not%20an%20alias": 404,
    "support.triage?version=99": 404,
    "support.triage?version=x": 404,
    "support.triage?version=1&label=production": 400,
    "Movie%20Critic": 404,
    "no/such": 404,
    "a%2f..%2fb": 400,
    "a%00b": 400,
    "support.triage/versions/1": 404,
}


def test_what_is_wrong_is_told_as_json_with_a_message(still: Speaking) -> None:
    for path, status in WRONG.items():
        found = still("GET", f"{PROMPTS}/{path}")
        assert (found.status_code, found.headers["content-type"]) == (status, "application/json"), path
        assert isinstance(found.json()["message"], str)


def test_what_is_not_there_costs_no_look_at_a_release(still: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(still.registry), "release", lambda *_: pytest.fail("a release was read"))
    assert still("GET", f"{PROMPTS}/no-such-bundle").status_code == 404


def test_a_registry_that_cannot_tell_says_503(still: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    from pinset.errors import Unavailable

    def away(*_: Any) -> Any:
        raise Unavailable("the catalog is away", hint="wait")

    monkeypatch.setattr(type(still.registry), "meaning", away)
    found = still("GET", TRIAGE)
    assert (found.status_code, found.json()["error"]) == (503, "unavailable")


def test_names_have_folders_and_spellings(speaking: Speaking) -> None:
    assert speaking("GET", f"{PROMPTS}/support%2Ftriage").json()["name"] == "support/triage"
    assert create(speaking, name="Movie Critic/a", type="text", prompt="{{film}}?").status_code == 201
    found = speaking("GET", f"{PROMPTS}/Movie%20Critic%2Fa?label=latest").json()
    assert (found["name"], found["config"]["release"]["bundle"]) == ("Movie Critic/a", "movie-critic.a")
    taken = create(speaking, name="Movie critic/a", type="text", prompt="other")
    assert (taken.status_code, "movie-critic.a" in taken.json()["message"]) == (409, True)


def test_only_parameters_are_told_where_they_are_asked_for(still: Speaking) -> None:
    told = still("GET", "/compat/langfuse/parameters/api/public/v2/prompts/support.triage").json()
    assert sorted(told["config"]) == ["max_tokens", "model", "response_format", "temperature", "tools"]


BRACES: list[tuple[dict[str, str], str, str]] = [
    ({"text": "{{{a}}} {{& b }} {{ c }}"}, "{{a}} {{b}} {{ c }}", ""),
    ({"text": "{a} is {{literal}}", "format": "f-string"}, "{{a}} is {literal}", ""),
    ({"text": "{{{a}}}", "format": "f-string"}, "{{{a}}}", "str.format"),
    ({"text": "{{ a }} and {{ b }}", "format": "jinja2"}, "{{ a }} and {{ b }}", ""),
    ({"text": "{% if a %}{{ a }}{% endif %}", "format": "jinja2"}, "{% if a %}{{ a }}{% endif %}", "Jinja"),
    ({"text": "{{ a | upper }}", "format": "jinja2"}, "{{ a | upper }}", "Jinja"),
    ({"text": "{{a}}", "format": "text"}, "{{a}}", "double braces are text"),
    ({"text": "plain", "format": "text"}, "plain", ""),
]


def test_every_format_is_double_braces_or_says_that_it_is_not(still: Speaking) -> None:
    for prompt, told, says in BRACES:
        still.registry.publish(ANA, files("braces", prompt))
        found = still("GET", f"{PROMPTS}/braces?label=latest").json()
        assert found["prompt"] == told
        assert says in found["config"]["release"].get("differs", "")
        assert bool(says) == ("differs" in found["config"]["release"])


def test_the_hot_path_answers_it(still: Speaking) -> None:
    hot = still.api.state.hot
    for path in (TRIAGE, f"{TRIAGE}?label=staging", f"{TRIAGE}?version=1"):
        slow, fast = (Wire(still.app, still.loop, one) for one in (None, hot))
        ordinary, ready = slow.ask(request(path)), fast.ask(request(path))
        assert (ready.status, ready.body, fast.state.tasks) == (200, ordinary.body, set())
        slow.close(), fast.close()


# -- listing ---------------------------------------------------------------------------------------------------


def test_the_list_has_pages_and_filters(speaking: Speaking) -> None:
    for number in range(5):
        meta = {"tags": ["even"]} if number % 2 == 0 else {}
        speaking.registry.publish(ANA, files(f"b{number}", {"text": "x"}, metadata=meta), alias="staging")
    first = speaking("GET", f"{PROMPTS}?limit=4").json()
    assert [one["name"] for one in first["data"]] == ["b0", "b1", "b2", "b3"]
    assert first["meta"] == {"page": 1, "limit": 4, "totalItems": 6, "totalPages": 2}
    rest = speaking("GET", f"{PROMPTS}?limit=4&page=2").json()
    assert [one["name"] for one in rest["data"]] == ["b4", "support.triage"]
    triage = rest["data"][1]
    assert (triage["type"], triage["versions"], triage["labels"]) == (
        "chat",
        [1, 2],
        ["production", "staging", "latest"],
    )
    assert (triage["lastConfig"]["model"], bool(triage["lastUpdatedAt"])) == ("gpt-4o", True)
    assert speaking("GET", f"{PROMPTS}?page=9").json()["data"] == []
    for query, names in {
        "name=b1": ["b1"],
        "name=nothing": [],
        "label=production": ["support.triage"],
        "label=never": [],
        "label=No%20alias": [],
        "tag=even": ["b0", "b2", "b4"],
        "tag=even&limit=1&page=2": ["b2"],
        "tag=odd": [],
        "name=b0&tag=even&label=staging": ["b0"],
        "name=b0&label=production": [],
    }.items():
        assert [one["name"] for one in speaking("GET", f"{PROMPTS}?{query}").json()["data"]] == names, query
    assert speaking("GET", f"{PROMPTS}?label=production").json()["data"][0]["versions"] == [1]
    for wrong in ("page=0", "limit=101", "page=x"):
        assert speaking("GET", f"{PROMPTS}?{wrong}").status_code == 400


def test_a_page_reads_no_more_releases_than_it_shows(speaking: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        speaking.registry.publish(ANA, files(f"b{number}", {"text": "x"}))
    read: list[str] = []
    whole = type(speaking.registry).release
    monkeypatch.setattr(type(speaking.registry), "release", lambda own, ref: (read.append(ref), whole(own, ref))[1])
    assert len(speaking("GET", f"{PROMPTS}?limit=2&page=2").json()["data"]) == 2
    assert read == ["b2@v1", "b3@v1"]
    monkeypatch.setattr("pinset.compat.langfuse.listing.SEARCHED", 3)
    refused = speaking("GET", f"{PROMPTS}?tag=a")
    assert (refused.status_code, "by name" in refused.json()["message"]) == (413, True)


def test_the_list_is_of_what_may_be_read(speaking: Speaking) -> None:
    speaking.registry.publish(ANA, files("other", {"text": "x"}))
    few = {"x-api-key": speaking.token("few", "read:other")}
    listed = speaking("GET", PROMPTS, headers=few).json()
    assert ([one["name"] for one in listed["data"]], listed["meta"]["totalItems"]) == (["other"], 1)
    assert speaking("GET", f"{PROMPTS}?name=support.triage", headers=few).json()["data"] == []


# -- writing ---------------------------------------------------------------------------------------------------


def test_a_write_follows_the_newest_release_with_all_that_it_has(speaking: Speaking) -> None:
    before = speaking.registry.release("support.triage@v2")
    prompt = speaking("GET", f"{TRIAGE}?version=2").json()["prompt"]
    prompt[0]["content"] = "Be kind, {{ticket}}.\n"
    made = create(
        speaking,
        prompt=prompt,
        config={"model": "gpt-4o", "temperature": 0.9, "top_p": 0.5},
        labels=["production", "canary"],
        tags=["kind"],
        commitMessage="kinder",
    )
    assert made.status_code == 201, made.text
    assert (made.json()["version"], made.json()["labels"], made.json()["tags"]) == (
        3, ["canary", "production", "latest"], ["kind"],
    )  # fmt: skip
    after = speaking.registry.release("support.triage@production")
    assert (after["version"], after["message"], after["label"]) == (3, "kinder", None)
    old, new = before["content"], after["content"]
    assert new["models"]["default"] == {**old["models"]["default"], "params": {"temperature": 0.9, "top_p": 0.5}}
    assert new["prompts"]["default"]["messages"][1:] == old["prompts"]["default"]["messages"][1:]
    assert new["metadata"] == {"ticket": "ML-812", "tags": ["kind"]}
    for kind in ("retrieval", "tools", "guardrails", "configs"):
        assert new[kind] == old[kind]
    assert speaking.registry.file("support.triage@v3", "prompts/system.md") == "Be kind, {{ticket}}.\n"
    assert "{examples: examples.jsonl}" in speaking.registry.file("support.triage@v3", "release.yaml")
    assert speaking.registry.summary("support.triage@v3")["made_from"] is not None


def test_what_was_read_and_sent_back_is_the_same_release(speaking: Speaking) -> None:
    told = speaking("GET", f"{TRIAGE}?version=2").json()
    body = {key: told[key] for key in ("prompt", "config", "type", "tags")}
    again = create(speaking, **body, labels=["again"])
    assert (again.status_code, again.json()["version"]) == (201, 2)
    assert speaking.registry.alias("support.triage", "again")["version"] == 2
    told["config"]["guardrails"]["pii"]["config"]["redact"].append("phone")
    del told["config"]["retrieval"], told["config"]["response_format"]
    changed = create(speaking, **{key: told[key] for key in ("prompt", "config", "type")}).json()
    content = speaking.registry.release("support.triage@v3")["content"]
    assert (changed["version"], content["retrieval"]) == (3, {})
    assert content["guardrails"]["pii"]["config"] == {"redact": ["email", "phone"]}
    assert "output" not in content["prompts"]["default"]
    assert content["models"]["default"]["pinned_version"] == "2024-08-06"


def test_a_write_says_less_than_a_release_and_loses_nothing(speaking: Speaking) -> None:
    made = create(speaking, type="text", prompt="One text: {{ticket}}").json()
    assert (made["type"], made["prompt"], made["config"]["temperature"]) == ("text", "One text: {{ticket}}", 0.7)
    assert made["config"]["tools"] == [LOOKUP]
    assert made["config"]["response_format"]["json_schema"]["schema"]["required"] == ["answer"]
    other = create(
        speaking, type="text", prompt="One text: {{ticket}}", config={"model": "gpt-x-2025-01-01", "n": 2}
    ).json()
    assert (other["config"]["model"], other["config"]["n"], "temperature" in other["config"]) == (
        "gpt-x-2025-01-01",
        2,
        False,
    )
    assert other["config"]["release"]["model"]["name"] == "gpt-x-2025-01-01"
    title = create(speaking, name="support.triage.title", type="text", prompt="Short, {{ticket}}").json()
    assert (title["prompt"], title["config"]["model"], title["version"]) == ("Short, {{ticket}}", "foundation-small", 5)
    assert speaking("GET", f"{TRIAGE}?label=latest").json()["prompt"] == "One text: {{ticket}}"
    other = create(speaking, name="support.triage.more", type="text", prompt="another").json()
    assert (other["version"], other["config"]["release"]["bundle"]) == (1, "support.triage.more")


def test_a_new_name_is_a_new_bundle(speaking: Speaking) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    body: dict[str, Any] = {
        "name": "team/New One",
        "prompt": [{"role": "system", "content": "Hi {{who}}"}, {"type": "placeholder", "name": "history"}],
        "config": {
            "model": "gpt-4o",
            "temperature": 0,
            "tools": [tool],
            "response_format": schema,
            "metadata": {"a": 1},
        },
        "labels": ["production", "latest"],
        "tags": ["a", "b"],
    }
    made = create(speaking, **body).json()
    assert (made["name"], made["version"], made["labels"], made["tags"]) == (
        "team/New One", 1, ["production", "latest"], ["a", "b"],
    )  # fmt: skip
    found = speaking.registry.release("team.new-one@production")
    assert found["content"]["models"]["default"]["params"] == {"metadata": {"a": 1}, "temperature": 0}
    assert list(found["content"]["tools"]) == ["look"]
    assert made["config"]["metadata"] == {"a": 1}
    # Langfuse has no field for a model's version, so that none is given is recorded and refuses nothing.
    assert speaking.registry.summary("team.new-one@v1")["allowed"] == ["model-unpinned"]
    bare = create(speaking, name="bare", type="text", prompt="x", config={"anything": [1]}).json()
    assert bare["config"]["anything"] == [1]
    assert create(speaking, name="bare", type="text", prompt="y").json()["config"]["anything"] == [1]


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"prompt": 7}, 400, "prompt"),
    ({"prompt": []}, 400, "no list of messages"),
    ({"prompt": [{"role": "user"}]}, 400, "prompt[0]"),
    ({"prompt": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "prompt[0]"),
    ({"prompt": ["x"]}, 400, "prompt"),
    ({"prompt": [{"role": "wizard", "content": "x"}]}, 400, "prompt[0].role"),
    ({"prompt": [{"role": "user", "content": "x", "tool_calls": []}]}, 400, "prompt[0].tool_calls"),
    ({"prompt": "@@@langfusePrompt:name=other|label=production@@@"}, 400, "another prompt is not put in"),
    ({"prompt": "x", "labels": ["not an alias"]}, 400, "cannot be an alias"),
    ({"prompt": "x", "labels": ["v1"]}, 400, "cannot be an alias"),
    ({"prompt": "x", "labels": ["a"] * 40}, 400, "labels"),
    ({"prompt": "x", "labels": "production"}, 400, "labels"),
    ({"prompt": "x", "name": ""}, 400, "name"),
    ({"prompt": "x", "name": "a//b"}, 400, "asked for"),
    ({"prompt": "x", "name": "a\nb"}, 400, "asked for"),
    ({"prompt": "x", "name": "../b"}, 400, "asked for"),
    ({"prompt": "x", "name": "日本"}, 400, "no name can be made"),
    ({"prompt": "x", "name": "x" * 300}, 400, "name"),
    ({"prompt": "x", "config": {"tools": [{"type": "web_search"}]}}, 400, "config.tools[0]"),
    ({"prompt": "x", "config": {"model": 3}}, 400, "config.model"),
    ({"prompt": "x\x00"}, 400, ""),
    ({"prompt": "key " + "AKIA" + "IOSFODNN7" + "ABCDEFG"}, 409, "secret"),
]


def test_a_write_that_is_wrong_changes_nothing(still: Speaking) -> None:
    serial = still.registry.describe()["serial"]
    for more, status, says in REFUSED:
        refused = create(still, **more)
        assert (refused.status_code, says in refused.json()["message"]) == (status, True), refused.text
    assert still.registry.describe()["serial"] == serial


def test_bodies_that_are_no_object_are_refused(still: Speaking) -> None:
    for body in (b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"name":"x","prompt":NaN}', b"[" * 5000):
        found = still("POST", PROMPTS, content=body, headers={"content-type": "application/json"})
        assert (found.status_code, set(found.json())) == (400, {"message", "error"})
        assert still("POST", PROMPTS, content=body or b"x", headers={"content-type": "text/plain"}).status_code == 400


def test_a_label_whose_gate_is_open_lets_nothing_be_published(speaking: Speaking) -> None:
    policy(speaking.registry, GATED)
    serial = speaking.registry.describe()["serial"]
    refused = create(speaking, type="text", prompt="x", labels=["staging", "production"])
    assert (refused.status_code, "safe" in refused.json()["message"]) == (409, True)
    assert speaking.registry.describe()["serial"] == serial
    relabelled = speaking("PATCH", f"{TRIAGE}/versions/2", json={"newLabels": ["staging", "production"]})
    assert (relabelled.status_code, "staging serves it" in relabelled.json()["message"]) == (409, True)
    assert speaking.registry.alias("support.triage", "production")["version"] == 1


def test_a_label_that_waits_for_approval_is_said_to_wait(speaking: Speaking) -> None:
    policy(speaking.registry, APPROVED)
    asked = create(speaking, type="text", prompt="x", labels=["production"])
    assert asked.status_code == 409
    assert all(words in asked.json()["message"] for words in ("support.triage@v3 is published", "request approve 1"))
    assert speaking.registry.alias("support.triage", "production")["version"] == 1


def test_relabelling_moves_aliases_and_retires_none(speaking: Speaking) -> None:
    moved = speaking("PATCH", f"{TRIAGE}/versions/2", json={"newLabels": ["production", "latest", "canary"]})
    assert (moved.status_code, moved.json()["labels"]) == (200, ["canary", "production", "staging", "latest"])
    assert speaking("GET", TRIAGE).json()["version"] == 2
    same = speaking("PATCH", f"{TRIAGE}/versions/2", json={"newLabels": []})
    assert same.json()["labels"] == moved.json()["labels"]
    history = speaking.registry.history("support.triage", "production")["items"]
    assert [one["to"] for one in history] == [2, 1]
    for path, body, status in (
        (f"{TRIAGE}/versions/9", {"newLabels": ["a"]}, 404),
        (f"{TRIAGE}/versions/x", {"newLabels": ["a"]}, 404),
        (f"{TRIAGE}.nothing/versions/1", {"newLabels": ["a"]}, 404),
        (f"{PROMPTS}/nothing/versions/1", {"newLabels": ["a"]}, 404),
        (f"{TRIAGE}/versions/1", {"newLabels": ["A b"]}, 400),
        (f"{TRIAGE}/versions/1", {}, 400),
        (f"{TRIAGE}/versions/1", {"newLabels": "a"}, 400),
    ):
        assert speaking("PATCH", path, json=body).status_code == status, path


def test_two_writes_at_once_are_two_versions(speaking: Speaking) -> None:
    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(speaking.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            bodies = [{"name": "support.triage", "prompt": f"form {number}"} for number in range(3)]
            return await asyncio.gather(*(http.post(PROMPTS, json=body) for body in bodies))

    made = [one.json() for one in speaking.loop.run_until_complete(both())]
    assert sorted(one["version"] for one in made) == [3, 4, 5]
    assert len({one["prompt"] for one in made}) == 3


CALLS: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", TRIAGE, None),
    "list": ("GET", PROMPTS, None),
    "create": ("POST", PROMPTS, {"name": "support.triage", "prompt": "x", "labels": []}),
    "label": ("POST", PROMPTS, {"name": "support.triage", "prompt": "y", "labels": ["production"]}),
    "relabel": ("PATCH", f"{TRIAGE}/versions/1", {"newLabels": ["staging"]}),
    "projects": ("GET", f"{BASE}/projects", None),
    "ingestion": ("POST", f"{BASE}/ingestion", {"batch": []}),
    "traces": ("POST", f"{BASE}/otel/v1/traces", {}),
    "health": ("GET", f"{BASE}/health", None),
}


RIGHTS: dict[str, list[str]] = {
    "": ["health"],
    "read": ["read", "list", "projects", "ingestion", "traces", "health"],
    "read publish": ["read", "list", "create", "projects", "ingestion", "traces", "health"],
    "read promote:*@staging": ["read", "list", "relabel", "projects", "ingestion", "traces", "health"],
    "read publish promote": list(CALLS),
    "read:other publish:other promote:other": ["list", "projects", "ingestion", "traces", "health"],
}


def test_each_route_asks_who_may(speaking: Speaking) -> None:
    speaking.token("other", "read")
    for number, (can, may) in enumerate(RIGHTS.items()):
        headers = {"authorization": f"Bearer {speaking.token(f'token-{number}', can)}"} if can else {}
        for what, (method, path, body) in CALLS.items():
            status = speaking(method, path, json=body, headers=headers).status_code
            assert status in ((200, 201, 207) if what in may else (403,) if can else (401,)), (can, what)


def test_a_refused_write_is_in_the_audit_log(speaking: Speaking) -> None:
    headers = {"authorization": f"Bearer {speaking.token('reader', 'read')}"}
    speaking("POST", PROMPTS, json={"name": "support.triage", "prompt": "x"}, headers=headers)
    assert any(one["outcome"] == "refused" for one in speaking.registry.audit.items(limit=5)["items"])


# -- traces ----------------------------------------------------------------------------------------------------


def test_traces_are_dropped_openly(speaking: Speaking, caplog: pytest.LogCaptureFixture) -> None:
    batch = {"batch": [{"id": "e1", "type": "trace-create"}, {"id": "e2"}, 7], "metadata": {}}
    for _ in range(2):
        taken = speaking("POST", f"{BASE}/ingestion", json=batch)
        assert (taken.status_code, taken.json()) == (
            207, {"successes": [{"id": "e1", "status": 201}, {"id": "e2", "status": 201}], "errors": []},
        )  # fmt: skip
    spans = speaking(
        "POST", f"{BASE}/otel/v1/traces", content=b"\x0a\x00", headers={"content-type": "application/x-protobuf"}
    )
    assert spans.status_code == 200
    assert [one.message for one in caplog.records if "dropped" in one.message] == [
        "traces of Langfuse's clients are dropped: [compat.langfuse] in config.toml names no upstream"
    ]
    assert 'protocol="langfuse",outcome="dropped"} 3' in speaking("GET", "/metrics").text


def upstream(monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx.Request], Any]) -> list[httpx.Request]:
    seen: list[httpx.Request] = []

    def handle(asked: httpx.Request) -> Any:
        seen.append(asked)
        return answer(asked)

    client = httpx.AsyncClient

    def make(**given: Any) -> httpx.AsyncClient:
        return client(transport=httpx.MockTransport(handle), timeout=given.get("timeout"))

    monkeypatch.setattr("pinset.compat.langfuse.tracing.httpx", SimpleNamespace(**vars(httpx) | {"AsyncClient": make}))
    return seen


def test_traces_are_passed_on_with_the_upstreams_own_credential(
    memory: LocalRegistry, speaking_of: Callable[..., Speaking], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "authorization"
    secret.write_text("Basic upstreams\n")
    settings = f'[compat.langfuse]\nupstream = "https://langfuse.example/"\nauthorization_file = "{secret}"\n'
    answers = [httpx.Response(207, json={"successes": [], "errors": []}), httpx.Response(401), httpx.ConnectError("no")]

    def answer(_: httpx.Request) -> httpx.Response:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    seen = upstream(monkeypatch, answer)
    speaking = speaking_of(memory, parse(settings).compat)
    headers = {
        "authorization": f"Bearer {memory.create_token(ANA, 'app', can='read')['token']}",
        "content-type": "application/x-protobuf",
        "content-encoding": "gzip",
        "x-langfuse-sdk-name": "python",
        "x-other": "stays",
    }
    path = f"{BASE}/otel/v1/traces"
    found = [speaking("POST", path, content=b"\x1f\x8b", headers=headers).status_code for _ in range(3)]
    assert found == [207, 503, 503]
    assert str(seen[0].url) == "https://langfuse.example/api/public/otel/v1/traces"
    assert {name: seen[0].headers.get(name) for name in (*headers, "host")} == {
        **headers, "authorization": "Basic upstreams", "x-other": None, "host": "langfuse.example",
    }  # fmt: skip
    assert seen[0].content == b"\x1f\x8b"
    secret.unlink()
    assert speaking("POST", path, content=b"", headers=headers).status_code == 503


# -- export ----------------------------------------------------------------------------------------------------


def test_what_is_exported_makes_the_same_release_elsewhere(
    speaking: Speaking, speaking_of: Callable[..., Speaking]
) -> None:
    body = create_of(speaking.registry.release("support.triage@production"), "support.triage")
    assert (body["labels"], body["commitMessage"]) == (["production"], "the first")
    there = bootstrap.memory_registry()
    assert create(speaking_of(there), **body).status_code == 201
    here, copied = (one.release("support.triage@production")["content"] for one in (speaking.registry, there))
    examples = copied["prompts"]["default"]["messages"][2]["examples"]
    assert examples == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    here["prompts"]["default"]["messages"][2]["examples"] = examples
    assert copied == here
    there.close()
