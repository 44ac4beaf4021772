"""Phoenix's own packages, in Python and JavaScript, read prompts of a registry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import filling
import pages
import pytest
from matrix import Dialect, Matrix
from sessions import ClientError

if TYPE_CHECKING:
    from matrix import Opener, Reader

    from conftest import Served

PYTHON = """\
import httpx
version = f"{name}@v{version}" if version else None
got = client.prompts.get(prompt_version_id=version) if version else client.prompts.get(prompt_identifier=name, tag=alias or "production")
data = got._dumps()
messages = data["template"]["messages"]
one = {"version": int(got.id.rpartition("@v")[2]), "payload": data}
def plain(message):
    content = message["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    return {"placeholder": text[2:-2]} if text == "{{history}}" else {"role": message["role"], "content": text}
one | ({"messages": [plain(one) for one in messages]} if len(messages) > 1 else {"text": plain(messages[0])["content"]})
"""
JAVASCRIPT = """\
const { name, alias, version } = given;
const got = await kept.prompts.getPrompt({
  client: kept.client, prompt: version ? { versionId: `${name}@v${version}` } : { name, tag: alias ?? "production" } });
if (!got) return null;
const messages = got.template.messages.map(({ role, content }) => {
  const text = typeof content === "string" ? content : content.map((part) => part.text).join("");
  return text === "{{history}}" ? { placeholder: "history" } : { role, content: text };
});
const found = { version: Number(got.id.split("@v")[1]), payload: got };
return messages.length > 1 ? { ...found, messages } : { ...found, text: messages[0].content };
"""


FORMATTING = """\
got = client.prompts.get(prompt_identifier=name, tag="production")
made = got.format(variables=values)
{"messages": list(made.messages), "kwargs": dict(made.kwargs)}
"""
TO_SDK = """\
const { name, values, sdk } = given;
const prompt = await kept.prompts.getPrompt({ client: kept.client, prompt: { name, tag: "production" } });
return kept.prompts.toSDK({ sdk, prompt, variables: values });
"""
OPENING = "from phoenix.client import Client; client = Client(base_url=address, api_key=key)"
PYTHON_DIALECT = Dialect(
    client="phoenix-3.5",
    protocol="phoenix",
    opening=OPENING,
    reading=PYTHON,
    missing="Prompt not found|404",
    denied="40[13]",
    keeps=False,
    folders=False,  # it refuses to send a slash
)
JAVASCRIPT_DIALECT = Dialect(
    client="phoenix-js-6",
    protocol="phoenix",
    opening="""\
const { createClient } = await load("@arizeai/phoenix-client");
kept.prompts = await load("@arizeai/phoenix-client/prompts");
kept.client = createClient({ options: { baseUrl: given.address, headers: { Authorization: `Bearer ${given.key}` } } });
""",
    reading=JAVASCRIPT,
    missing=None,
    denied=None,
    keeps=False,
)


class TestPhoenix(Matrix):
    """The Python package makes of an answer only what its form has a place for: parts without one are in JavaScript's."""

    dialects = (PYTHON_DIALECT,)
    parts = ("tools",)


class TestPhoenixJavaScript(Matrix):
    """It gives the answer as it is, with all of a release."""

    dialects = (JAVASCRIPT_DIALECT,)


@pytest.fixture
def python(opened: Opener) -> Reader:
    """The Python package, opened."""
    return opened(PYTHON_DIALECT)


@pytest.fixture
def javascript(opened: Opener) -> Reader:
    """The JavaScript package, opened."""
    return opened(JAVASCRIPT_DIALECT)


def plain(message: Any) -> Any:
    """A message whose only part is a text, as that text."""
    content = message["content"]
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    return {"role": message["role"], "content": text}


@pytest.mark.parametrize(("provider", "at"), [("openai", 0), ("anthropic", 1), ("vendor-x", 2)])
def test_what_format_makes_is_what_this_registry_makes(python: Reader, served: Served, provider: str, at: int) -> None:
    for number, (style, text) in enumerate(filling.PLAIN):
        if style == "jinja2" and "|" in text:
            continue
        name = f"filled-{at}-{number}"
        filling.publish(served, filling.release(name, style, text, provider=provider))
        got = python.session.run(FORMATTING, name=name, values=filling.used(served, f"{name}@v1"))
        system = [{"role": "system", "content": got["kwargs"]["system"]}] if provider == "anthropic" else []
        assert [plain(one) for one in [*system, *got["messages"]]] == filling.filled(served, f"{name}@v1"), (
            style,
            text,
        )


def test_what_it_cannot_fill_in_arrives_as_it_is(python: Reader, served: Served) -> None:
    text = filling.TEXTS["jinja2"][1]
    filling.publish(served, filling.release("logic", "jinja2", text))
    got = python.session.run(FORMATTING, name="logic", values={})
    assert got["messages"][-1]["content"] == text


CALL = {
    "provider": "openai",
    "name": "gpt-4o",
    "temperature": 0.1,
    "stop": "END",
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "logit_bias": {"50256": -100},
}


def publish_call(served: Served, bundle: str, **model: Any) -> None:
    """A release whose prompt calls a tool and wants an answer of a form."""
    tool = {
        "name": "find",
        "description": "Finds.",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    }
    prompt = {
        "messages": [{"role": "user", "text": "{{q}}"}],
        "output": {"type": "object", "properties": {"a": {"type": "string"}}},
    }
    release = {"bundle": bundle, "model": {"pinned_version": "1", **model}, "prompt": prompt, "tools": [tool]}
    filling.publish(served, {"release.json": json.dumps({"release": release})})


def test_a_call_of_openai_has_all_of_it(python: Reader, javascript: Reader, served: Served) -> None:
    publish_call(served, "calling", **CALL)
    made = python.session.run(FORMATTING, name="calling", values={"q": "x"})["kwargs"]
    wanted: dict[str, Any] = {
        "model": "gpt-4o",
        "temperature": 0.1,
        "stop": ["END"],
        "extra_body": {"parallel_tool_calls": False, "logit_bias": {"50256": -100}},
        "tool_choice": "required",
    }
    assert {key: made[key] for key in wanted} == wanted
    assert made["tools"][0]["function"]["name"] == "find"
    assert made["response_format"]["json_schema"]["schema"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
    }
    sent = javascript.session.run(TO_SDK, name="calling", values={"q": "x"}, sdk="openai")
    assert sent is not None, javascript.session.printed
    assert {key: sent[key] for key in wanted} == wanted
    assert (plain(sent["messages"][0])["content"], sent["response_format"]["type"]) == ("x", "json_schema")


def test_a_call_of_anthropic_has_all_of_it(python: Reader, javascript: Reader, served: Served) -> None:
    model = {"provider": "anthropic", "name": "claude", "max_tokens": 700, "temperature": 0.5, "stop": ["A", "B"]}
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 300}}
    publish_call(served, "claude", **model, params={**thinking, "tool_choice": {"type": "tool", "name": "find"}})
    made = python.session.run(FORMATTING, name="claude", values={"q": "x"})["kwargs"]
    assert (made["model"], made["max_tokens"], made["stop_sequences"]) == ("claude", 700, ["A", "B"])
    assert made["extra_body"] == {"temperature": 0.5}
    assert (made["thinking"]["budget_tokens"], made["tool_choice"]) == (300, {"type": "tool", "name": "find"})
    assert made["tools"][0]["input_schema"]["properties"] == {"q": {"type": "string"}}
    sent = javascript.session.run(TO_SDK, name="claude", values={"q": "x"}, sdk="anthropic")
    assert (sent["max_tokens"], sent["stop_sequences"], sent["tool_choice"]) == (700, ["A", "B"], made["tool_choice"])


