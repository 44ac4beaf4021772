"""Prompty, promptfoo, plain files and requests: what they mean, and what has no place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.exchange import chat, openai, plain, promptfoo, prompty
from pinset.domain.manifest import loading
from pinset.errors import InvalidInput

if TYPE_CHECKING:
    from pinset.domain.exchange.incoming import Taken

LOOP = "{% for m in past %}\n{{m.role}}:\n{{m.content}}\n{% endfor %}\n"


def release(taken: Taken) -> dict[str, Any]:
    found: dict[str, Any] = loading.load("release.yaml", taken.files["release.yaml"]).value["release"]
    return found


def lost(taken: Taken) -> list[str]:
    return [one.what for one in taken.lost]


def said(taken: Taken) -> list[tuple[str, str]]:
    """Roles and texts of the prompt."""
    items = release(taken)["prompt"]["messages"]
    return [(i["role"], taken.files[i["template"]]) if "role" in i else ("", i["placeholder"]) for i in items]


def test_lines_that_name_a_role_part_a_prompty() -> None:
    taken = prompty.take(f'---\nmodel: gpt-4\n---\n\n# System:\nBe brief.\n\n{LOOP}\nuser[name="bob"]:\n{{{{q}}}}\n\n')
    assert said(taken) == [("system", "Be brief.\n"), ("", "past"), ("user", "{{q}}")]
    assert release(taken)["prompt"]["messages"][2]["name"] == "bob"
    assert release(taken)["model"] == {"name": "gpt-4"}


def test_threads_are_placeholders() -> None:
    inputs = "inputSchema: {properties: [{name: talk, kind: thread}, {name: q, kind: string}]}"
    taken = prompty.take(f"---\nmodel: gpt-4\n{inputs}\n---\nsystem:\nA\n{{{{talk}}}}\nuser:\n{{{{q}}}}\n")
    assert said(taken) == [("system", "A"), ("", "talk"), ("user", "{{q}}")]
    assert release(taken)["prompt"]["inputs"] == {
        "type": "object",
        "properties": {"q": {"type": "string"}},
        "required": ["q"],
    }


@pytest.mark.parametrize(
    "body",
    [
        "system:\n{% if x %}\nuser:\na\n{% endif %}\n", "system:\na\n{{role}}:\nb\n", "tools:\n- a\nuser:\nb\n",
        "system:\n{% set x = 1 %}\nuser:\n{{x}}\n", "![thread]\nmore\nuser:\nx\n",
    ],
)  # fmt: skip
def test_messages_that_are_only_known_when_it_runs_are_refused(body: str) -> None:
    with pytest.raises(InvalidInput, match=r"a\.prompty"):
        prompty.take(body, what="a.prompty")


def test_older_and_newer_front_matter_mean_the_same() -> None:
    older = prompty.take(
        "---\nname: n\nmodel:\n  api: chat\n  configuration: {type: azure_openai, azure_deployment: gpt, api_version: x}\n"
        "  parameters: {temperature: 0, tools: [{type: function, function: {name: f}}]}\nsample: {q: hi}\n---\n{{q}}"
    )
    newer = prompty.take(
        "---\nname: n\nmodel:\n  id: gpt\n  provider: azure_openai\n  connection: {endpoint: '${env:E}', api_version: x}\n"
        "  options: {temperature: 0}\ntools: [{name: f, kind: function, parameters: []}]\ninputs: {q: hi}\n"
        "template: {format: {kind: jinja2}}\n---\n{{q}}"
    )
    assert release(older)["model"] == release(newer)["model"] == {
        "provider": "azure_openai", "name": "gpt", "params": {"temperature": 0},
    }  # fmt: skip
    assert [tool["name"] for tool in release(newer)["tools"]] == ["f"]
    assert release(older)["prompt"]["inputs"] == release(newer)["prompt"]["inputs"]
    assert lost(older) == lost(newer) == ["model.configuration"]


def test_files_beside_are_put_in_and_missing_ones_told() -> None:
    text = "---\nmodel: {id: m, parameters: {response_format: '${file:s.json}', seed: '${file:no.json}', user: '${env:U}'}}\n---\nx"
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    taken = prompty.take(text, beside={"s.json": json.dumps(form)})
    assert release(taken)["prompt"]["output"] == {"type": "object"}
    assert lost(taken) == ["model.parameters.seed", "model.parameters.user"]


def test_promptfoo_becomes_prompts_models_and_examples() -> None:
    config = (
        "description: d\nprompts:\n  - 'Hi {{name}}'\n  - file://p/*.txt\n  - {id: file://c.json, label: The chat}\n"
        "  - exec:./x.sh\nproviders:\n  - openai:chat:gpt-4o-2024-08-06\n"
        "  - anthropic:messages:c: {config: {temperature: 0, apiKey: k}}\n"
        "tests: [{vars: {name: Ada}, assert: []}, {vars: {name: Bob}}]\nredteam: {}\n"
    )
    files = {
        "p/a.txt": "One {{t}}\n---\n{% if t %}Two{% endif %}",
        "c.json": '[{"role": "user", "content": "{{name}}"}]',
    }
    taken = promptfoo.take(config, beside=files)
    found = release(taken)
    assert list(found["prompts"]) == ["prompt-1", "a-1", "a-2", "The-chat"]
    assert found["prompts"]["prompt-1"]["inputs"]["properties"] == {"name": {"examples": ["Ada", "Bob"]}}
    assert found["prompts"]["a-2"]["template"].endswith(".j2")
    assert found["models"]["default"] == {"provider": "openai", "name": "gpt-4o-2024-08-06"}
    assert found["models"]["c"]["params"] == {"temperature": 0}
    assert lost(taken) == ["redteam", "prompts[3]", "providers[1].config.apiKey", "tests.assert"]


@pytest.mark.parametrize(
    ("config", "said_of_it"),
    [
        ("prompts: [&a x, *a]", "anchors"),
        ("prompts: ['{{ x | nunjucksOnly }}']", "no Jinja"),
        ("prompts: ['{% verbatim %}{{x}}{% endverbatim %}']", "no Jinja"),
        ("prompts: ['{% for k, v in x %}{{k}}{% endfor %}']", "loops over keys"),
        ("prompts: [file://x.py]", "no prompt"),
        ("- a", "no mapping"),
    ],
)
def test_what_promptfoo_alone_understands_is_refused(config: str, said_of_it: str) -> None:
    with pytest.raises(InvalidInput, match=said_of_it):
        promptfoo.take(config)


def test_comments_of_nunjucks_are_no_text() -> None:
    found = release(promptfoo.take("prompts: ['{# a note #}Hi {{name}}']"))
    assert found["prompt"]["template"].endswith(".j2")


def test_a_folder_of_templates_stays_as_it_is() -> None:
    files = {
        "prompts/a.j2": "{% include 'b.j2' %}", "prompts/b.j2": "B", "prompts/plan.md": "{{#x}}", "tools/f.json": '{"name": "f"}',
        "README.md": "About.", "chat.json": '[{"role": "user", "content": "{{x}}"}]', "data.json": "[1]", "my note.txt": "n",
    }  # fmt: skip
    taken = plain.take_folder(files)
    found = release(taken)
    assert {path: taken.files[path] for path in ("prompts/a.j2", "tools/f.json")} == {
        p: files[p] for p in ("prompts/a.j2", "tools/f.json")
    }
    assert sorted(found["prompts"]) == ["a", "b", "chat", "my-note", "plan"]
    assert found["prompts"]["plan"] == {"template": "prompts/plan.md", "format": "text"}
    assert found["tools"] == ["tools/f.json"]
    assert lost(taken) == ["README.md", "data.json", "my note.txt", "model"]


def test_one_file_brings_what_it_includes() -> None:
    taken = plain.take(
        "a.j2", {"a.j2": "{% include 'x/b.j2' %}", "x/b.j2": "{% include 'c.j2' %}", "x/c.j2": "C", "d.j2": "D"}
    )
    assert set(taken.files) == {"release.yaml", "a.j2", "x/b.j2", "x/c.j2"}
    with pytest.raises(InvalidInput, match="LFS"):
        plain.take("a.md", {"a.md": "version https://git-lfs.github.com/spec/v1\noid sha256:0"})


def test_requests_of_both_interfaces_are_taken() -> None:
    chat_body = {
        "model": "gpt-x", "temperature": 0, "messages": [
            {"role": "system", "content": [{"type": "text", "text": "A"}, {"type": "image_url", "image_url": {}}]},
            {"role": "robot", "content": "no"}, {"role": "user", "content": "{{q}}"},
        ],
    }  # fmt: skip
    taken = openai.take(json.dumps(chat_body))
    assert said(taken) == [("system", "A"), ("user", "{{q}}")]
    assert lost(taken) == ["messages[0].content", "messages[1]"]
    body = {
        "model": "gpt-x", "instructions": "I", "input": "{{q}}",
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"type": "object"}}},
    }  # fmt: skip
    taken = openai.take(json.dumps(body))
    assert said(taken) == [("developer", "I"), ("user", "{{q}}")]
    assert release(taken)["prompt"]["output"] == {"type": "object"}
    with pytest.raises(InvalidInput, match="no request"):
        openai.take("{}")


@pytest.mark.parametrize(
    ("text", "style"),
    [("{{x}}", "mustache"), ("{% if x %}{% endif %}", "jinja2"), ("{{x.y}}", "jinja2"), ("{{ % }}", "text")],
)
def test_a_format_that_is_not_said_is_the_first_that_parses(text: str, style: str) -> None:
    assert chat.style_of([text]) == style
