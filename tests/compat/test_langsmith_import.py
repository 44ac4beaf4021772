"""LangChain's templates, and what LangSmith holds as releases: from a server that answers as it does, from a file, and
from another registry that speaks its protocol.
"""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from speaking import ANA, Speaking

from pinset import bootstrap
from pinset.domain.exchange import langchain_templates
from pinset.domain.exchange.langchain_templates import CannotReadError, Template
from pinset.domain.text import templates
from pinset.errors import InvalidInput
from pinset.importing.engine import run
from pinset.importing.http import Remote
from pinset.importing.sources.langsmith import LangSmithFile, LangSmithSource
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinset.services.local import LocalRegistry

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


# -- templates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("style", "ours", "theirs"),
    [
        ("mustache", "a {{x}} {y}", ("mustache", "a {{{x}}} {y}")),
        ("mustache", '{"k": {{x}}}', ("mustache", '{"k": {{{x}}}}')),
        ("mustache", "{ {{&x}}", ("mustache", "{ {{{x}}}")),
        ("f-string", "{x} {{y}}", ("f-string", "{x} {{y}}")),
        ("text", "{x} {{y}}", ("f-string", "{{x}} {{{{y}}}}")),
        ("jinja2", "# {{ x }}\n", ("f-string", "# {x}\n")),
        ("jinja2", "{% if x %}{{ x }}{% endif %}", ("jinja2", "{% if x %}{{ x }}{% endif %}")),
    ],
)
def test_a_template_says_the_same_there_and_back(style: str, ours: str, theirs: tuple[str, str]) -> None:
    told = langchain_templates.told(style, ours)
    assert told == theirs
    back = langchain_templates.taken([told], style)
    assert back.style == style
    if style != "jinja2":
        values = {"x": "<&X", "y": "Y"}
        assert templates.render(style, back.texts[0], values) == templates.render(style, ours, values)


def test_templates_of_several_formats_become_of_one() -> None:
    both = langchain_templates.taken([Template("mustache", "{{a}}{{! b }}"), Template("f-string", "{{}} {b}")])
    assert both == ("mustache", ["{{a}}", "{} {{b}}"])
    braces = langchain_templates.taken([Template("mustache", "{{{a}}}"), Template("f-string", "{{{{x}}}}")])
    assert braces == ("f-string", ["{a}", "{{{{x}}}}"])
    for bad in ("{{ a", "{{! {b} }}", "{{^a}}", "{{=<% %>=}}", "{{" + " " * 100_000, "{{{" + " " * 100_000):
        with pytest.raises(CannotReadError):
            langchain_templates.taken([Template("mustache", bad)])
    with pytest.raises(CannotReadError):
        langchain_templates.taken([Template("jinja2", "{% if a %}{% endif %}"), Template("f-string", "{{% x %}}")])


# -- imports -----------------------------------------------------------------------------------------------------------


def remote(answer: Callable[[httpx.Request], httpx.Response]) -> Remote:
    given = {"x-api-key": "lsv2_key"}
    return Remote("LangSmith", "https://l.example", headers=given, transport=httpx.MockTransport(answer))


