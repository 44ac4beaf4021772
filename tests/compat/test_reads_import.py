"""import phoenix and import opik: from servers that answer as theirs do, from files, and from a registry of this kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from speaking import ANA, Speaking, rich

from pinset import bootstrap
from pinset.domain.rendering import example_messages
from pinset.errors import Integrity, InvalidInput
from pinset.importing.engine import run
from pinset.importing.http import Remote
from pinset.importing.sources import opik as opiks
from pinset.importing.sources import phoenix as phoenixes
from pinset.importing.sources.opik import OpikFile, OpikSource
from pinset.importing.sources.phoenix import PhoenixFile, PhoenixSource
from pinset_cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinset.services.local import LocalRegistry


class Through(httpx.BaseTransport):
    """Requests of a source, answered by an application without a socket."""

    def __init__(self, speaking: Speaking) -> None:
        self._speaking = speaking

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        found = self._speaking(request.method, request.url.raw_path.decode(), headers=dict(request.headers))
        return httpx.Response(found.status_code, content=found.content)


@pytest.fixture
def here() -> Iterator[LocalRegistry]:
    """The registry that takes in."""
    registry = bootstrap.memory_registry()
    yield registry
    registry.close()


def plain(found: Any) -> Any:
    """Content whose examples are the messages that they stand for."""
    for prompt in found["prompts"].values():
        for item in prompt.get("messages", []):
            if "examples" in item:
                item["examples"] = [one for example in item["examples"] for one in example_messages(example)]
    return found


@pytest.mark.parametrize("kind", ["phoenix", "opik"])
def test_from_a_registry_of_this_kind_all_comes_in(
    speaking: Speaking, here: LocalRegistry, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phoenixes, "_PAGE", 2)
    monkeypatch.setattr(opiks, "_PAGE", 2)
    there = speaking.registry
    there.publish(ANA, rich(temperature=0.9), label="2025-03-16", message="warmest")
    there.publish(ANA, {"release.yaml": "release: {bundle: team.x, prompt: {text: 'Hi {{name}}'}}"}, alias="canary")
    there.bundle_changes.set(ANA, "support.triage", also=["Team/Triage é"], description="Sorts tickets.")

    def source() -> Any:
        remote = Remote(kind.title(), f"http://localhost/compat/{kind}", transport=Through(speaking))
        return PhoenixSource(remote) if kind == "phoenix" else OpikSource(remote)

    report = run(here, ANA, source())
    assert (report.versions, report.aliases, report.lost) == ({"created": 4}, {"promote": 3}, 0), report.items
    for number in (1, 2, 3):
        was = there.release(f"support.triage@v{number}")
        now = here.release(f"{here.spelled('Team/Triage é')}@v{number}")
        assert plain(now["content"]) == plain(was["content"])
        assert now["message"] == was["message"]
    about = here.bundle(here.spelled("Team/Triage é"))
    assert (about["description"], about["aliases"]) == ("Sorts tickets.", {"production": 1, "staging": 2})
    there.promote(ANA, "support.triage@v3", "production", reason="warm is good")
    again = run(here, ANA, source())
    assert (again.versions, again.aliases) == ({"already": 4}, {"none": 2, "promote": 1})
    assert here.bundle(here.spelled("Team/Triage é"))["aliases"]["production"] == 3


class Phoenix:
    """A server that answers as Phoenix does: newest first, by cursor."""

    def __init__(self, prompts: dict[str, list[dict[str, Any]]]) -> None:
        self.prompts, self.asked = prompts, list[str]()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.params
        self.asked.append(path)
        if path == "/v1/prompts":
            data: list[Any] = [{"id": f"P:{name}", "name": name, "description": "d"} for name in self.prompts]
        elif path.endswith("/tags"):
            wanted = path.split("/")[3]
            (found,) = (one for many in self.prompts.values() for one in many if one["id"] == wanted)
            data = [{"id": "t", "name": tag} for tag in found.get("tags", [])]
        else:
            data = self.prompts[path.split("/")[3]][::-1]
        at, limit = int(query.get("cursor") or 0), int(query["limit"])
        following = str(at + limit) if at + limit < len(data) else None
        return httpx.Response(200, json={"data": data[at : at + limit], "next_cursor": following})

    def source(self) -> PhoenixSource:
        return PhoenixSource(Remote("Phoenix", "http://there", transport=httpx.MockTransport(self.answer)))


def version(identity: str, text: str, **more: Any) -> dict[str, Any]:
    """A version as Phoenix tells it."""
    return {
        "id": identity,
        "description": f"made {identity}",
        "model_provider": "OPENAI",
        "model_name": "gpt-4o",
        "template": {"type": "chat", "messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
        "template_type": "CHAT",
        "template_format": "MUSTACHE",
        "invocation_parameters": {"type": "openai", "openai": {"temperature": 0.5, "extra_body": {"n": 1}}},
        **more,
    }


def test_versions_of_phoenix_are_numbered_by_their_order(here: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phoenixes, "_PAGE", 2)
    tools = {
        "type": "tools",
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "one_or_more"},
        "disable_parallel_tool_calls": True,
    }
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    calls = [
        {
            "type": "tool_call",
            "tool_call_id": "c",
            "tool_call": {"type": "function", "name": "find", "arguments": "{}"},
        },
        {"type": "tool_result", "tool_call_id": "c", "tool_result": {"a": 1}},
    ]
    chat = {"type": "chat", "messages": [
        {"role": "ai", "content": calls}, {"role": "user", "content": "{a} {{b}}"}, {"role": "system", "content": "{a!r}"},
    ]}  # fmt: skip
    there = Phoenix(
        {
            "team-x": [version(f"V{n}", f"Say {n}: {{{{ q }}}}") for n in range(1, 6)],
            "odd": [
                version("W1", 'As {"a": {{ user name }}} {{1}} \\{{a}}', tags=["production", "My Tag"]),
                version("W2", "", template=chat, template_format="F_STRING", tools=tools, response_format=form),
                version("W3", "", template={"type": "string", "template": "{{not}} {% x"}, template_format="NONE"),
                version("W4", "x", template={}),
            ],
        }
    )
    there.prompts["team-x"][2]["tags"] = ["staging"]
    report = run(here, ANA, there.source())
    assert report.versions == {"created": 8, "refused": 1}
    five = here.release("team-x@v5")
    assert (five["message"], five["content"]["prompts"]["default"]["messages"][0]["template"]) == (
        "made V5",
        "Say 5: {{ q }}",
    )
    assert five["content"]["models"]["default"]["params"] == {"n": 1, "temperature": 0.5}
    assert here.bundle("team-x")["aliases"] == {"staging": 3}
    assert here.bundle("team-x")["description"] == "d"
    first = here.release("odd@production")["content"]["prompts"]["default"]
    assert (first["format"], first["messages"][0]["template"]) == ("text", 'As {"a": {{ user name }}} {{1}} \\{{a}}')
    second = here.release("odd@v2")["content"]
    prompt = second["prompts"]["default"]
    assert prompt["format"] == "f-string"
    assert [one.get("template") for one in prompt["messages"]] == [None, "{a} {{b}}", "{a}"], prompt
    assert [one["role"] for one in prompt["messages"][0]["examples"]] == ["assistant", "tool"]
    assert (prompt["output"], list(second["tools"])) == ({"type": "object"}, ["find"])
    assert second["models"]["default"]["params"]["tool_choice"] == "required"
    assert second["models"]["default"]["params"]["parallel_tool_calls"] is False
    assert here.release("odd@v3")["content"]["prompts"]["default"]["template"] == "{{not}} {% x"
    told = " ".join(one["why"] for one in report.items)
    assert all(word in told for word in ("1 can name no variable", "formats and conversions", "my-tag"))
    there.prompts["team-x"].append(version("V6", "Six"))
    before = len(there.asked)
    assert run(here, ANA, there.source()).versions == {"already": 8, "created": 1, "refused": 1}
    assert len(there.asked) - before < 25
    assert here.release("team-x@latest")["message"] == "made V6"


class Opik:
    """A server that answers as Opik does: newest first, by page. grows: a version that comes after so many requests."""

    def __init__(self, versions: list[dict[str, Any]], grows: int | None = None) -> None:
        self.held, self.grows, self.asked = versions, grows, 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.asked == self.grows:
            self.held.append(opik_version(len(self.held) + 1))
        data: list[Any] = [{"id": "p1", "name": "Movie Critic", "description": "d", "tags": ["film"]}]
        if request.url.path.endswith("/versions"):
            data = self.held[::-1]
        page, size = int(request.url.params["page"]), int(request.url.params["size"])
        content = data[size * (page - 1) : size * page]
        return httpx.Response(200, json={"page": page, "size": len(content), "total": len(data), "content": content})

    def source(self) -> OpikSource:
        return OpikSource(Remote("Opik", "http://there", transport=httpx.MockTransport(self.answer)))


def opik_version(number: int, **more: Any) -> dict[str, Any]:
    """A version as Opik tells it."""
    return {
        "id": f"id-{number}",
        "version_number": f"v{number}",
        "template": f"Say {number}: {{{{ q }}}}",
        "type": "mustache",
        "created_at": f"2025-03-{number:02}T10:00:00Z",
        "created_by": "ada@example.com",
        "change_description": f"change {number}",
        **more,
    }


@pytest.mark.parametrize("grows", [None, 4, 5, 6])
def test_versions_of_opik_keep_their_numbers_and_times(
    here: LocalRegistry, monkeypatch: pytest.MonkeyPatch, grows: int | None
) -> None:
    monkeypatch.setattr(opiks, "_PAGE", 2)
    there = Opik([opik_version(number) for number in range(1, 8)], grows)
    there.held[2]["environments"] = ["production", "Odd Place"]
    report = run(here, ANA, there.source())
    assert report.versions == {"created": 7 if grows is None else 8}
    numbers = [one["version"] for one in here.releases("movie-critic")["items"]]
    assert numbers == list(range(len(there.held), 0, -1))
    source: Any = here.summary("movie-critic@v3")["source"]
    assert (source["at"], source["authors"]) == ("2025-03-03T10:00:00.000000Z", ["ada@example.com"])
    found = here.release("movie-critic@v3")
    assert (found["message"], found["content"]["metadata"]) == ("change 3", {"tags": ["film"]})
    assert here.bundle("movie-critic")["aliases"] == {"odd-place": 3, "production": 3}
    assert run(here, ANA, there.source()).versions == {"already": len(there.held)}


def test_what_opik_says_in_metadata_is_a_model_where_it_names_one(here: LocalRegistry) -> None:
    chat = json.dumps([{"role": "user", "content": [{"type": "text", "text": "{{a}}"}, {"type": "image_url"}]}])
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object"}}}
    metadata = {"model": "gpt-4o", "temperature": 0.2, "team": "x", "tools": [tool, {"type": "x"}]}
    there = Opik(
        [
            opik_version(1, template=chat, template_structure="chat", metadata=metadata),
            opik_version(2, type="jinja2", template="{% if a %}{{ a }}{% endif %}\n", metadata={"temperature": 1}),
            opik_version(3, type="jinja2", template="{% if %}", metadata=[1]),
            opik_version(4, template="{", template_structure="chat"),
            opik_version(5, version_type="mask"),
        ]
    )
    report = run(here, ANA, there.source())
    assert report.versions == {"created": 3, "refused": 1}
    content = here.release("movie-critic@v1")["content"]
    assert content["prompts"]["default"]["messages"] == [{"role": "user", "template": "{{a}}"}]
    assert (content["models"]["default"]["name"], content["models"]["default"]["params"]) == (
        "gpt-4o",
        {"temperature": 0.2},
    )
    assert (list(content["tools"]), content["metadata"]) == (["find"], {"team": "x", "tags": ["film"]})
    second = here.release("movie-critic@v2")["content"]
    assert (second["prompts"]["default"]["format"], second["prompts"]["default"]["template"]) == (
        "jinja2",
        "{% if a %}{{ a }}{% endif %}",
    )
    assert second["metadata"]["temperature"] == 1
    assert here.release("movie-critic@v3")["content"]["prompts"]["default"]["template"] == "{% if %}"
    told = " ".join(one["why"] for one in report.items)
    assert all(word in told for word in ("pictures", "no name", "does not parse", "no JSON"))


def test_another_server_is_told_so(here: LocalRegistry) -> None:
    for make in (PhoenixSource, OpikSource):
        remote = Remote(
            "X", "http://there", transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"a": 1}))
        )
        with pytest.raises(Integrity):
            run(here, ANA, make(remote))  # type: ignore[abstract]


def test_files(here: LocalRegistry) -> None:
    prompt = {"name": "x", "versions": [version("a", "One"), version("b", "Two", tags=["production"])]}
    for value in (prompt, [prompt], {"prompts": [prompt]}):
        assert PhoenixFile(value, "x.json").count() == 2
    run(here, ANA, PhoenixFile(prompt, "x.json"))
    assert here.release("x@production")["message"] == "made b"
    said = {"prompt": "Two", "type": "MUSTACHE", "commit": "b", "template_structure": "text", "metadata": None}
    first = {**said, "prompt": [{"role": "user", "content": "One"}], "commit": "a", "template_structure": "chat"}
    exported = {"id": "1", "name": "y", "current_version": said, "history": [said, first]}
    run(here, ANA, OpikFile([(exported, "prompt_1.json")]))
    assert here.release("y@v1")["content"]["prompts"]["default"]["messages"] == [{"role": "user", "template": "One"}]
    assert here.release("y@v2")["content"]["prompts"]["default"]["template"] == "Two"
    for wrong in ([1], {"name": "x"}, {"name": "x", "current_version": 1}):
        with pytest.raises(InvalidInput):
            OpikFile([(wrong, "f")])
        with pytest.raises(InvalidInput):
            PhoenixFile(wrong, "f")


def test_the_commands(
    tmp_path: Path, make_registry: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    home = make_registry(tmp_path / "here")
    (tmp_path / "p.json").write_text(json.dumps({"name": "x", "versions": [version("a", "One {{q}}")]}))
    said = {"prompt": "Two", "type": "MUSTACHE", "commit": "b"}
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "prompt_1.json").write_text(json.dumps({"name": "y", "current_version": said}))
    assert main(["import", "phoenix", str(tmp_path / "p.json"), "--registry", str(home)]) == 0
    assert main(["import", "opik", str(tmp_path / "all"), "--registry", str(home)]) == 0
    assert "1 created" in capsys.readouterr().out
    for wrong in (["phoenix"], ["opik", "a", "--from", "b"], ["phoenix", str(tmp_path / "none")], ["opik", str(home)]):
        assert main(["import", *wrong, "--registry", str(home)]) in (2, 3, 4)
    assert "hint" in capsys.readouterr().err
