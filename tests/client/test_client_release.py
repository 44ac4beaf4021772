"""A release as an application holds it: whole, verified, in the shapes of model clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from client_fakes import ME, NAME, TOOL, Directory, files

from pinset.client.prompts import SurplusVariable
from pinset.client.release import Release, Standing
from pinset.errors import InvalidInput, NotFound, PinsetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.client.client import Client


def test_a_release_has_all_that_was_published_together(make: Callable[..., Client], source: Directory) -> None:
    source.registry.publish(ME, files("Hi {{ticket}}.", tools=True), alias="production")
    release = make().get(NAME)
    assert release.render(ticket="4711") == "Hi 4711."
    assert release.prompt().messages(ticket="x") == [{"role": "user", "content": "Hi x."}]
    assert release.model["id"] == "foundation-large"
    assert release.model["params"] == {"temperature": 0.2}
    assert list(release.tools) == ["lookup"]
    assert [tool["name"] for tool in release.tools_of()] == ["lookup"]
    assert (release.ref, release.version, release.alias, release.seq) == ("support@v2", 2, "production", 2)
    assert release.source == "fresh"
    assert 0 <= release.age < 20
    assert release.variables == {"ticket"}
    assert release.attributes()["pinset.ref"] == "support@v2"


def test_a_release_says_what_it_was_published_from(make: Callable[..., Client], source: Directory) -> None:
    registry, client = source.registry, make()
    assert client.get(NAME).provenance == {}
    registry.publish(ME, files("One."), source="ci@abc")
    registry.publish(ME, files("Two."), source={"commit": "0123abc", "authors": ["Ada <ada@example.com>"]})
    assert client.get(f"{NAME}@v2").provenance == {"text": "ci@abc"}
    found = client.get(f"{NAME}@v3").provenance
    assert found == {"commit": "0123abc", "authors": ["Ada <ada@example.com>"]}
    with pytest.raises(TypeError):
        found["commit"] = "x"  # type: ignore[index]


def test_a_missing_variable_raises_and_a_surplus_one_warns(make: Callable[..., Client]) -> None:
    release = make().get(NAME)
    with pytest.raises(InvalidInput):
        release.render()
    for use in (release.render, release.prompt().render, release.prompt().messages, release.for_openai):
        with pytest.warns(SurplusVariable, match="tone") as warned:
            use(ticket="x", tone="kind")
        assert [warning.filename for warning in warned] == [__file__], "it points to who gave too much"
    with pytest.raises(NotFound):
        release.prompt("planner")


def test_what_was_changed_on_the_way_is_refused(source: Directory) -> None:
    answer = source.registry.sealed(NAME)
    Release(answer, Standing("fresh"))
    for spoilt in (
        {**answer, "files": {**answer["files"], "release.yaml": "release: {}"}},
        {**answer, "manifest": answer["manifest"].replace("0.2", "0.3")},
        {**answer, "files": {}},
        {**answer, "bundle": "other"},
        {"manifest": 1},
    ):
        with pytest.raises(PinsetError):
            Release(spoilt, Standing("fresh"))


AGENT = """\
release:
  feature: agent
  model: {provider: acme, name: large, pinned_version: "1", temperature: 0.5, max_tokens: 100}
  models: {small: {provider: acme, name: small, pinned_version: "1"}}
  tools: [lookup.json]
  prompts:
    default:
      messages: [{role: system, text: "Be kind."}, {placeholder: history}, {role: user, text: "{{question}}"}]
      output: {type: object, properties: {answer: {type: string}}}
    planner: {text: "Plan {{goal}}.", model: small, tools: []}
"""


def test_a_prompt_in_the_shapes_of_model_clients(make: Callable[..., Client], source: Directory) -> None:
    source.registry.publish(ME, {"release.yaml": AGENT, "lookup.json": TOOL}, alias="production")
    release, said = make().get("agent"), [{"role": "assistant", "content": "Hello."}]
    parameters = {"type": "object", "properties": {}}
    found = release.for_openai(history=said, question="Why?")
    assert found["messages"] == [{"role": "system", "content": "Be kind."}, *said, {"role": "user", "content": "Why?"}]
    assert (found["model"], found["temperature"], found["max_tokens"]) == ("large", 0.5, 100)
    described = {"name": "lookup", "description": "Looks."}
    assert found["tools"] == [{"type": "function", "function": {**described, "parameters": parameters}}]
    assert found["response_format"]["json_schema"]["schema"]["properties"] == {"answer": {"type": "string"}}
    assert release.for_litellm(history=said, question="Why?")["model"] == "acme/large"
    apart = release.for_anthropic(history=said, question="Why?")
    assert apart["system"] == "Be kind."
    assert apart["messages"] == [*said, {"role": "user", "content": "Why?"}]
    assert apart["tools"] == [{**described, "input_schema": parameters}]
    planner = release.for_openai("planner", goal="x")
    assert (planner["model"], "tools" in planner) == ("small", False)
    with pytest.raises(InvalidInput, match="max_tokens"):
        release.for_anthropic("planner", goal="x")


TOOLS = """\
release:
  feature: agent
  model: {provider: acme, name: large, pinned_version: "1", max_tokens: 100}
  tools: [lookup.json, search.json]
  prompt: {text: "Hi."}
"""


def test_a_tool_reaches_its_model_as_its_author_wrote_it(make: Callable[..., Client], source: Directory) -> None:
    lookup = {"name": "lookup", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}
    strict = {"type": "function", "function": {**lookup, "strict": True}}
    search = {"type": "web_search_20250305", "name": "search", "max_uses": 5}
    written = {"release.yaml": TOOLS, "lookup.json": json.dumps(strict), "search.json": json.dumps(search)}
    source.registry.publish(ME, written, alias="production")
    release = make().get("agent")
    assert strict in release.for_openai()["tools"]
    assert search in release.for_anthropic()["tools"], "a tool that the provider runs has a type and no schema"
