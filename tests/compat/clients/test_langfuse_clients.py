"""Langfuse's packages, unmodified, against a registry: the whole matrix, and what only they do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bundles
import pytest
from matrix import Dialect, Matrix
from sessions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matrix import Opener

    from conftest import Served

PYTHON = """\
from langfuse import Langfuse
lf = Langfuse(public_key="pk-lf-any", secret_key=key, host=address)
"""
PYTHON_READING = """\
import json
given = {"label": alias} if alias else {"version": version} if version else {}
got = lf.get_prompt(name, cache_ttl_seconds=1, max_retries=0, **given)
told = {"version": got.version, "payload": {"config": got.config, "labels": got.labels, "tags": got.tags}}
if isinstance(got.prompt, str):
    told["text"] = got.prompt
else:
    told["messages"] = [
        {"placeholder": m["name"]} if m.get("type") == "placeholder"
        else {"placeholder": m["content"].strip("{}")} if m["role"] == "placeholder"
        else {"role": m["role"], "content": m["content"]}
        for m in got.prompt
    ]
told
"""
MESSAGES = """\
const told = { version: got.version, payload: { config: got.config, labels: got.labels, tags: got.tags } };
if (typeof got.prompt === "string") told.text = got.prompt;
else told.messages = got.prompt.map((m) =>
  m.type === "placeholder" ? { placeholder: m.name } : { role: m.role, content: m.content });
