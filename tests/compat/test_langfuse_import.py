"""Prompts of a Langfuse project as releases: from a server that answers as Langfuse does, from a file, from our own protocol."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httpx
import pytest
from speaking import ANA, Speaking

from pinset import bootstrap
from pinset.errors import Integrity, InvalidInput, Unauthenticated, Unavailable
from pinset.importing.engine import Engine, Wanted
from pinset.importing.http import Remote
from pinset.importing.sources.langfuse import LangfuseFile, LangfuseSource, alias_for
from pinset_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from pinset.services.local import LocalRegistry

WANTED = Wanted()


class Langfuse(httpx.BaseTransport):
    """Answers as a Langfuse server does, in pages of two names. asked: the paths, with their queries."""

    def __init__(self, versions: list[dict[str, Any]]) -> None:
        self.versions, self.asked = versions, list[str]()
        self.fails: int | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        if request.headers["authorization"] != httpx.BasicAuth("pk", "sk")._auth_header:
            return httpx.Response(401, json={"message": "Invalid credentials"})
        if self.fails is not None and len(self.asked) > self.fails:
            return httpx.Response(404 if self.fails < 0 else 500, json={"message": "away"})
        query, path = request.url.params, request.url.raw_path.decode().partition("?")[0]
        name = unquote(path.removeprefix("/api/public/v2/prompts").removeprefix("/"))
        if not name:
            return httpx.Response(200, json=self._page(int(query["page"]), 2))
        of_name = [one for one in self.versions if one["name"] == name]
        for one in of_name:
            if str(one["version"]) == query.get("version") or query.get("label") in one["labels"]:
                return httpx.Response(200, json=one)
        return httpx.Response(404, json={"message": "Prompt not found", "error": "LangfuseNotFoundError"})

    def _page(self, page: int, limit: int) -> dict[str, Any]:
        names = sorted({one["name"] for one in self.versions})
        told = []
        for name in names[(page - 1) * limit : page * limit]:
            found = [one for one in self.versions if one["name"] == name]
            told.append(
                {
                    "name": name,
                    "type": found[-1]["type"],
                    "versions": [one["version"] for one in reversed(found)],
                    "labels": sorted({label for one in found for label in one["labels"]}),
                    "tags": found[-1]["tags"],
                    "lastUpdatedAt": found[-1]["createdAt"],
                    "lastConfig": found[-1]["config"],
                }
            )
        pages = -(-len(names) // limit)
        return {"data": told, "meta": {"page": page, "limit": limit, "totalItems": len(names), "totalPages": pages}}


def version(name: str, number: int, prompt: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}-{number}",
        "createdAt": "2025-03-14T09:26:53.589Z",
        "updatedAt": "2025-03-15T09:26:53.589Z",
        "projectId": "project",
        "createdBy": "user-7",
        "prompt": prompt,
        "name": name,
        "version": number,
        "type": "text" if isinstance(prompt, str) else "chat",
        "isActive": None,
        "config": {},
        "tags": [],
        "labels": [],
        "commitMessage": None,
        "resolutionGraph": None,
    } | more


TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "movie", "strict": True, "schema": {"type": "object"}}}
CHAT = [
    {"role": "system", "content": "You are {{tone}} & <kind>."},
    {"type": "placeholder", "name": "history"},
    {"type": "chatmessage", "role": "user", "content": "{{question}}"},
]
VERSIONS = [
    version("Movie Critic", 1, "Rate {{film}}.", labels=["Old one"], commitMessage="first"),
    version(
        "Movie Critic", 2, "Rate {{ film }} out of 10.", config={"model": "gpt-4o", "temperature": 0.5}, tags=["a"]
    ),
    version(
        "Movie Critic",
        4,
        CHAT,
        config={
            "model": "gpt-4o",
            "tools": [TOOL],
            "response_format": SCHEMA,
            "metadata": {"x": 1},
            "deep": {"a": [1]},
        },
        labels=["production", "latest", "!!!"],
        createdBy="API",
    ),
    version("plain", 1, "Hi {{user name}}", config={"anything": True}, labels=["latest", "Production"]),
    version("team/x", 1, "{% if a %}{{ a }}{% endif %}", labels=["latest"]),
    version("team/x", 2, "By value.", labels=["latest"], resolutionGraph={"root": {}}),
    version(
        "with [odd] %2F/name?", 1, [{"role": "wizard", "content": "x"}, {"role": "user", "content": None}], config=[1]
    ),
]


@pytest.fixture
def langfuse() -> Langfuse:
    return Langfuse([dict(one) for one in VERSIONS])


def source(langfuse: httpx.BaseTransport, secret: str = "sk", url: str = "http://langfuse.test") -> LangfuseSource:
    return LangfuseSource(Remote("Langfuse", url, auth=("pk", secret), transport=langfuse, sleep=lambda _: None))


def take(registry: LocalRegistry, given: Any, wanted: Wanted = WANTED) -> Any:
    return Engine(registry, ANA, given, wanted).run()


def test_all_of_a_project_comes_in(memory: LocalRegistry, langfuse: Langfuse) -> None:
    report = take(memory, source(langfuse))
    assert dict(report.versions) == {"created": 7}
    critic = memory.spelled("Movie Critic")
    assert [one["version"] for one in memory.releases(critic)["items"]] == [4, 2, 1]
    first = memory.release(f"{critic}@v1")
    assert (first["message"], first["content"]["prompts"]["default"]["template"]) == ("first", "Rate {{film}}.")
    said: Any = first["source"]
    assert (said["system"], said["origin"], said["version"]) == (
        "langfuse",
        "langfuse:langfuse.test/Movie Critic/1",
        "1",
    )
    assert (said["at"], said["authors"]) == ("2025-03-14T09:26:53.589000Z", ["user-7"])
    second = memory.release(f"{critic}@v2")["content"]
    assert second["models"]["default"]["params"] == {"temperature": 0.5}
    assert second["metadata"] == {"tags": ["a"]}
    newest = memory.release(f"{critic}@production")
    content = newest["content"]
    assert "authors" not in newest["source"]  # type: ignore[operator]
    assert content["prompts"]["default"]["messages"] == [
        {"role": "system", "template": "You are {{tone}} & <kind>."},
        {"placeholder": "history"},
        {"role": "user", "template": "{{question}}"},
    ]
    assert content["prompts"]["default"]["output"] == {"type": "object"}
    assert content["models"]["default"]["params"] == {
        "metadata": {"x": 1},
        "deep": {"a": [1]},
        "response_format": {"type": "json_schema", "json_schema": {"name": "movie", "strict": True}},
    }
    assert list(content["tools"]) == ["look"]
    assert memory.alias(critic, "old-one")["version"] == 1
    assert memory.alias("plain", "production")["version"] == 1
    plain = memory.release("plain@v1")["content"]
    assert (plain["prompts"]["default"]["format"], plain["configs"]) == ("text", {"langfuse": {"anything": True}})
    assert memory.release("team.x@v1")["content"]["prompts"]["default"]["format"] == "jinja2"
    told = {(item["name"], item["what"]) for item in report.items if item["kind"] == "lost"}
    assert {
        ("Movie Critic", "label Old one"),
        ("Movie Critic", "label !!!"),
        ("plain", "label Production"),
        ("plain", "prompt"),
        ("team/x", "prompt"),
        ("with [odd] %2F/name?", "prompt"),
        ("with [odd] %2F/name?", "config"),
    } <= told
    assert memory.verify()["problems"] == []


def test_what_is_in_is_not_read_again_and_its_aliases_follow(memory: LocalRegistry, langfuse: Langfuse) -> None:
    langfuse.fails = 7
    with pytest.raises(Unavailable):
        take(memory, source(langfuse))
    came = sum(one["releases"] for one in memory.bundles()["items"])
    assert 0 < came < 7
    langfuse.fails = None
    assert take(memory, source(langfuse)).versions["already"] == came
    langfuse.versions[1]["labels"], langfuse.versions[2]["labels"] = ["production"], ["latest"]
    langfuse.asked.clear()
    report = take(memory, source(langfuse))
    assert (report.versions["already"], report.versions["created"], report.aliases["promote"]) == (7, 0, 1)
    assert memory.alias("movie-critic", "production")["version"] == 2
    assert not any("version=" in one for one in langfuse.asked)


def test_only_some_of_it_may_come_in(memory: LocalRegistry, langfuse: Langfuse) -> None:
    take(memory, source(langfuse), Wanted(only=("team/*",), into=("team/x=house.x",), aliases=False))
    assert [one["name"] for one in memory.bundles()["items"]] == ["house.x"]
    assert memory.aliases("house.x")["items"] == []


def test_what_goes_wrong_there_is_told(memory: LocalRegistry, langfuse: Langfuse) -> None:
    with pytest.raises(Unauthenticated):
        take(memory, source(langfuse, "wrong"))
    for answer in ({"items": []}, {"data": [{}], "meta": {"page": 1, "totalPages": 1}}, {"data": [], "meta": {}}, []):
        there = httpx.MockTransport(lambda _, answer=answer: httpx.Response(200, json=answer))
        with pytest.raises(Integrity, match="as Langfuse does"):
            take(memory, source(there))
    assert memory.bundles()["items"] == []


def test_a_version_that_is_deleted_meanwhile_is_none(memory: LocalRegistry, langfuse: Langfuse) -> None:
    whole = langfuse._page

    def page(number: int, limit: int) -> dict[str, Any]:
        found = whole(number, limit)
        for one in found["data"]:
            one["versions"].append(99)
        return found

    langfuse._page = page  # type: ignore[method-assign]
    assert take(memory, source(langfuse)).versions["created"] == 7


class Bridge(httpx.BaseTransport):
    """Our own protocol as a Langfuse server."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        found = self._speaking(
            request.method, request.url.raw_path.decode(), headers={"authorization": "Basic cGs6c2s="}
        )
        return httpx.Response(found.status_code, content=found.content)