def test_javascript_fills_in_the_same(javascript: Reader, served: Served) -> None:
    for number, (style, text) in enumerate(filling.PLAIN):
        if style == "text" or any(one in text for one in ("|", "}}}", "{{1", "\\{", "{{{{")):
            continue  # what it cannot say: see the page of the protocol
        name = f"filled-js-{number}"
        filling.publish(served, filling.release(name, style, text, example="none"))
        sent = javascript.session.run(TO_SDK, name=name, values=filling.used(served, f"{name}@v1"), sdk="openai")
        found = [plain(one) for one in sent["messages"]]
        assert (found[0], found[-1]) == tuple(filling.filled(served, f"{name}@v1")[at] for at in (0, -1)), (style, text)


def test_what_there_is(python: Reader, javascript: Reader, served: Served) -> None:
    names = javascript.session.run(
        "return (await kept.prompts.listPrompts({ client: kept.client })).map((p) => p.name);"
    )
    assert {"greeting", "rich", "talk"} <= set(names)
    found = python.session.run("[one['name'] for one in client.prompts.tags.list(prompt_version_id='greeting@v2')]")
    assert found == ["production"]
    with pytest.raises(ClientError) as caught:
        python.session.run("client.prompts.tags.create(prompt_version_id='greeting@v2', name='x')")
    assert re.search("403", caught.value.says)


def test_the_page_is_what_happens(python: Reader, javascript: Reader, served: Served) -> None:
    (shown,) = pages.blocks("phoenix", "python", served.address)
    found = python.session.run(
        shown.replace("pst_…", served.key) + "\n[call['messages'][0]['content'], first.id, newest.id]"
    )
    assert found == ["Summarise, form 2: The lid is loose.", "greeting@v1", "greeting@v3"]
    (shown,) = pages.blocks("phoenix", "js", served.address)
    code = pages.snippet(shown.replace("pst_…", served.key)) + "\nreturn call.messages[0].content;"
    assert javascript.session.run(code) == "Summarise, form 2: The lid is loose."