return told;
"""
JS_3 = """\
const { Langfuse } = await load("langfuse");
kept.lf = new Langfuse({ publicKey: "pk-lf-any", secretKey: given.key, baseUrl: given.address });
"""
JS_3_READING = f"""\
const options = {{ cacheTtlSeconds: 1, maxRetries: 0, ...(given.alias ? {{ label: given.alias }} : {{}}) }};
const got = await kept.lf.getPrompt(given.name, given.version ?? undefined, options);
{MESSAGES}"""
JS_5 = """\
const { LangfuseClient } = await load("@langfuse/client");
kept.lf = new LangfuseClient({ publicKey: "pk-lf-any", secretKey: given.key, baseUrl: given.address });
"""
JS_5_READING = f"""\
const options = {{ cacheTtlSeconds: 1, maxRetries: 0 }};
if (given.alias) options.label = given.alias;
if (given.version) options.version = given.version;
const got = await kept.lf.prompt.get(given.name, options);
{MESSAGES}"""


def dialect(client: str, opening: str, reading: str, missing: str, denied: str) -> Dialect:
    return Dialect(
        client=client,
        protocol="langfuse",
        opening=opening,
        reading=reading,
        missing=missing,
        denied=denied,
        keeps=True,
        fresh=2.1,
    )


PYTHON_2 = dialect(
    "langfuse-2.60",
    PYTHON,
    PYTHON_READING.replace("max_retries=0", "max_retries=1"),
    "NotFoundError",
    "UnauthorizedError|AccessDeniedError",
)
PYTHON_5 = dialect("langfuse-5.0", PYTHON, PYTHON_READING, "NotFoundError", "UnauthorizedError|AccessDeniedError")
SCRIPT_3 = dialect(
    "langfuse-js-3", JS_3, JS_3_READING, "there is no|no such|does not exist", "token|credential|permission|may"
)
SCRIPT_5 = dialect(
    "langfuse-js-5", JS_5, JS_5_READING, "NotFoundError|404", "UnauthorizedError|AccessDeniedError|40[13]"
)


class TestLangfuse(Matrix):
    """Everything that every protocol must prove."""

    dialects = (PYTHON_2, PYTHON_5, SCRIPT_3, SCRIPT_5)


# -- filling in ------------------------------------------------------------------------------------------------

FILLED = 'One <b>&"it"</b> {"a": {"b": 1}}: T-1'


@pytest.mark.parametrize("client", [PYTHON_2, PYTHON_5, SCRIPT_3, SCRIPT_5], ids=lambda one: one.client)
def test_a_prompt_is_filled_in(client: Dialect, opened: Opener, served: Served) -> None:
    name = served.bundle(lambda bundle, words: bundles.text(bundle, f'{words} <b>&"it"</b> {{"a": {{"b": 1}}}}'))
    session = opened(client).session
    if "js" not in client.client:
        assert session.run("lf.get_prompt(name).compile(ticket='T-1')", name=name) == FILLED
        assert session.run("lf.get_prompt(name).get_langchain_prompt()", name=name).endswith("{ticket}")
    elif client is SCRIPT_3:
        assert session.run("return (await kept.lf.getPrompt(given.name)).compile({ticket: 'T-1'})", name=name) == FILLED
    else:
        assert (
            session.run("return (await kept.lf.prompt.get(given.name)).compile({ticket: 'T-1'})", name=name) == FILLED
        )


@pytest.mark.parametrize("client", [PYTHON_5, SCRIPT_3, SCRIPT_5], ids=lambda one: one.client)
def test_a_placeholder_is_filled_in(client: Dialect, opened: Opener) -> None:
    session, history = opened(client).session, [{"role": "user", "content": "before"}]
    if client is PYTHON_5:
        code = "[m['content'] for m in lf.get_prompt('talk').compile(tone='dry', question='Why?', history=history)]"
    else:
        get = "kept.lf.getPrompt('talk')" if client is SCRIPT_3 else "kept.lf.prompt.get('talk')"
        values = "{tone: 'dry', question: 'Why?'}, {history: given.history}"
        code = f"return (await {get}).compile({values}).map((m) => m.content)"
    assert session.run(code, history=history) == ["You are brief, dry.", "Hello?", "Hello.", "before", "Why?"]


# -- writing ---------------------------------------------------------------------------------------------------

MAKE_PYTHON = """\
made = lf.create_prompt(
    name=name, type="chat", prompt=messages, labels=labels, config=config, tags=["a"], commit_message="why"
)
[made.version, made.labels, made.config["temperature"], lf.auth_check()]
"""
MAKE_SCRIPT = """\
const {name, messages: prompt, labels, config} = given;
const body = {name, type: "chat", prompt, labels, config, tags: ["a"], commitMessage: "why"};
const made = await CREATE(body);
return [made.version, made.labels, made.config.temperature, AUTH];
"""
RELABEL = "return (await UPDATE({name: given.name, version: given.version, newLabels: given.labels})).labels"
PROJECTS = "(await kept.lf.api.projects.get()).data.length > 0"
WRITES = {
    "langfuse-2.60": (MAKE_PYTHON, "lf.update_prompt(name=name, version=version, new_labels=labels).labels"),
    "langfuse-js-3": (
        MAKE_SCRIPT.replace("CREATE", "kept.lf.createPrompt").replace("AUTH", "true"),
        RELABEL.replace("UPDATE", "kept.lf.updatePrompt"),
    ),
    "langfuse-js-5": (
        MAKE_SCRIPT.replace("CREATE", "kept.lf.prompt.create").replace("AUTH", PROJECTS),
        RELABEL.replace("UPDATE", "kept.lf.prompt.update"),
    ),
}
WRITES["langfuse-5.0"] = WRITES["langfuse-2.60"]


@pytest.mark.parametrize("client", [PYTHON_2, PYTHON_5, SCRIPT_3, SCRIPT_5], ids=lambda one: one.client)
def test_a_prompt_is_made_and_relabelled(client: Dialect, opened: Opener, served: Served) -> None:
    make, relabel = WRITES[client.client]
    session = opened(client, key=served.writing).session
    name = f"Written by/{client.client}"
    given = {
        "name": name,
        "messages": [{"role": "system", "content": "Be {{tone}} & <brief>"}, {"role": "user", "content": "{{q}}"}],
        "config": {"model": "gpt-4o", "temperature": 0.5},
    }
    assert session.run(make, labels=["production"], **given) == [1, ["production", "latest"], 0.5, True]
    given["messages"][0]["content"] = "Be kind"  # type: ignore[index]
    assert session.run(make, labels=[], **given) == [2, ["latest"], 0.5, True]
    assert session.run(relabel, name=name, version=2, labels=["production", "staging"]) == [
        "production",
        "staging",
        "latest",
    ]
    bundle = served.registry.spelled(name)
    document = served.document(f"{bundle}@production")
    assert (document["version"], document["message"]) == (2, "why")
    assert document["content"]["metadata"] == {"tags": ["a"]}
    reader = opened(client, key=served.writing)
    assert reader.read(name, alias="staging")["messages"][0] == {"role": "system", "content": "Be kind"}


@pytest.mark.parametrize("client", [PYTHON_2, PYTHON_5, SCRIPT_3, SCRIPT_5], ids=lambda one: one.client)
def test_who_may_only_read_cannot_write(client: Dialect, opened: Opener) -> None:
    make, _ = WRITES[client.client]
    session, messages = opened(client).session, [{"role": "user", "content": "x"}]
    with pytest.raises(ClientError) as caught:
        session.run(make, name="greeting", messages=messages, labels=[], config={"temperature": 1})
    assert "publish" in str(caught.value)


@pytest.mark.parametrize("client", [PYTHON_2, PYTHON_5], ids=lambda one: one.client)
def test_prompts_are_listed(client: Dialect, opened: Opener) -> None:
    api = "lf.client" if client is PYTHON_2 else "lf.api"
    code = f"""\