def test_one_registry_gives_another_all_that_it_has(speaking: Speaking) -> None:
    speaking.registry.publish(
        ANA,
        {"release.yaml": "release: {bundle: plain, prompt: {text: 'x {a}', format: f-string}}"},
        spelled="Plain One",
    )
    there = bootstrap.memory_registry()
    report = take(
        there, source(Bridge(speaking), url="http://pinset.test/compat/langfuse"), Wanted(into=("Plain One=plain",))
    )
    assert (report.versions["created"], report.versions["refused"]) == (3, 0)
    for alias in ("production", "staging"):
        here, copied = (one.release(f"support.triage@{alias}") for one in (speaking.registry, there))
        assert (copied["version"], copied["message"]) == (here["version"], here["message"])
        examples = copied["content"]["prompts"]["default"]["messages"][2].pop("examples")
        assert examples == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
        here["content"]["prompts"]["default"]["messages"][2].pop("examples")
        assert copied["content"] == here["content"]
    assert there.release("plain@v1")["content"]["prompts"]["default"]["template"] == "x {{a}}"
    there.close()


@pytest.mark.parametrize("form", ["list", "lines", "page", "one"])
def test_versions_come_in_from_a_file(memory: LocalRegistry, form: str) -> None:
    versions = list(reversed(VERSIONS)) if form != "one" else VERSIONS[:1]
    text = {
        "list": json.dumps(versions, indent=1),
        "lines": "\n".join(map(json.dumps, versions)) + "\n",
        "page": json.dumps({"data": versions}),
        "one": json.dumps(versions[0]),
    }[form]
    report = take(memory, LangfuseFile(io.BytesIO(text.encode()), "it"))
    assert report.versions["created"] == len(versions)
    assert memory.release("movie-critic@v1")["message"] == "first"
    again = take(memory, LangfuseFile(io.BytesIO(text.encode()), "it"))
    assert (again.versions["created"], again.versions["already"]) == (0, len(versions))


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'[{"name": "x"}]', b"\xff", b'{"name": 1, "prompt": ""}', b"7"])
def test_a_file_of_something_else_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput):
        LangfuseFile(io.BytesIO(text), "it")


