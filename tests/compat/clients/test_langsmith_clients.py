"""LangSmith's own packages pull from Pinset, and push to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pages
import pytest
from matrix import Dialect, Matrix
from sessions import ClientError

from pinset import bootstrap
from pinset.importing.engine import run
from pinset.importing.sources.langsmith import LangSmithFile
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from matrix import Opener, Reader

    from conftest import Served

OPENING = """
import inspect
from langsmith import Client

also = {"disable_prompt_cache": True} if "disable_prompt_cache" in inspect.signature(Client).parameters else {}
client = Client(api_url=address, api_key=key, auto_batch_tracing=False, **also)
"""
READING = """
from langchain_core.messages import AIMessage

def read(name, alias, version):
    got = client.pull_prompt(f"{name}:{alias or (version and f'v{version}') or 'production'}")
    release = got.metadata["release"]
    told = {"version": release["version"], "payload": got.metadata}
    if not hasattr(got, "messages"):
        return told | {"text": got.template}
    roles = {"System": "system", "Human": "user", "AI": "assistant"}
    messages = []
    for one in got.messages:
        kind = type(one).__name__
        if kind == "MessagesPlaceholder":
            messages.append({"placeholder": one.variable_name})
        else:
            messages.append({"role": roles[kind.removesuffix("MessagePromptTemplate")], "content": one.prompt.template})
    return told | {"messages": messages}

read(name, alias, version)
"""
JS_OPENING = """
const { Client } = await load("langsmith");
kept.client = new Client({ apiUrl: given.address, apiKey: given.key, autoBatchTracing: false, disablePromptCache: true,
  callerOptions: { maxRetries: 0 } });
kept.load = (await load("@langchain/core/load")).load;
await load("@langchain/core/prompts");
"""
JS_READING = """
const which = given.alias ?? (given.version ? `v${given.version}` : "production");
const commit = await kept.client.pullPromptCommit(`${given.name}:${which}`);
const got = await kept.load(JSON.stringify(commit.manifest));
const told = { version: got.metadata.release.version, payload: got.metadata };
if (!got.promptMessages) return { ...told, text: got.template };
const roles = { System: "system", Human: "user", AI: "assistant" };
return { ...told, messages: got.promptMessages.map((one) => one.variableName ? { placeholder: one.variableName }
  : { role: roles[one.constructor.name.replace("MessagePromptTemplate", "")], content: one.prompt.template }) };
"""
PUSHING = """
from langchain_core.prompts import ChatPromptTemplate

def push(name, words, **more):
    chat = ChatPromptTemplate.from_messages([("system", words), ("placeholder", "{history}"), ("human", "{question}")])
    client.push_prompt(name, object=chat, description="for answers", **more)
    return client.pull_prompt_commit(name).commit_hash

push(name, words, **more)
"""
COMMON: dict[str, Any] = {
    "protocol": "langsmith",
    "keeps": False,
    "folders": False,  # it takes one slash at most, and what is before it for an owner
    "spelled": lambda text: re.sub(r"\{\{(\w+)\}\}", r"{{{\1}}}", text),
    "env": {"LANGSMITH_TRACING": "false"},
}
PYTHON: dict[str, Any] = {
    **COMMON,
    "opening": OPENING,
    "reading": READING,
    "missing": "LangSmithNotFoundError|ValueError",
    "denied": "LangSmithAuthError|403",
}


class TestLangSmith(Matrix):
    dialects = (
        *(Dialect(client=f"langsmith-{version}", **PYTHON) for version in ("0.1", "0.3", "0.14")),
        Dialect(
            client="langsmith-js-0.10",
            **COMMON,
            opening=JS_OPENING,
            reading=JS_READING,
            missing="404|not found|Invalid",
            denied="40[13]",
        ),
    )

    def test_what_was_written_is_what_a_model_gets(self, reader: Reader) -> None:
        """Filled by LangChain itself: nothing is escaped, and what may be left out is."""
        wanted = {"customer": '<&"{x}', "tone": "<kind>", "question": "{q}?"}
        if reader.dialect.client.startswith("langsmith-js"):
            got = reader.session.run(
                """const commit = await kept.client.pullPromptCommit(`${given.name}:production`);
                const got = await kept.load(JSON.stringify(commit.manifest));
                return (await got.formatPromptValue(given.values)).toChatMessages().map((one) => one.content);""",
                name="talk",
                values=wanted,
            )
        else:
            code = "[m.content for m in client.pull_prompt(f'{name}:production').format_prompt(**values).to_messages()]"
            got = reader.session.run(code, name="talk", values=wanted)
        assert got == ["You are brief, <kind>.", "Hello?", "Hello.", "{q}?"]

    def test_hashes_lists_and_what_is_there(self, reader: Reader, served: Served) -> None:
        first = served.document("greeting@v1")["commit"]
        if reader.dialect.client.startswith("langsmith-js"):
            got = reader.session.run(
                """const found = [], names = [];
                for await (const one of kept.client.listCommits("greeting")) found.push(one.commit_hash);
                for await (const one of kept.client.listPrompts()) names.push(one.repo_handle);
                return [found, (await kept.client.pullPromptCommit(`greeting:${given.short}`)).commit_hash,
                  names.includes("greeting"), await kept.client.promptExists("greeting"), await kept.client.promptExists("no")];""",
                short=first[:8],
            )
        else:
            got = reader.session.run(
                """