page = {api}.prompts.list(label="staging", limit=1, page=2)
[[one.name for one in page.data], page.data[0].versions, page.meta.total_items >= 2]
"""
    listed = opened(client).session.run(code)
    assert (listed[0], listed[2]) == (["talk"], True)


# -- traces ----------------------------------------------------------------------------------------------------


def test_traces_are_taken(opened: Opener, served: Served) -> None:
    sending: dict[str, Any] = {"LANGFUSE_TRACING_ENABLED": "true", "LANGFUSE_ENABLED": "true"}
    old = opened(Dialect(**{**vars_of(PYTHON_2), "env": sending}))
    assert old.session.run("lf.trace(name='seen'); lf.flush(); lf.auth_check()") is True
    assert "error" not in old.session.printed.lower()
    new = opened(Dialect(**{**vars_of(PYTHON_5), "env": sending}))
    new.session.run("span = lf.start_observation(name='seen'); span.end(); lf.flush()")
    assert "failed" not in new.session.printed.lower()
    script = opened(Dialect(**{**vars_of(SCRIPT_3), "env": sending}))
    script.session.run("kept.lf.trace({name: 'seen'}); await kept.lf.flushAsync();")
    assert "error" not in script.session.printed.lower()


def vars_of(one: Dialect) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


# -- LiteLLM ---------------------------------------------------------------------------------------------------

LITELLM = """\
import os
os.environ["LANGFUSE_PUBLIC_KEY"], os.environ["LANGFUSE_SECRET_KEY"], os.environ["LANGFUSE_HOST"] = "pk", key, address
from litellm.integrations.langfuse.langfuse_prompt_management import LangfusePromptManagement
one = LangfusePromptManagement()
model, messages, params = one.get_chat_completion_prompt(
    model="langfuse/any", messages=[{"role": "user", "content": "and this"}], non_default_params={}, prompt_id="rich",
    prompt_variables={"context": "passages", "question": "Why?"}, dynamic_callback_params={}, prompt_spec=None,
)
[model, messages, sorted(params)]
"""


def test_litellm_gets_its_prompt_and_nothing_but_parameters(python_client: Callable[..., Any], served: Served) -> None:
    address = f"{served.compat('langfuse')}/parameters"
    model, messages, params = python_client("litellm").run(LITELLM, key=served.key, address=address)
    assert model == "gpt-4o-mini"
    assert messages[:2] == [
        {"role": "system", "content": "Use only these passages: passages"},
        {"role": "user", "content": "Why?"},
    ]
    assert params == ["max_tokens", "response_format", "seed", "stop", "temperature", "tools", "top_p"]


# -- the page --------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[3] / "registry" / "docs" / "compat" / "langfuse.md"


def snippets(language: str, served: Served, key: str) -> str:
    """The examples of the page, with the address and a token of this registry."""
    found = "\n".join(re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    return found.replace("https://pinset.example.com", served.address).replace("pst_…", key)


@pytest.mark.parametrize("client", [PYTHON_2, PYTHON_5], ids=lambda one: one.client)
def test_the_examples_of_the_page_in_python(client: Dialect, opened: Opener, served: Served) -> None:
    bundle = served.bundle()
    served.promote(f"{bundle}@v1", "staging")
    code = snippets("python", served, served.writing).replace('"greeting"', f'"{bundle}"')
    asked = "[text, model, temperature, staged.version, first.version, newest.version, made.version, made.labels]"
    seen = opened(client, key=served.writing).session.run(f"{code}\n{asked}")
    assert seen == ["One: The lid is loose.", "gpt-4o", 0.25, 1, 1, 2, 3, ["staging", "latest"]]
    assert served.registry.alias(bundle, "canary")["version"] == 3


def test_the_examples_of_the_page_in_javascript(opened: Opener, served: Served) -> None:
    code = snippets("js", served, served.key)
    code = re.sub(r'import (\{.*?\}) from ("[^"]+");', r"const \1 = await load(\2);", code)
    messages = opened(SCRIPT_5).session.run(f"{code}\nreturn messages;")
    assert [one["content"] for one in messages] == ["You are brief, dry.", "Hello?", "Hello.", "Hi", "Why?"]