def test_labels_become_aliases() -> None:
    labels = ("production", "Production", "my label", "v2", "none", "2024", "-x-", "été", "x" * 80)
    assert [alias_for(one) for one in labels] == [
        "production", "production", "my-label", None, None, None, "x", "t", None,
    ]  # fmt: skip


def test_the_commands(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    for name in ("LANGFUSE_HOST", "LANGFUSE_BASE_URL", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    here = ("--registry", str(home))

    def run(*arguments: Any) -> tuple[int, str, str]:
        status = main([*map(str, arguments), *here])
        told = capsys.readouterr()
        return status, told.out, told.err

    assert "where to import from" in run("import", "langfuse")[2]
    assert "LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY" in run("import", "langfuse", "--from", "http://x.test")[2]
    assert "a file and a server" in run("import", "langfuse", "x.json", "--from", "http://x.test")[2]
    file = tmp_path / "prompts.json"
    assert "cannot be read" in run("import", "langfuse", file)[2]
    file.write_text(json.dumps(VERSIONS))
    status, out, _ = run("import", "langfuse", file, "--dry-run")
    assert (status, "7 would be created" in out) == (0, True)
    status, out, err = run("import", "langfuse", file)
    assert (status, "7 created" in out) == (0, True), err
    status, out, _ = run("export", "movie-critic@v2", "--to", "langfuse")
    body = json.loads(out)
    assert (status, body["name"], body["type"], body["tags"]) == (0, "Movie Critic", "text", ["a"])
    assert (body["prompt"], body["config"]["model"]) == ("Rate {{ film }} out of 10.", "gpt-4o")
    both = tmp_path / "both.json"
    assert run("export", "movie-critic", "team.x@v1", "--to", "langfuse", "-o", both)[0] == 0
    assert [one["labels"] for one in json.loads(both.read_text())] == [["production"], []]
    status, _, err = run("export", "movie-critic", "--to", "langfuse", "-o", both)
    assert (status != 0, "exists" in err) == (True, True)
    there = tmp_path / "there"
    assert main(["init", str(there)]) == 0
    assert main(["import", "langfuse", str(both), "--registry", str(there)]) == 0
    assert bootstrap.local_registry(there).alias("movie-critic", "production")["version"] == 1