[
    [one.commit_hash for one in client.list_prompt_commits("greeting")] if hasattr(client, "list_prompt_commits") else None,
    client.pull_prompt_commit(f"greeting:{short}").commit_hash,
    "greeting" in [one.repo_handle for one in client.list_prompts(limit=100).repos],
    client.get_prompt("greeting") is not None,
    client.get_prompt("no") is not None,
]
""",
                short=first[:8],
            )
        hashes = [served.document(f"greeting@v{number}")["commit"] for number in (3, 2, 1)]
        assert got[0] in (hashes, None)
        assert got[1:] == [first, True, True, False]

    def test_a_push_carries_the_rest_and_a_tag_promotes(self, opened: Opener, dialect: Dialect, served: Served) -> None:
        reader, name = opened(dialect, key=served.writing), served.bundle()
        before = served.document(f"{name}@v2")
        if dialect.client.startswith("langsmith-js"):
            reader.session.run(
                """const { ChatPromptTemplate } = await load("@langchain/core/prompts");
                const chat = ChatPromptTemplate.fromMessages([["system", given.words], ["placeholder", "{history}"],
                  ["human", "{question}"]]);
                await kept.client.pushPrompt(given.name, { object: chat, description: "for answers" });""",
                name=name,
                words="Answer as {who}.",
            )
        else:
            # Before 0.14 a push put no tag on its commit.
            more = {"commit_tags": ["staging"]} if dialect.client == "langsmith-0.14" else {}
            reader.session.run(PUSHING, name=name, words="Answer as {who}.", more=more)
            if more:
                assert served.document(f"{name}@staging")["version"] == 3
        after = served.document(f"{name}@v3")
        assert after["content"]["models"] == before["content"]["models"]
        prompt = after["content"]["prompts"]["default"]
        assert (prompt["format"], [one.get("template", one.get("placeholder")) for one in prompt["messages"]]) == (
            "mustache",
            ["Answer as {{who}}.", "history", "{{question}}"],
        )
        assert served.registry.bundle(name)["description"] == "for answers"


def test_of_two_pushes_from_one_parent_the_second_is_refused(opened: Opener, served: Served) -> None:
    name = served.bundle()
    parent = served.document(f"{name}@v2")["commit"]
    reader = opened(TestLangSmith.dialects[2], key=served.writing)
    more = {"parent_commit_hash": parent}
    first = reader.session.run(PUSHING, name=name, words="One, {who}.", more=more)
    assert served.document(f"{name}@v3")["commit"] == first
    with pytest.raises(ClientError, match="LangSmithConflictError"):
        reader.session.run(PUSHING, name=name, words="Two, {who}.", more=more)
    assert served.registry.bundle(name)["newest"] == 3


def test_a_prompt_that_is_new_is_there_with_its_first_push(opened: Opener, served: Served) -> None:
    reader = opened(TestLangSmith.dialects[2], key=served.writing)
    reader.session.run(PUSHING, name="Film Critic", words="Judge as {who}.", more={})
    assert served.document("film-critic@v1")["content"]["prompts"]["default"]["format"] == "f-string"
    assert served.registry.bundle("film-critic")["names"] == ["Film Critic"]


def test_an_agent_is_the_whole_release_and_comes_back(opened: Opener, served: Served) -> None:
    reader = opened(TestLangSmith.dialects[2], key=served.writing)
    name = served.bundle()
    files = reader.session.run(
        "agent = client.pull_agent(name)\n{path: one.content for path, one in agent.files.items()}", name=name
    )
    assert files == served.registry.sealed(f"{name}@v2")["files"]
    reader.session.run(
        """
from langsmith.schemas import FileEntry

text = agent.files["release.json"].content.replace("Two", "Three")
client.push_agent(name, files={"release.json": FileEntry(content=text)}, parent_commit=agent.commit_hash)
None
""",
        name=name,
    )
    assert served.document(f"{name}@v3")["content"]["prompts"]["default"]["template"] == "Three: {{ticket}}"


def test_the_page_in_python(served: Served, python_client: Callable[..., Any]) -> None:
    with python_client("langsmith-0.14", PINSET_TOKEN=served.writing, LANGSMITH_TRACING="false").session() as session:
        for block in pages.blocks("langsmith", "python", served.address):
            session.run(f"{block}\nNone")
        written = Path(session.run("import os; os.path.abspath('prompts.jsonl')"))
    assert served.document("critic@staging")["version"] == 1
    assert served.registry.bundle("critic")["description"] == "It judges films"
    other = bootstrap.memory_registry()
    with written.open("rb") as lines:
        report = run(other, Caller(actor="ana"), LangSmithFile(lines, "prompts.jsonl"))
    assert (report.versions["refused"], other.bundle("greeting")["newest"]) == (0, 3)
    for name in ("greeting", "rich", "special-chat"):
        ours, theirs = (one.release(f"{name}@latest")["content"] for one in (served.registry, other))
        assert theirs == ours
    other.close()


def test_the_page_in_javascript(served: Served, node_client: Callable[..., Any]) -> None:
    (block,) = pages.blocks("langsmith", "js", served.address)
    with node_client("langsmith-js-0.10", PINSET_TOKEN=served.key, LANGSMITH_TRACING="false").session() as session:
        session.run(pages.snippet(block.replace("load as loadPrompt", "load: loadPrompt")))
        assert session.printed.split() == ["1", "4"]
