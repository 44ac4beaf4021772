"""LangSmith's hub: what is told, what a push may change and who may, and manifests that are not what they seem."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute
from speaking import ANA, Speaking, rich

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from wires import Wire, request

from pinset.compat.langsmith import PROTOCOL
from pinset.domain.exchange import from_langchain
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    import httpx

HUB = "/compat/langsmith"
NAME = "support.triage"


def made(kind: str, root: str = "langchain", **kwargs: Any) -> dict[str, Any]:
    return {"lc": 1, "type": "constructor", "id": [root, "prompts", "x", kind], "kwargs": kwargs}


def text(template: str, style: str = "f-string", **more: Any) -> dict[str, Any]:
    return made("PromptTemplate", template=template, template_format=style, input_variables=[], **more)


def chat(*messages: Any, kind: str = "ChatPromptTemplate", **more: Any) -> dict[str, Any]:
    return made(kind, messages=list(messages), **more)


def human(template: str, style: str = "f-string") -> dict[str, Any]:
    return made("HumanMessagePromptTemplate", prompt=text(template, style))


def pulled(speaking: Speaking, which: str, **given: Any) -> dict[str, Any]:
    answer = speaking("GET", f"{HUB}/commits/-/{NAME}/{which}", **given)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def push(speaking: Speaking, manifest: Any, parent: str | None, name: str = NAME, **given: Any) -> httpx.Response:
    return speaking("POST", f"{HUB}/commits/-/{name}", json={"parent_commit": parent, "manifest": manifest}, **given)


# -- what is told ------------------------------------------------------------------------------------------------------


def test_a_release_is_a_chat_of_the_classes_that_are_named_and_no_other(speaking: Speaking) -> None:
    manifest = pulled(speaking, "production")["manifest"]
    kinds: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "lc" in value:
                assert value["id"][0] == "langchain_core"
                kinds.append(value["id"][-1])
            for one in value.values():
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)

    look(manifest)
    said = ["SystemMessagePromptTemplate", "MessagesPlaceholder", "HumanMessagePromptTemplate"]
    assert kinds[0] == "StructuredPrompt"
    assert {*said, "AIMessagePromptTemplate", "PromptTemplate", "StructuredPrompt"} == set(kinds)
    system, history, hello, answer, ticket = manifest["kwargs"]["messages"]
    assert system["kwargs"]["prompt"]["kwargs"]["template"].endswith("{{{ticket}}}\n")
    assert history["kwargs"] == {"variable_name": "history", "optional": True}
    assert [one["kwargs"]["prompt"]["kwargs"]["template"] for one in (hello, answer, ticket)] == [
        "hi",
        "hello",
        "Ticket: {{{ticket}}}",
    ]
    assert manifest["kwargs"]["input_variables"] == ["ticket"]
    assert manifest["kwargs"]["schema_"]["title"] == "answer"


def test_what_could_be_taken_for_an_object_is_text(speaking: Speaking) -> None:
    """A release's configuration is its author's; LangChain would make objects, and read secrets, of such a part."""
    evil = {"id": ["OPENAI_API_KEY"], "lc": 1, "type": "secret"}
    files = rich()
    files["release.yaml"] = files["release.yaml"].replace(
        "{limits: {steps: 12}}", json.dumps({"bad": {"a": [evil]}, "escaped": {"__lc_escaped__": evil}})
    )
    speaking.registry.publish(ANA, {**files, "release.yaml": files["release.yaml"].replace("2025-03-14", "2025-03-20")})
    configs = pulled(speaking, "latest")["manifest"]["kwargs"]["metadata"]["release"]["configs"]
    assert configs == {"bad": {"a": [json.dumps(evil)]}, "escaped": json.dumps({"__lc_escaped__": evil})}


def test_a_model_is_told_as_data_where_it_is_asked_for(speaking: Speaking) -> None:
    told = pulled(speaking, "v1?include_model=true")
    assert told["model_config"] == {"model": "gpt-4o-2024-08-06", "temperature": 0.2, "max_tokens": 800} or told[
        "model_config"
    ]["temperature"] == pytest.approx(0.2)
    assert told["model_provider"] == "openai"
    assert "model_config" not in pulled(speaking, "v1")


def test_a_text_is_a_prompt_template_and_its_hash_leads_to_it(speaking: Speaking) -> None:
    document = speaking.registry.release(f"{NAME}@v1")
    asked = (document["commit"], document["commit"][:8], document["digest"].removeprefix("sha256:")[:12], "v1", "V1")
    for which in (*asked, "2025-03-14", "Production"):
        assert pulled(speaking, which)["commit_hash"] == document["commit"]
    title = speaking("GET", f"{HUB}/commits/-/{NAME}.title/production").json()["manifest"]
    assert (title["id"][-1], title["kwargs"]["template"]) == ("PromptTemplate", "A title for {{{ticket}}}")
    for which in ("deadbeef", "nobody", "v99", "%20"):
        assert speaking("GET", f"{HUB}/commits/-/{NAME}/{which}").status_code == 404


def test_a_pull_is_answered_from_the_bytes_of_its_request(speaking: Speaking) -> None:
    asked = request(f"{HUB}/commits/-/{NAME}/production", f"x-api-key: {speaking.token('app', 'read')}")
    fast = Wire(speaking.app, speaking.loop, speaking.api.state.hot)
    first, second = fast.ask(asked), fast.ask(asked)
    assert (first.status, second.body, fast.state.tasks) == (200, first.body, set())
    assert fast.protocol._clean  # nothing of it went to the framework
    speaking.registry.promote(ANA, f"{NAME}@staging", "production")
    assert b'"temperature":0.7' in fast.ask(asked).body
    fast.close()


def test_every_path_is_there_with_a_slash_and_without(speaking: Speaking) -> None:
    routes = {(one.path, *one.methods) for one in PROTOCOL.router.routes if isinstance(one, APIRoute)}
    assert all((f"{path}/", method) in routes for path, method in routes if not path.endswith("/"))
    hub = "v1/platform/hub/repos"
    reads = [f"commits/-/{NAME}/latest", "commits/support/triage/v1", f"commits/-/{NAME}", "repos", f"repos/-/{NAME}"]
    for path in (*reads, f"repos/-/{NAME}/tags", "settings", "info", f"{hub}/-/{NAME}/directories"):
        plain, slashed = (speaking("GET", f"{HUB}/{path}{end}") for end in ("", "/"))
        assert (plain.status_code, plain.json()) == (200, slashed.json())


def test_lists_go_by_offset_and_leave_out_what_nothing_follows(speaking: Speaking) -> None:
    registry = speaking.registry
    hashes = [registry.release(f"{NAME}@v{number}")["commit"] for number in (2, 1)]
    found = [speaking("GET", f"{HUB}/commits/-/{NAME}/?limit=1&offset={at}").json() for at in (0, 1, 2)]
    assert [[one["commit_hash"] for one in page["commits"]] for page in found] == [hashes[:1], hashes[1:], []]
    assert found[0]["commits"][0]["parent_commit_hash"] == hashes[1]
    assert [page["total"] for page in found[:2]] == [2, 2]
    registry.publish(ANA, {**rich(temperature=0.9)}, label="2025-03-16")
    registry.yank(ANA, f"{NAME}@v3", reason="a mistake")
    assert speaking("GET", f"{HUB}/commits/-/{NAME}/?limit=1").json()["commits"][0]["commit_hash"] == hashes[0]
    for query, names in (("", [NAME]), ("?query=nothing", []), ("?is_public=true", []), ("?is_archived=true", [])):
        repos = speaking("GET", f"{HUB}/repos/{query}").json()
        assert ([one["repo_handle"] for one in repos["repos"]], repos["total"]) == (names, len(names))


# -- what is changed ---------------------------------------------------------------------------------------------------


def test_a_push_of_what_was_pulled_changes_nothing(speaking: Speaking) -> None:
    told = pulled(speaking, "latest")
    answer = push(speaking, told["manifest"], told["commit_hash"])
    assert answer.json()["commit"]["commit_hash"] == told["commit_hash"]
    assert speaking.registry.bundle(NAME)["newest"] == 2


def test_a_push_changes_the_prompt_and_carries_the_rest(speaking: Speaking) -> None:
    told = pulled(speaking, "latest")
    manifest = copy.deepcopy(told["manifest"])
    manifest["kwargs"]["messages"][0]["kwargs"]["prompt"]["kwargs"]["template"] = "Be kind to {{{who}}}. {json}"
    manifest["kwargs"]["metadata"]["team"] = "answers"
    answer = push(speaking, manifest, told["commit_hash"][:8])
    assert answer.status_code == 200, answer.text
    before, after = (speaking.registry.release(f"{NAME}@v{number}")["content"] for number in (2, 3))
    assert after["prompts"]["default"]["messages"][0]["template"] == "Be kind to {{who}}. {json}"
    assert after["prompts"]["default"]["messages"][1:] == before["prompts"]["default"]["messages"][1:]
    assert after["metadata"] == {"ticket": "ML-812", "team": "answers"}
    for kind in ("models", "tools", "retrieval", "guardrails", "configs"):
        assert after[kind] == before[kind]
    files = speaking.registry.sealed(f"{NAME}@v3")["files"]
    assert files["prompts/system.md"] == "Be kind to {{who}}. {json}"
    assert answer.json()["commit"]["id"].replace("-", "") == answer.json()["commit"]["commit_hash"][:32]


def test_what_a_push_does_not_change_stays_as_it_was_written(speaking: Speaking) -> None:
    """Includes, and files that something else has, too."""
    registry = speaking.registry
    registry.publish_component(ANA, "prompts", "tone", {"tone.md": "Be {{mood}}."})
    messages = (
        "[{role: system, text: 'A {{> prompts/tone@v1}}'}, {role: user, template: q.md}, {role: user, template: q.md}]"
    )
    manifest = (
        f"release:\n  bundle: inc\n  prompts:\n    default:\n      messages: {messages}\n    b: {{template: q.md}}\n"
    )
    registry.publish(ANA, {"release.yaml": manifest, "q.md": "{{q}}"})
    told = speaking("GET", f"{HUB}/commits/-/inc/latest").json()
    told["manifest"]["kwargs"]["messages"][2]["kwargs"]["prompt"]["kwargs"]["template"] = "Q: {{{q}}}" + "!" * 300
    assert push(speaking, told["manifest"], told["commit_hash"], name="inc").status_code == 200
    files = registry.sealed("inc@v2")["files"]
    assert ("{{> prompts/tone@v1}}" in files["release.yaml"], files["q.md"]) == (True, "{{q}}")
    content = registry.release("inc@v2")["content"]["prompts"]
    assert [one["template"][:8] for one in content["default"]["messages"]] == ["A Be {{m", "{{q}}", "Q: {{q}}"]
    assert content["b"]["template"] == "{{q}}"


def test_of_what_moved_since_nothing_is_lost(speaking: Speaking) -> None:
    first, newest = (pulled(speaking, which) for which in ("v1", "v2"))
    for parent in (first["commit_hash"], None, "0" * 40, "nonsense"):
        refused = push(speaking, chat(human("x")), parent)
        assert (refused.status_code, f"commit {newest['commit_hash'][:8]}" in refused.json()["detail"]) == (409, True)
    assert push(speaking, text("x"), "0" * 40, name="brand-new").status_code == 409
    assert speaking.registry.bundle(NAME)["newest"] == 2


def test_a_model_and_tools_that_come_along_are_read_as_data(speaking: Speaking) -> None:
    parent = pulled(speaking, "latest")["commit_hash"]
    tool = {"type": "function", "function": {"name": "other", "description": "d", "parameters": {"type": "object"}}}
    secret = {"lc": 1, "type": "secret", "id": ["OPENAI_API_KEY"]}
    model = made("ChatOpenAI", model_name="gpt-4o-2024-08-06", temperature=0.1, openai_api_key=secret, max_retries=2)
    bound = made("RunnableBinding", bound=model, kwargs={"tools": [tool], "tool_choice": "auto"})
    answer = push(speaking, made("RunnableSequence", first=chat(human("{q}")), middle=[], last=bound), parent)
    assert [one["what"] for one in answer.json()["lost"]] == ["model.max_retries"]
    content = speaking.registry.release(f"{NAME}@v3")["content"]
    assert content["models"]["default"]["params"] == {"temperature": 0.1, "tool_choice": "auto"}
    assert content["models"]["default"]["id"] == "gpt-4o-2024-08-06"
    assert set(content["tools"]) == {"lookup_ticket", "other"}
    assert content["prompts"]["default"]["tools"] == ["other"]


HOSTILE: dict[str, Any] = {
    "no object": {"messages": []},
    "another class": made("LLMChain", prompt=text("x")),
    "a class elsewhere": {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "true"}},
    "not implemented": {"lc": 1, "type": "not_implemented", "id": ["langchain", "X"], "repr": "X()"},
    "a secret": {"lc": 1, "type": "secret", "id": ["AWS_SECRET_ACCESS_KEY"]},
    "a secret as a text": text({"lc": 1, "type": "secret", "id": ["HOME"]}),  # type: ignore[arg-type]
    "an object as a text": text(made("ChatOpenAI")),  # type: ignore[arg-type]
    "a picture": chat(made("HumanMessagePromptTemplate", prompt=[text("a"), made("ImagePromptTemplate", template={})])),
    "calls of tools": chat(made("AIMessage", content="", tool_calls=[{"name": "x", "args": {}, "id": "1"}])),
    "a message of no role": chat(made("ChatMessagePromptTemplate", prompt=text("x"), role="wizard")),
    "an index": text("{a[0]}"),
    "an attribute": text("{a.__class__}"),
    "a section": text("{{#a}}x{{/a}}", "mustache"),
    "an include": text("{{> prompts/secret@v1}}", "mustache"),
    "another format": text("x", "sprintf"),
    "Jinja that is none": text("{% if %}", "jinja2"),
    "a placeholder of no name": chat(made("MessagesPlaceholder", variable_name="a.b")),
    "a parser": text("x", output_parser=made("XMLOutputParser")),
    "a partial that is no text": text("{a}", partial_variables={"a": made("Lambda")}),
    "an id of no texts": {"lc": 1, "type": "constructor", "id": [["x"]], "kwargs": {}},
    "what follows": made("RunnableSequence", first=text("x"), middle=[made("RunnableLambda")], last=made("Chat")),
    "a model of no name": made("RunnableSequence", first=text("x"), middle=[], last=made("ChatOpenAI")),
    "no first": made("RunnableSequence", last=text("x")),
    "deep": made("RunnableSequence", first=made("RunnableSequence", first=text("x"))),
}


@pytest.mark.parametrize("manifest", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_not_understood_is_refused_with_a_sentence(manifest: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_langchain.take(manifest, strict=True)
    assert caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "said", [[], {"models": 1, "tools": 1}, {"prompts": {"x": {"messages": [{}]}}}, {"tools": [1]}, {"model": {}}]
)
def test_what_says_it_was_of_a_registry_is_read_as_strictly(said: Any) -> None:
    release = {"registry": "x", **said} if isinstance(said, dict) else said
    taken = from_langchain.take(text("x", metadata={"release": release, "kept": 1}), strict=True)
    assert "kept: 1" in taken.files["release.yaml"]


def test_a_refused_push_leaves_nothing_behind(speaking: Speaking) -> None:
    parent = pulled(speaking, "latest")["commit_hash"]
    for manifest in (HOSTILE["a class elsewhere"], HOSTILE["an include"], [], "x"):
        refused = push(speaking, manifest, parent)
        assert (refused.status_code, set(refused.json())) == (422, {"detail", "code"})
    assert speaking.registry.bundle(NAME)["newest"] == 2


def test_partial_texts_are_put_in_and_placeholders_may_have_none() -> None:
    manifest = chat(
        human("{a} and {b}"),
        made("MessagesPlaceholder", variable_name="more", optional=True),
        made("AIMessage", content="as {is}", name="bob"),
        made("ChatMessage", content=[{"type": "text", "text": "x"}], role="human"),
        partial_variables={"a": "{A}", "more": []},
    )
    release = json.loads(json.dumps(from_langchain.take(manifest, strict=True).files))["release.yaml"]
    assert "{{b}}" not in release
    assert all(one in release for one in ("{{A}} and {b}", "as {{is}}", "name: bob", "placeholder: more"))


def test_a_prompt_that_is_to_be_is_there_for_who_said_so(speaking: Speaking) -> None:
    ana, bob = ({"x-api-key": speaking.token(name, "write")} for name in ("ana", "bob"))
    about = {"repo_handle": "Movie Critic", "description": "It judges", "is_public": False}
    assert speaking("GET", f"{HUB}/repos/-/Movie%20Critic", headers=ana).status_code == 404
    assert speaking("POST", f"{HUB}/repos/", json={**about, "is_public": True}, headers=ana).status_code == 422
    assert speaking("POST", f"{HUB}/repos/", json=about, headers=ana).json()["repo"]["num_commits"] == 0
    seen = [speaking("GET", f"{HUB}/repos/-/Movie%20Critic", headers=one).status_code for one in (ana, bob)]
    assert seen == [200, 404]
    assert speaking("GET", f"{HUB}/commits/-/Movie%20Critic/?limit=1", headers=ana).json()["commits"] == []
    assert speaking("GET", f"{HUB}/commits/-/Movie%20Critic/latest", headers=ana).status_code == 404
    commit = push(speaking, text("Judge {film}."), None, name="Movie%20Critic", headers=ana).json()["commit"]
    for tag, status in (("Production", 200), ("latest", 422), ("a b", 422)):
        body = {"tag_name": tag, "commit_id": commit["id"]}
        assert speaking("POST", f"{HUB}/repos/-/Movie%20Critic/tags", json=body, headers=ana).status_code == status
    assert speaking("POST", f"{HUB}/repos", json=about, headers=ana).status_code == 409
    assert speaking.registry.release("movie-critic@production")["content"]["prompts"]["default"]["format"] == "f-string"


def test_a_tag_that_wants_approvals_is_asked_for_and_not_moved(speaking: Speaking) -> None:
    rules = f"{{bundles: {NAME}, aliases: production, approvals: 1}}"
    speaking.registry.policies.edit(ANA, f"format: 1\nrules: [{rules}]\n", reason="as agreed")
    body = {"tag_name": "production", "commit_id": pulled(speaking, "latest")["commit_hash"][:12]}
    waits = speaking("POST", f"{HUB}/repos/-/{NAME}/tags", json=body)
    assert (waits.status_code, "request 1" in waits.json()["detail"]) == (409, True)
    assert speaking.registry.alias(NAME, "production")["version"] == 1
    for commit, status in (("nonsense", 404), ("0" * 40, 404), ("", 404)):
        body = {"tag_name": "staging", "commit_id": commit}
        assert speaking("POST", f"{HUB}/repos/-/{NAME}/tags", json=body).status_code == status


def test_a_bundle_is_described_and_archived_and_never_deleted(speaking: Speaking) -> None:
    repo = f"{HUB}/repos/-/{NAME}"
    changed = speaking("PATCH", repo, json={"description": "Sorts tickets", "readme": "long", "tags": ["x"]})
    assert changed.json()["repo"]["description"] == "Sorts tickets"
    assert speaking("PATCH", repo, json={"is_public": True}).status_code == 422
    assert speaking("DELETE", repo).status_code == 422
    assert speaking("PATCH", repo, json={"is_archived": True}).json()["repo"]["is_archived"] is True
    assert push(speaking, text("x"), pulled(speaking, "latest")["commit_hash"]).status_code == 409
    assert speaking("PATCH", repo, json={"is_archived": False}).json()["repo"]["is_archived"] is False
    assert speaking("POST", f"{HUB}/likes/-/{NAME}", json={"like": True}).json() == {"likes": 0}


def test_an_agent_is_the_files_and_its_push_takes_their_place(speaking: Speaking) -> None:
    at = f"{HUB}/v1/platform/hub/repos/-/{NAME}/directories"
    agent = speaking("GET", f"{at}?repo_type=agent&commit=production").json()
    files = speaking.registry.sealed(f"{NAME}@production")["files"]
    assert {path: one["content"] for path, one in agent["files"].items()} == files
    body = {"files": {"prompts/system.md": {"type": "file", "content": "Short.\n"}}, "parent_commit": "0" * 8}
    assert speaking("POST", f"{at}/commits", json=body).status_code == 409
    body["parent_commit"] = pulled(speaking, "latest")["commit_hash"]
    assert speaking("POST", f"{at}/commits", json=body).status_code == 200
    messages = speaking.registry.release(f"{NAME}@v3")["content"]["prompts"]["default"]["messages"]
    assert messages[0]["template"] == "Short.\n"
    for wrong in ({"x.md": {"type": "agent", "repo_handle": "x"}}, {"../x": {"type": "file", "content": ""}}):
        assert speaking("POST", f"{at}/commits", json={"files": wrong}).status_code == 422


def test_every_route_is_for_who_may(speaking: Speaking) -> None:
    registry, newest = speaking.registry, pulled(speaking, "latest")["commit_hash"]
    other = {**rich(), "release.yaml": rich()["release.yaml"].replace(NAME, "other")}
    registry.publish(ANA, other, alias="production")
    few, alias, whole = (
        {"x-api-key": speaking.token(name, can)}
        for name, can in (("few", "read:other"), ("alias", f"read:{NAME}@production"), ("whole", "read"))
    )
    assert "production" in str(speaking("GET", f"{HUB}/commits/-/{NAME}/production", headers=alias).json())
    reads = [f"commits/-/{NAME}/production", f"commits/-/{NAME}", f"repos/-/{NAME}", f"repos/-/{NAME}/tags"]
    for path in (*reads, f"commits/-/{NAME}/{newest}", f"v1/platform/hub/repos/-/{NAME}/directories"):
        assert speaking("GET", f"{HUB}/{path}", headers=few).status_code == 403, path
        assert speaking("GET", f"{HUB}/{path}", headers=whole).status_code == 200, path
    of_alias = speaking("GET", f"{HUB}/v1/platform/hub/repos/-/{NAME}/directories?commit=production", headers=alias)
    assert "release.yaml" in of_alias.json()["files"]
    for which in ("latest", newest, newest[:8], "v2", "staging"):
        assert speaking("GET", f"{HUB}/commits/-/{NAME}/{which}", headers=alias).status_code == 403
    assert [one["repo_handle"] for one in speaking("GET", f"{HUB}/repos", headers=few).json()["repos"]] == ["other"]
    tagged = {"tag_name": "production", "commit_id": newest}
    writes = [
        ("POST", f"commits/-/{NAME}", {"manifest": text("x"), "parent_commit": newest}),
        ("POST", f"repos/-/{NAME}/tags", tagged),
        ("POST", "repos", {"repo_handle": "mine"}),
        ("PATCH", f"repos/-/{NAME}", {"description": "x"}),
        ("DELETE", f"repos/-/{NAME}", None),
        ("POST", f"v1/platform/hub/repos/-/{NAME}/directories/commits", {"files": {}}),
    ]
    theirs = {"x-api-key": speaking.token("theirs", "write:other")}
    for method, path, body in writes:
        for headers in (whole, theirs):
            assert speaking(method, f"{HUB}/{path}", json=body, headers=headers).status_code == 403, path
    assert (registry.bundle(NAME)["newest"], registry.alias(NAME, "production")["version"]) == (2, 1)