class There:
    """LangSmith's server with two prompts of its own and one of another workspace. asked: the paths that were."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        model = made("ChatOpenAI", model="gpt-4o-2024-08-06", temperature=0.5)
        self.commits = {
            "Movie Critic": [text("One {film}"), text("Two {{film}}", "mustache")],
            "odd": [made("LLMChain"), made("RunnableSequence", first=chat(human("{q}")), middle=[], last=model)],
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["x-api-key"] == "lsv2_key"
        path = request.url.path
        self.asked.append(path)
        offset = int(request.url.params.get("offset", 0))
        if path == "/settings":
            return httpx.Response(200, json={"id": "t1"})
        if path == "/repos/":
            repos = [{"repo_handle": name, "tenant_id": "t1", "num_commits": 2} for name in self.commits]
            repos.append({"repo_handle": "theirs", "tenant_id": "t2", "num_commits": 9})
            return httpx.Response(200, json={"repos": repos[offset : offset + 2], "total": len(repos)})
        _, kind, _, name, *rest = path.split("/")
        if kind == "repos":
            return httpx.Response(200, json=[{"tag_name": "Prod", "commit_id": "i1", "commit_hash": f"{1:064x}"}])
        if rest == [""]:
            found = [
                {
                    "id": f"i{at}",
                    "commit_hash": f"{at:064x}",
                    "created_at": f"2025-03-0{at}T00:00:00+00:00",
                    "full_name": "Ana",
                }
                for at in (2, 1)
            ]
            return httpx.Response(200, json={"commits": found[offset : offset + 1], "total": 2})
        manifest = self.commits[name][int(rest[0], 16) - 1]
        return httpx.Response(200, json={"commit_hash": rest[0], "manifest": manifest, "examples": []})


def test_a_workspace_comes_in_once_with_its_tags(memory: LocalRegistry) -> None:
    there = There()
    report = run(memory, ANA, LangSmithSource(remote(there)))
    assert report.versions["created"] == 4
    first, second = (memory.release(f"movie-critic@v{number}") for number in (1, 2))
    assert [one["content"]["prompts"]["default"]["template"] for one in (first, second)] == [
        "One {film}",
        "Two {{film}}",
    ]
    assert (first["source"]["at"], first["source"]["authors"]) == ("2025-03-01T00:00:00.000000Z", ["Ana"])
    assert memory.release("movie-critic@prod")["version"] == 1
    assert memory.bundle("movie-critic")["names"] == ["Movie Critic"]
    assert memory.release("odd@v1")["content"]["prompts"]["default"]["format"] == "text"
    assert memory.release("odd@v2")["content"]["models"]["default"]["params"] == {"temperature": 0.5}
    assert any("release holds prompts alone" in item["why"] for item in report.items)
    there.asked.clear()
    again = run(memory, ANA, LangSmithSource(remote(there)))
    assert (again.versions["created"], again.versions["already"]) == (0, 4)
    assert not [path for path in there.asked if path.endswith(f"{1:064x}")], "what is here is not read again"


def test_a_file_of_commits_comes_in(memory: LocalRegistry) -> None:
    commits = [
        {
            "owner": "-",
            "repo": "critic",
            "commit_hash": f"{at:064x}",
            "manifest": text(f"{at} {{x}}"),
            "tags": ["Production"],
        }
        for at in (1, 2)
    ]
    commits[1]["hub_model_config"] = {"model": "gpt-4o-2024-08-06", "top_p": 0.5}
    commits[1]["hub_model_provider"] = "openai"
    lines = "\n".join(json.dumps(one) for one in commits).encode()
    report = run(memory, ANA, LangSmithFile(io.BytesIO(lines), "x.jsonl"))
    assert report.versions["created"] == 2
    assert memory.release("critic@production")["content"]["models"]["default"]["id"] == "gpt-4o-2024-08-06"
    for wrong in (b"\xff", b"{", b'[{"repo": "x"}]', b"[1]"):
        with pytest.raises(InvalidInput, match=r"x\.jsonl"):
            LangSmithFile(io.BytesIO(wrong), "x.jsonl")


def test_a_registry_is_a_hub_that_another_one_imports_from(speaking: Speaking) -> None:
    def forward(request: httpx.Request) -> httpx.Response:
        answer = speaking(request.method, f"{HUB}{request.url.raw_path.decode()}")
        return httpx.Response(answer.status_code, content=answer.content)

    other = bootstrap.memory_registry()
    report = run(other, ANA, LangSmithSource(remote(forward)))
    assert (report.versions["created"], report.lost) == (2, 0)
    for which in ("production", "staging"):
        ours, theirs = (one.release(f"{NAME}@{which}")["content"] for one in (speaking.registry, other))
        examples = ours["prompts"]["default"]["messages"].pop(2)["examples"]
        said = [theirs["prompts"]["default"]["messages"].pop(2)["template"] for _ in range(2)]
        assert (said, theirs) == ([examples[0]["input"], examples[0]["output"]], ours)
    other.close()


def test_the_command(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: Any) -> tuple[int, str, str]:
        status = main(["import", "langsmith", *map(str, arguments), "--registry", str(home)])
        told = capsys.readouterr()
        return status, told.out, told.err

    assert "where to import from" in command()[2]
    assert "LANGSMITH_API_KEY is not set" in command("--from", "http://x.test")[2]
    file = tmp_path / "prompts.jsonl"
    assert "a file and a server" in command(file, "--from", "http://x.test")[2]
    assert "cannot be read" in command(file)[2]
    file.write_text(json.dumps({"repo": "critic", "commit_hash": "a" * 64, "manifest": text("Judge {film}")}))
    assert (command(file, "--dry-run")[0], "1 would be created" in command(file, "--dry-run")[1]) == (0, True)
    status, out, err = command(file)
    assert (status, "1 created" in out) == (0, True), err
    assert "1 there already" in command(file)[1]
