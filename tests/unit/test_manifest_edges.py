"""Manifests at the edges of what is right: what is just allowed passes, what is just not is found where it stands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_component, assemble_release
from pinset.domain.checks.texts import RELEASE_LIMIT, TEXT_LIMIT
from pinset.domain.findings import refusing
from pinset.domain.rendering import messages_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.references import ComponentReference

MODEL = {"name": "large", "pinned_version": "2025-02-01"}
TOOL = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}


class World:
    """A registry of components, each in one version."""

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}

    def around(self) -> Surroundings:
        return Surroundings(component=self._component, version=lambda *_: None, serving=lambda _: None)

    def publish(self, kind: str, name: str, files: Mapping[str, str]) -> Assembled:
        made = assemble_component(kind, name, files, self.around())
        if made.sealed is not None:
            self.found[f"{kind}/{name}"] = Found(version=1, digest=made.sealed.digest, sealed=made.sealed)
        return made

    def release(self, files: Mapping[str, str] | None = None, /, **keys: Any) -> Assembled:
        content = {"feature": "support", "model": MODEL, "prompt": {"text": "Hi."}} | keys
        manifest = {"release": {key: value for key, value in content.items() if value is not None}}
        return assemble_release({"release.json": json.dumps(manifest, indent=1), **(files or {})}, self.around())

    def _component(self, reference: ComponentReference) -> Found | None:
        return self.found.get(reference.key)


def codes(made: Assembled) -> list[str]:
    return sorted(finding.code for finding in made.findings)


def content(made: Assembled) -> dict[str, Any]:
    assert refusing(made.findings) == [], made.findings
    assert made.content is not None
    return made.content


@pytest.fixture
def world() -> World:
    return World()


def test_the_release_that_the_tests_begin_with_has_no_finding(world: World) -> None:
    assert codes(world.release()) == []


# -- pins of models --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        MODEL,
        {"name": "stable-diffusion-3", "pinned_version": "2025-02-01"},
        {"name": "auto-large", "pinned_version": "7"},
        {"name": "large-2025-02-01"},
        {"name": "large-20250201"},
        {"name": "large-0613"},
        {"name": "large", "id": "large-2025-02-01"},
        {"id": "large@001"},
        {"name": "large", "pinned_version": "1.2.3"},
    ],
)
def test_a_model_that_cannot_change_passes(world: World, model: dict[str, str]) -> None:
    assert codes(world.release(model=model)) == []


@pytest.mark.parametrize(
    "model",
    [
        {"name": "large", "pinned_version": "latest"},
        {"name": "large", "pinned_version": "STABLE"},
        {"name": "large", "pinned_version": "auto"},
        {"name": "large", "pinned_version": "1.x"},
        {"name": "large", "pinned_version": "^1.2"},
        {"name": "large", "pinned_version": "~1"},
        {"name": "large", "pinned_version": ">=2025"},
        {"name": "large", "pinned_version": "*"},
        {"name": "large-latest", "pinned_version": "2025-02-01"},
        {"name": "large", "id": "large:Latest", "pinned_version": "2025-02-01"},
        {"name": "large-latest"},
    ],
)
def test_a_model_pinned_to_what_moves_is_found_once(world: World, model: dict[str, str]) -> None:
    assert codes(world.release(model=model)) == ["model-floating"]


@pytest.mark.parametrize("model", [{"name": "large"}, {"id": "large-v2"}, {"name": "stable"}, {"name": "large-99999"}])
def test_a_model_without_a_pin_is_found(world: World, model: dict[str, str]) -> None:
    assert codes(world.release(model=model)) == ["model-unpinned"]


# -- what prompts name -----------------------------------------------------------------------------------------


def test_a_tool_is_unused_only_where_every_prompt_lists_its_tools(world: World) -> None:
    other = TOOL | {"name": "other"}
    both = {"tools": [TOOL, other], "prompt": None}
    listing, silent, nothing = {"text": "A", "tools": ["look"]}, {"text": "B"}, {"text": "C", "tools": []}
    assert codes(world.release(prompts={"a": listing}, **both)) == ["tool-unused"]
    assert codes(world.release(prompts={"a": listing, "b": silent}, **both)) == []
    assert codes(world.release(prompts={"b": silent}, **both)) == []
    assert codes(world.release(prompts={"a": listing, "c": nothing}, **both)) == ["tool-unused"]
    assert codes(world.release(prompts={"c": nothing}, **both)) == ["tool-unused"] * 2
    assert codes(world.release(prompts={"a": {"text": "A", "tools": ["look", "other"]}}, **both)) == []


# -- numbers and kinds -----------------------------------------------------------------------------------------

INDEX = {"uri": "s3://kb", "digest": "sha256:ab", "embedding_model": "embed-v3"}


def retrieval(**more: Any) -> dict[str, Any]:
    return {
        "retrieval": {"index": INDEX, "variable": "who", **more},
        "prompt": {"text": "Hi {{who}}.", "format": "mustache"},
    }


@pytest.mark.parametrize("top_k", [1, 6, 10**9])
def test_a_whole_number_from_one_may_say_how_many_passages(world: World, top_k: object) -> None:
    assert content(world.release(**retrieval(top_k=top_k)))["retrieval"]["default"]["top_k"] == top_k


@pytest.mark.parametrize("top_k", [0, -1, 1.5, True, "6", [6]])
def test_any_other_value_for_how_many_passages_is_found_at_its_line(world: World, top_k: object) -> None:
    made = world.release(**retrieval(top_k=top_k))
    (finding,) = refusing(made.findings)
    assert finding.code == "bad-value"
    assert "top_k" in finding.message
    assert finding.line is not None
    assert finding.hint


@pytest.mark.parametrize(("counts", "wrong"), [({"a": 0}, 0), ({"a": -1}, 1), ({"a": "x", "b": 1.5}, 2)])
def test_counts_of_an_index_are_whole_numbers_from_nothing_on(world: World, counts: dict[str, Any], wrong: int) -> None:
    made = world.release(**retrieval(index=INDEX | {"counts": counts}))
    assert len([f for f in refusing(made.findings) if f.code == "bad-value"]) == wrong


@pytest.mark.parametrize(
    ("keys", "place", "wanted"),
    [
        ({"metadata": []}, "release.metadata", "a mapping"),
        ({"configs": "x"}, "release.configs", "a mapping"),
        ({"tools": {"a": 1}}, "release.tools", "a list"),
        ({"prompt": {"text": "Hi", "tools": "look"}}, "release.prompt.tools", "a list"),
    ],
)
def test_a_value_of_another_kind_is_named_by_its_place(
    world: World, keys: dict[str, Any], place: str, wanted: str
) -> None:
    found = [f for f in world.release(**keys).findings if f.code == "wrong-type"]
    assert [place in f.message and wanted in f.message for f in found] == [True]
    assert found[0].line is not None
    assert found[0].hint


@pytest.mark.parametrize(
    ("value", "called"),
    [(["a"], "list"), ({"a": 1}, "mapping"), (7, "7"), (1.5, "1.5"), (True, "true"), (False, "false")],
)
def test_what_stands_in_the_place_of_a_text_is_named(world: World, value: object, called: str) -> None:
    (finding,) = refusing(world.release(rollback_to=value).findings)
    assert finding.code == "wrong-type"
    assert called in finding.message
    assert finding.hint


def test_a_file_that_is_no_mapping_is_called_the_file(world: World) -> None:
    made = assemble_release({"release.json": "[]"}, world.around())
    assert any(f.code == "wrong-type" and "the file" in f.message and "a list" in f.message for f in made.findings)


def test_two_names_for_one_key_must_agree(world: World) -> None:
    assert codes(world.release(bundle="support")) == []
    (finding,) = refusing(world.release(bundle="other").findings)
    assert finding.code == "bad-value"
    assert finding.line is not None
    assert finding.hint


# -- texts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("character", "text"),
    [(chr(0xD800), False), (chr(0xDFFF), False), ("\0", False), ("\ue000", True), ("\ud7ff", True)],
)
def test_only_what_utf8_can_hold_is_text(world: World, character: str, text: bool) -> None:
    made = world.release({"a.md": f"a{character}b", "b.md": "\u202e"})
    assert ("not-text" not in codes(made)) is text
    assert any(f.code == "invisible-character" and f.file == "b.md" for f in made.findings), (
        "the other files are read too"
    )


def test_a_release_may_be_as_large_as_its_limit_and_no_larger(world: World) -> None:
    files = {f"f{number}.md": "x" * TEXT_LIMIT for number in range(7)}
    spare = (
        RELEASE_LIMIT
        - 7 * TEXT_LIMIT
        - len(json.dumps({"release": {"feature": "support", "model": MODEL, "prompt": {"text": "Hi."}}}, indent=1))
    )
    assert "too-large" not in codes(world.release({**files, "rest.md": "x" * spare}))
    made = world.release({**files, "rest.md": "x" * (spare + 1)})
    assert [f.code for f in refusing(made.findings)] == ["too-large"]


def test_too_many_files_are_found_with_a_way_out(world: World) -> None:
    assert "too-large" not in codes(world.release({f"f{number}.md": "" for number in range(255)}))
    (finding,) = refusing(world.release({f"f{number}.md": "" for number in range(256)}).findings)
    assert finding.code == "too-large"
    assert finding.hint


def test_an_illegal_path_does_not_hide_the_next_one(world: World) -> None:
    made = world.release({".a": "", "B.md": "", "b.md": "", "../c": ""})
    assert [(f.code, f.file) for f in refusing(made.findings)] == [
        ("file-path", "../c"), ("file-path", ".a"), ("file-collision", "b.md")
    ]  # fmt: skip


def test_broken_json_is_found_in_its_file_and_line(world: World) -> None:
    broken = {"configs/a.json": '{\n "a": 1,\n}'}
    for made in (
        world.release(broken, configs={"a": "configs/a.json"}),
        world.publish("configs", "a", {"a.json": broken["configs/a.json"]}),
    ):
        (finding,) = refusing(made.findings)
        assert (finding.code, finding.line) == ("json-syntax", 3)
        assert finding.file.endswith("a.json")
        assert finding.hint
    made = assemble_release({"release.json": '{\n"release": }'}, world.around())
    assert [(f.code, f.file, f.line) for f in made.findings] == [("json-syntax", "release.json", 2)]


def test_a_config_that_is_no_json_is_kept_as_text(world: World) -> None:
    made = content(world.release({"a.txt": "{", "b.json": "[1]"}, configs={"a": "a.txt", "b": "b.json", "c": {"d": 1}}))
    assert made["configs"] == {"a": "{", "b": [1], "c": {"d": 1}}


# -- tools -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap", [lambda t: t, lambda t: [t], lambda t: {"tools": [t]}, lambda t: {"tools": [t], "nextCursor": "x"}]
)
def test_a_tool_may_stand_alone_in_a_list_or_in_a_listing(world: World, wrap: Any) -> None:
    files = {"look.json": json.dumps(wrap(TOOL))}
    assert list(content(world.release(files, tools=["look.json"]))["tools"]) == ["look"]
    assert refusing(world.publish("tools", "look", files).findings) == []
    shared = content(world.release(tools=["tools/look@v1"]))["tools"]["look"]
    assert shared["description"] == "Looks."


def test_one_component_is_one_tool(world: World) -> None:
    several = world.publish("tools", "two", {"two.json": json.dumps([TOOL, TOOL | {"name": "other"}])})
    assert [f.code for f in refusing(several.findings)] == ["tool-invalid"]
    none = world.publish("tools", "none", {"none.json": "[]"})
    assert [f.code for f in refusing(none.findings)] == ["tool-invalid"]


@pytest.mark.parametrize("name", ["component.yaml", "tool.yaml", "tool.yml"])
def test_a_tool_may_be_written_as_yaml(world: World, name: str) -> None:
    assert refusing(world.publish("tools", "look", {name: json.dumps(TOOL)}).findings) == []
    assert list(content(world.release(tools=["tools/look@v1"]))["tools"]) == ["look"]


def test_a_tool_with_a_broken_schema_is_found_in_its_file(world: World) -> None:
    broken = TOOL | {"parameters": {"type": "object", "properties": {"a": {"type": "nonsense"}}}}
    (inline,) = refusing(world.release(tools=[broken]).findings)
    (filed,) = refusing(world.release({"look.json": json.dumps(broken)}, tools=["look.json"]).findings)
    assert (inline.code, inline.file) == ("tool-invalid", "release.json")
    assert (filed.code, filed.file) == ("tool-invalid", "look.json")


# -- components ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"graph.json": '{"a": [1]}'}, {"a": [1]}),
        ({"notes.txt": "as it is"}, "as it is"),
        ({"component.yaml": "file: graph.json", "graph.json": '{"a": [1]}'}, {"a": [1]}),
        ({"component.yaml": "{file: graph.json, b: 2}", "graph.json": "{}"}, {"file": "graph.json", "b": 2}),
        ({"component.yaml": "{a: [1]}"}, {"a": [1]}),
    ],
)
def test_a_shared_config_is_a_file_or_a_value(world: World, files: dict[str, str], value: object) -> None:
    assert refusing(world.publish("configs", "graph", files).findings) == []
    assert content(world.release(configs={"graph": "configs/graph@v1"}))["configs"] == {"graph": value}


@pytest.mark.parametrize("files", [{}, {"a.md": "", "b.md": ""}, {"component.yaml": "a: 1", "component.yml": "a: 1"}])
def test_a_component_of_no_or_several_files_must_say_what_it_is(world: World, files: dict[str, str]) -> None:
    (finding,) = refusing(world.publish("prompts", "a", files).findings)
    assert finding.code == "file-missing"
    assert finding.hint


@pytest.mark.parametrize("kind", ["prompts", "models", "tools"])
def test_a_component_that_cannot_be_read_is_found_where_it_breaks(world: World, kind: str) -> None:
    (finding,) = refusing(world.publish(kind, "a", {"component.yaml": "a: 1\nb: ["}).findings)
    assert finding.code == "yaml-syntax"
    assert finding.file == "component.yaml"
    assert finding.line


def test_a_component_of_a_file_with_an_illegal_path_is_refused(world: World) -> None:
    made = world.publish("prompts", "a", {"a b.md": "Hi."})
    assert made.sealed is None
    assert "file-path" in codes(made)


def test_what_a_release_says_beside_a_component_goes_before_what_the_component_says(world: World) -> None:
    world.publish("indexes", "kb", {"kb.yaml": json.dumps(INDEX)})
    world.publish("prompts", "ask", {"component.yaml": "{text: 'Hi {{who}}.', format: mustache, x-note: theirs}"})
    made = content(
        world.release(
            prompt="prompts/ask@v1",
            retrieval={"index": "indexes/kb@v1", "embedding_model": "embed-v3", "top_k": 3, "variable": "who"},
        )
    )
    prompt, found = made["prompts"]["default"], made["retrieval"]["default"]
    assert prompt["template"] == "Hi {{who}}."
    assert prompt["component"]["name"] == "ask"
    assert "x-note" not in prompt, "what is the author's own stays with the author"
    assert (found["index"]["name"], found["index"]["version"], found["top_k"]) == ("kb", 1, 3)
    assert found["index"]["digest"] == INDEX["digest"]
    assert set(made["components"]) == {"indexes/kb", "prompts/ask"}


def test_a_guardrail_keeps_its_settings(world: World) -> None:
    rail = {"kind": "redact", "config": {"mask": "#"}}
    world.publish("guardrails", "pii", {"pii.yaml": json.dumps(rail)})
    made = content(world.release(guardrails=["guardrails/pii@v1", rail | {"guards": "input"}]))["guardrails"]
    assert {name: (rail["kind"], rail["guards"], rail["config"]) for name, rail in made.items()} == {
        "pii": ("redact", "both", {"mask": "#"}),
        "redact": ("redact", "input", {"mask": "#"}),
    }


def test_a_model_is_known_by_its_id_where_it_has_no_name(world: World) -> None:
    made = content(world.release(model={"id": "large-2025-02-01", "temperature": 0.2, "params": {"seed": 7}}))
    assert made["models"]["default"] == {
        "id": "large-2025-02-01",
        "provider": None,
        "name": "large-2025-02-01",
        "pinned_version": None,
        "params": {"temperature": 0.2, "seed": 7},
    }


def test_examples_of_a_file_are_read_line_by_line(world: World) -> None:
    messages = [{"examples": "few.jsonl"}, {"role": "user", "text": "Hi {{who}}."}]
    files = {"few.jsonl": '{"input": "1", "output": "2"}\n\n{"input": "3", "output": "4"}\n'}
    made = content(world.release(files, prompt={"messages": messages, "format": "mustache"}))
    prompt = made["prompts"]["default"]
    assert prompt["messages"][0]["examples"] == [{"input": "1", "output": "2"}, {"input": "3", "output": "4"}]
    assert prompt["inputs"] == {"type": "object", "properties": {"who": {}}, "required": ["who"]}
    assert prompt["inputs_inferred"] is True


def test_what_a_jinja_template_includes_comes_with_it(world: World) -> None:
    files = {"p/a.j2": "{% include 'tone.j2' %} {{ who }}", "p/tone.j2": "Be {{ mood }}."}
    prompt = content(world.release(files, prompt="p/a.j2"))["prompts"]["default"]
    assert prompt["partials"] == {"tone.j2": "Be {{ mood }}."}
    assert set(prompt["inputs"]["properties"]) == {"who", "mood"}


def test_inputs_that_the_author_gives_are_not_inferred(world: World) -> None:
    inputs = {"type": "object", "properties": {"who": {"type": "string"}}, "required": ["who"]}
    prompt = {"text": "Hi {{who}}.", "format": "mustache", "inputs": inputs}
    made = content(world.release(prompt=prompt))["prompts"]["default"]
    assert made["inputs"] == inputs
    assert "inputs_inferred" not in made


# -- what is sealed --------------------------------------------------------------------------------------------


def test_a_sealed_component_says_what_it_is(world: World) -> None:
    made = world.publish("prompts", "tone", {"tone.txt": "Be kind."})
    assert made.sealed is not None
    sealed = json.loads(made.sealed.manifest)
    assert (sealed["format"], sealed["kind"], sealed["name"], sealed["components"]) == (1, "prompts", "tone", {})
    assert sealed["part"]["template"] == {"file": "tone.txt"}
    assert set(sealed["files"]) == {"tone.txt"}


def test_a_sealed_release_says_all_that_its_manifest_does(world: World) -> None:
    tone = world.publish("prompts", "tone", {"tone.txt": "Be kind."})
    made = world.release(
        prompt="prompts/tone@v1", metadata={"ticket": "ML-8"}, **{"x-team": ["a"], "rollback_to": "v1"}
    )
    assert made.sealed is not None
    assert tone.sealed is not None
    sealed = json.loads(made.sealed.manifest)
    assert (sealed["format"], sealed["bundle"], sealed["rollback_to"]) == (1, "support", "v1")
    assert (sealed["metadata"], sealed["extra"]) == ({"ticket": "ML-8"}, {"x-team": ["a"]})
    assert sealed["components"] == {"prompts/tone": {"version": 1, "digest": tone.sealed.digest}}
    assert set(sealed["files"]) == {
        "release.json", "components/prompts/tone/component.json", "components/prompts/tone/tone.txt"
    }  # fmt: skip
    assert content(made)["prompts"]["default"]["component"] == {
        "name": "tone", "version": 1, "digest": tone.sealed.digest
    }  # fmt: skip


def test_an_index_is_sealed_as_a_component_of_its_own(world: World) -> None:
    made = world.publish("indexes", "kb", {"kb.yaml": json.dumps(INDEX)})
    assert content(made)["retrieval"]["kb"]["index"]["uri"] == INDEX["uri"]


# -- places of findings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ({"id": "large-x", "name": "large-2025-02-01"}, []),
        ({"id": "large-2025-02-01", "name": "large-latest"}, ["model-floating"]),
        ({"id": "large-latest", "name": "large-2025-02-01"}, ["model-floating"]),
    ],
)
def test_name_and_id_of_a_model_are_both_looked_at(world: World, model: dict[str, str], found: list[str]) -> None:
    assert codes(world.release(model=model)) == found


def test_a_variable_that_is_not_declared_is_found_at_its_first_use(world: World) -> None:
    prompt = {"template": "p/a.md", "inputs": {"type": "object", "properties": {"who": {}}}}
    made = world.release({"p/a.md": "Hi {{who}},\n\n{{what}} and\n{{what}}.\n"}, prompt=prompt)
    (finding,) = refusing(made.findings)
    assert (finding.code, finding.file, finding.line) == ("variable-undeclared", "p/a.md", 3)
    assert "what" in finding.message


def test_a_place_for_messages_may_be_declared_as_an_input(world: World) -> None:
    inputs = {"type": "object", "properties": {"history": {}, "who": {}, "left": {}}}
    messages = [{"placeholder": "history"}, {"role": "user", "text": "Hi {{who}}."}]
    made = world.release(prompt={"messages": messages, "format": "mustache", "inputs": inputs})
    assert [(f.code, "left" in f.message) for f in made.findings] == [("variable-unused", True)]


def test_every_folder_and_file_that_collide_are_named(world: World) -> None:
    files = {"a/1": "", "A/2": "", "b/1": "", "B/2": "", "c": "", "C/1": "", "d/x/1": "", "d/X/2": ""}
    found = [f for f in world.release(files).findings if f.code == "file-collision"]
    assert sorted(f.file for f in found) == ["a/1", "b/1", "c", "d/x/1"]
    assert all(f.hint for f in found)
    assert [f.file for f in found if "a/" in f.message and "A/" in f.message] == ["a/1"]


def inline(text: str) -> dict[str, Any]:
    return {"prompt": {"text": text, "format": "jinja2"}}


def test_a_jinja_text_in_the_manifest_brings_along_what_it_includes(world: World) -> None:
    files = {"p/tone.j2": "{% include 'mood.j2' %}!", "p/mood.j2": "Be {{ mood }}"}
    made = world.release(files, **inline("{% include 'p/tone.j2' %} {{ who }}"))
    assert codes(made) == []
    prompt = content(made)["prompts"]["default"]
    assert prompt["partials"] == {"p/tone.j2": files["p/tone.j2"], "mood.j2": files["p/mood.j2"]}
    assert set(prompt["inputs"]["properties"]) == {"mood", "who"}
    filled, _ = messages_of(prompt, {"mood": "kind", "who": "Ann"})
    assert filled == [{"role": "user", "content": "Be kind! Ann"}]


def test_a_jinja_text_in_the_manifest_that_could_never_be_filled_is_refused(world: World) -> None:
    made = world.release(**inline("one\n{% include 'tone.j2' %}"))
    (finding,) = refusing(made.findings)
    assert (finding.code, finding.file) == ("reference-unresolved", "release.json")
    assert "tone.j2" in finding.message
    assert finding.line == made.draft.lines["prompts", "default"]
    assert codes(world.release(**inline("{% include who %}"))) == ["include-unresolved"]


@pytest.mark.parametrize("source", [{"text": "{% include 'a.j2' %}"}, {"template": "main.j2"}])
def test_templates_that_include_themselves_are_found_once(world: World, source: dict[str, str]) -> None:
    files = {"a.j2": "{% include 'b.j2' %}", "b.j2": "{% include 'a.j2' %}", "main.j2": "{% include 'a.j2' %}"}
    made = world.release(files, prompt={**source, "format": "jinja2"})
    found = refusing(made.findings)
    assert len(found) == 1
    assert found[0].hint


def test_a_finding_beside_a_suspected_secret_does_not_repeat_it(world: World) -> None:
    word = "tr0ub4dor" + "Xy7Qw9" + "Kp3Lm5"
    made = world.release({"a.md": f'password = "{word}"'}, **{word: 1})
    assert {"secret-suspected", "unknown-key"} <= set(codes(made))
    assert not any(word in f.message or word in f.hint for f in made.findings)


def test_the_files_of_a_shared_prompt_are_found_where_a_release_holds_them(world: World) -> None:
    files = {
        "component.yaml": "format: jinja2\nmessages:\n- {role: system, template: a.j2}\n- {examples: few.jsonl}\n"
        "- {placeholder: history}\n- {role: user, text: 'Hi {{ who }}.'}\n",
        "a.j2": "{% include 'tone.j2' %}!",
        "tone.j2": "Be {{ mood }}",
        "few.jsonl": '{"input": "1", "output": "2"}\n',
    }
    assert refusing(world.publish("prompts", "chat", files).findings) == []
    prompt = content(world.release(prompt="prompts/chat@v1"))["prompts"]["default"]
    assert prompt["partials"] == {"tone.j2": "Be {{ mood }}"}
    filled, _ = messages_of(prompt, {"mood": "kind", "who": "Ann", "history": []})
    assert [message["content"] for message in filled] == ["Be kind!", "1", "2", "Hi Ann."]
