"""The manifest as authors write it: what each spelling means, and what is said of each slip."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_component, assemble_release
from pinset.domain.findings import refusing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.references import ComponentReference

HERE = "release.yaml"
GIVEN = Path(__file__).parents[2].parent / "shared/data/manifests/support-summarizer.yaml"
MODEL = 'model: {name: large, pinned_version: "2025-02-01"}'
MIB = 1024 * 1024


class Shared:
    """Shared components, each under every selector it was published with."""

    def __init__(self) -> None:
        self._known: dict[str, Found] = {}
        self.around = Surroundings(component=self._find, version=lambda *_: 3, serving=lambda _: 3)

    def publish(self, reference: str, files: Mapping[str, str]) -> None:
        key, _, selector = reference.partition("@")
        kind, _, name = key.partition("/")
        result = assemble_component(kind, name, files, self.around)
        assert result.sealed is not None, result.findings
        assert result.findings == []
        version = int(selector[1:]) if selector.startswith("v") else 1
        self._known[reference] = Found(version=version, digest=result.sealed.digest, sealed=result.sealed)

    def _find(self, reference: ComponentReference) -> Found | None:
        return self._known.get(str(reference))


@pytest.fixture
def shared() -> Shared:
    stock = Shared()
    stock.publish("prompts/summarizer@v7", {"s.md": "Summarize {{ticket}} by {{context}}."})
    stock.publish("guardrails/pii-redact@v3", {"g.yaml": "kind: redact\nguards: output\nconfig: {mask: '#'}"})
    stock.publish("indexes/kb-embeddings@2025-03-10", {"i.yaml": json.dumps(INDEX)})
    stock.publish("models/house@v4", {"m.yaml": "{name: large, pinned_version: '2025-02-01', temperature: 0}"})
    stock.publish("tools/look@v2", {"t.json": json.dumps(TOOL)})
    stock.publish("configs/graph@v1", {"c.json": '{"steps": 12}'})
    return stock


INDEX = {"uri": "s3://kb", "digest": "sha256:ab", "embedding_model": "embed-v3", "dimensions": 1024}
SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
TOOL = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
SHAPES = {
    "openai": {"type": "function", "function": TOOL},
    "openai responses": {"type": "function", **TOOL},
    "anthropic": {"name": "look", "description": "Looks.", "input_schema": SCHEMA},
    "mcp": {"name": "look", "description": "Looks.", "inputSchema": SCHEMA},
}


def lines(*more: str, model: str = MODEL) -> dict[str, str]:
    """A manifest: the model stands on line 3, the lines given from line 4."""
    return {HERE: "\n  ".join(("release:", "feature: support", model, *more)) + "\n"}


def assemble(files: Mapping[str, str], stock: Shared | None = None) -> Assembled:
    return assemble_release(files, (stock or Shared()).around)


def content(files: Mapping[str, str], stock: Shared | None = None) -> dict[str, Any]:
    result = assemble(files, stock)
    assert result.content is not None, result.findings
    assert refusing(result.findings) == [], result.findings
    return result.content


def told(files: Mapping[str, str], stock: Shared | None = None) -> list[tuple[str, str, int | None]]:
    return [(f.code, f.file, f.line) for f in assemble(files, stock).findings]


SHORT = """\
release:
  feature: support-summarizer
  version: 2025-03-14-rc2
  model:
    provider: vendor-x
    name: foundation-large
    pinned_version: "2025-02-01"
    temperature: 0.2
    max_tokens: 800
  prompt:
    template_ref: prompts/summarizer@v7
    guardrails: guardrails/pii-redact@v3
  retrieval:
    index: kb-embeddings@2025-03-10
    embedding_model: embed-v3
    top_k: 6
  rollback_to: 2025-03-07-stable
"""
LONG = """\
release:
  bundle: support-summarizer
  label: "2025-03-14-rc2"
  models:
    default: {provider: vendor-x, name: foundation-large, pinned_version: '2025-02-01', temperature: 0.2, max_tokens: 800}
  prompts:
    default: {template_ref: summarizer@v7, guardrails: [pii-redact@v3]}
  retrieval:
    default: {index: indexes/kb-embeddings@2025-03-10, embedding_model: embed-v3, top_k: 6}
  rollback_to: 2025-03-07-stable
"""


@pytest.mark.parametrize("text", [SHORT, LONG], ids=["short", "long"])
def test_both_styles_mean_the_same_release(shared: Shared, text: str) -> None:
    result = assemble({HERE: text}, shared)
    assert result.findings == []
    assert (result.draft.bundle, result.draft.label, result.rollback_to) == ("support-summarizer", "2025-03-14-rc2", 3)
    assert result.content is not None
    prompt, model = result.content["prompts"]["default"], result.content["models"]["default"]
    assert prompt["template"] == "Summarize {{ticket}} by {{context}}."
    assert prompt["inputs"]["required"] == ["context", "ticket"]
    assert prompt["guardrails"] == ["pii-redact"]
    assert model.pop("params") == {"temperature": 0.2, "max_tokens": 800}
    assert model.pop("id") == model["name"] == "foundation-large"
    assert (model["provider"], model["pinned_version"]) == ("vendor-x", "2025-02-01")
    retrieval = result.content["retrieval"]["default"]
    assert (retrieval["embedding_model"], retrieval["top_k"]) == ("embed-v3", 6)
    assert retrieval["index"].items() >= {**INDEX, "name": "kb-embeddings", "version": 1}.items()
    assert result.content["guardrails"]["pii-redact"].items() >= {"kind": "redact", "version": 3}.items()


@pytest.mark.skipif(not GIVEN.is_file(), reason=f"the manifest {GIVEN.name} is not there")
def test_the_manifest_that_was_given_is_accepted(shared: Shared) -> None:
    text = GIVEN.read_text(encoding="utf-8")
    result = assemble({HERE: text}, shared)
    assert result.findings == []
    assert result.content == assemble({HERE: SHORT}, shared).content
    missing = assemble({HERE: text}).findings
    assert [f.code for f in missing] == ["reference-unresolved"] * 3
    assert {f.line for f in missing} >= {11, 14}


SUGGESTIONS = {
    "prompt": "promt: {text: a}", "model": "modle: {}", "rollback_to": "rolback_to: v1", "tools": "tool: []",
    "guardrails": "guardrail: x", "configs": "Configs: {}", "metadata": "metdata: {}", "label": "labels: '1'",
    "inputs": "prompt: {text: a, input: {}}", "output": "prompt: {text: a, ouput: {}}",
    "format": "prompt: {text: a, fromat: text}", "top_k": "retrieval: {index: kb@v1, topk: 5}",
    "placeholder": "prompt: {messages: [{role: user, text: a, plceholder: b}]}",
    "embedding_model": "retrieval: {index: kb@v1, embeding_model: a}",
    "dimensions": "retrieval: {index: {uri: a, embedding_model: b, dimension: 5}}",
    "guards": "guardrails: [{kind: a, guard: input}]",
}  # fmt: skip


@pytest.mark.parametrize("meant", SUGGESTIONS)
def test_an_unknown_key_names_the_nearest_known_one(meant: str) -> None:
    found = [f for f in assemble(lines(SUGGESTIONS[meant])).findings if f.code == "unknown-key"]
    assert [(f.hint, f.file, f.line) for f in found] == [(f"did you mean {meant}?", HERE, 4)]


def test_a_manifest_without_release_says_where_it_begins() -> None:
    findings = assemble({HERE: "relase:\n  feature: support\n"}).findings
    assert [(f.code, f.line) for f in findings] == [("unknown-key", 1), ("missing-key", 1)]
    assert findings[0].hint == "did you mean release?"


def test_keys_with_x_are_the_authors_own() -> None:
    assert told(lines("prompt: {text: a}", "x-owner: {team: b}")) == []


FIELDS = [
    "feature", "version", "rollback_to", "model.provider", "model.name", "model.id", "model.pinned_version", "prompt.template_ref",
    "prompt.template", "prompt.text", "prompt.format", "prompt.model", "retrieval.embedding_model", "retrieval.variable",
    "retrieval.index.uri", "retrieval.index.digest", "retrieval.index.embedding_model", "retrieval.index.distance",
    "guardrails.g.kind", "guardrails.g.guards",
]  # fmt: skip
WRONG = {"number": 7, "float": 1.5, "bool": True, "list": ["a"], "mapping": {"a": "b"}}
SOUND: dict[str, Any] = {
    "feature": "support",
    "model": {"name": "large", "pinned_version": "2025-02-01"},
    "prompt": {"text": "{{a}}"},
    "retrieval": {"index": INDEX, "variable": "a"},
    "guardrails": {"g": {"kind": "x"}},
}


def _with(field: str, value: Any) -> str:
    release = json.loads(json.dumps(SOUND))
    *above, last = field.split(".")
    part = release
    for step in above:
        part = part[step]
    if above == ["prompt"] and last in ("template", "template_ref"):
        del part["text"]
    part[last] = value
    return json.dumps({"release": release}, indent=1)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("field", FIELDS)
def test_text_of_another_type_is_refused_on_its_line(field: str, wrong: str) -> None:
    text = _with(field, WRONG[wrong])
    found = [f for f in assemble({"release.json": text}).findings if f.code == "wrong-type"]
    last = field.rpartition(".")[2]
    assert len(found) == 1
    assert found[0].message.startswith(f"{last} must be text, and is ")
    assert f'"{last}":' in text.splitlines()[(found[0].line or 0) - 1]
    assert found[0].hint


@pytest.mark.parametrize("field", [field for field in FIELDS if "." in field or field == "feature"])
def test_text_that_is_empty_is_as_if_not_given(field: str) -> None:
    assert "missing-key" in [f.code for f in assemble({"release.json": _with(field, "")}).findings]


@pytest.mark.parametrize("field", ["prompt.inputs", "prompt.output"])
@pytest.mark.parametrize("value", [7, ["a"], None, {"type": "objekt", "properties": {"a": {}}}])
def test_a_schema_that_is_none_is_refused(field: str, value: Any) -> None:
    assert {f.code for f in assemble({"release.json": _with(field, value)}).findings} == {"schema-invalid"}


WRONG_SHAPES = {
    "wrong-type": [
        "models: [a]", "models: {small: 5}", "prompts: [a.md]", "prompt: {messages: {role: user}}",
        "prompt: {messages: [hello]}", "prompt: {messages: [{examples: 5}]}", "prompt: {text: a, tools: look}",
        "tools: {look: t.json}", "metadata: text", "configs: [1]",
    ],
    "bad-value": [
        "retrieval: {index: kb@v1, top_k: six}", "retrieval: {index: kb@v1, top_k: 0}",
        "retrieval: {index: kb@v1, top_k: true}", "prompt: {messages: [{role: wizard, text: a}]}",
        "retrieval: {index: {uri: a, embedding_model: b, dimensions: 1.5}}",
    ],
    "bad-name": ["prompt: {messages: [{placeholder: '{'}]}", "models: {'a b': {name: x}}"],
}  # fmt: skip


@pytest.mark.parametrize(("code", "line"), [(code, line) for code, many in WRONG_SHAPES.items() for line in many])
def test_a_value_of_the_wrong_shape_is_refused(code: str, line: str) -> None:
    assert (code, HERE, 4) in told(lines(line))


REFUSED = [
    ("", 1, "the file is empty"),
    ("# nothing\n", 1, "the file is empty"),
    ("---\n", 1, "the document is empty"),
    ("release:\n  feature: a\n---\nrelease:\n  feature: b\n", 3, "several documents"),
    ("release:\n  feature: a\n\tmodel: x\n", 3, "tab"),
    ("\ufeffrelease:\n  feature: a\n", 1, "byte order mark"),
    ("%YAML 1.1\n---\nrelease: {}\n", 1, "directives"),
    ("release:\n  feature: a\n  model: {name: a, name: b}\n", 3, "'name' is there twice, first on line 3"),
    ("release:\n  a: &x {b: 1}\n  c: *x\n", 2, "anchors and aliases"),
    ("release:\n  a: 1\n  <<: {b: 1}\n", 3, "merge keys"),
    ("release:\n  a: !!python/name:os.system\n", 2, "is not taken"),
    ("a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: &c [*b, *b, *b]\n", 1, "anchors and aliases"),
    ("release:\n  a: " + "[" * 100_000, 2, "nested deeper than 32"),
    ("release:\n  a: " + "{b: " * 40 + "1" + "}" * 40, 2, "nested deeper than 32"),
    ("release:\n  metadata: {a: 007}\n", 2, "007 loses its zeros"),
    ("release:\n  metadata: {a: .nan}\n", 2, ".nan is no number"),
    ("release:\n  metadata: {a: 9007199254740992}\n", 2, "too large to be kept exactly"),
    ("release:\n  metadata: {1: a}\n", 2, "'1' is no text"),
    ("release:\n  metadata: {a: b\n", 2, "not YAML"),
]


@pytest.mark.parametrize(("text", "line", "said"), REFUSED, ids=[said for *_, said in REFUSED])
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    [found] = [f for f in assemble({HERE: text}).findings if f.code != "invisible-character"]
    assert (found.code, found.file, found.line) == ("yaml-syntax", HERE, line)
    assert said in found.message
    assert found.hint


SCALARS: dict[str, Any] = {
    "no": "no", "yes": "yes", "on": "on", "off": "off", "y": "y", "true": True, "False": False, "null": None, "~": None,
    "0o7": 7, "0x1F": 31, "1e3": 1000, ".5": 0.5, "-3": -3, "0b11": "0b11", "1_000": "1_000", "12:30:45": "12:30:45",
    "2025-03-14": "2025-03-14", "1.2.3": "1.2.3", "'1'": "1", '"a\\tb"': "a\tb", "9007199254740991": 2**53 - 1,
}  # fmt: skip


@pytest.mark.parametrize("written", SCALARS)
def test_scalars_are_those_of_yaml_1_2(written: str) -> None:
    found = content(lines(f"metadata: {{a: {written}}}"))["metadata"]["a"]
    assert (found, type(found)) == (SCALARS[written], type(SCALARS[written]))


def test_line_ends_of_windows_change_no_meaning() -> None:
    plain = lines("prompt: {text: a}", "metadata: {a: b}")
    assert content({HERE: plain[HERE].replace("\n", "\r\n")}) == content(plain)


@pytest.mark.parametrize("files", [{}, {"Release.yaml": "a"}, {"sub/release.yaml": "a"}])
def test_a_manifest_that_is_missing_is_asked_for(files: dict[str, str]) -> None:
    [found] = assemble(files).findings
    assert (found.code, found.file, found.message) == ("file-missing", HERE, "there is no manifest")


@pytest.mark.parametrize("name", ["release.yaml", "release.yml", "release.json"])
def test_the_manifest_may_have_three_names(name: str) -> None:
    assert content({name: json.dumps({"release": SOUND})})["prompts"]["default"]["template"] == "{{a}}"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("where", ["inline", "file", "list", "mcp listing"])
def test_a_tool_is_the_same_in_every_shape(shape: str, where: str) -> None:
    tool = SHAPES[shape]
    kept: Any = {"file": tool, "list": [tool], "mcp listing": {"tools": [tool]}}.get(where)
    files = {"t.json": json.dumps(kept)} if kept else {}
    entry = "t.json" if kept else json.dumps(tool)
    assert content(lines(f"tools: [{entry}]") | files)["tools"] == {"look": TOOL}


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("prompt: {text: a}", "prompts: {default: {text: a}}"),
        ("retrieval: {index: kb-embeddings@2025-03-10}", "retrieval: {default: {index: kb-embeddings@2025-03-10}}"),
        ("guardrails: pii-redact@v3", "guardrails: {pii-redact: guardrails/pii-redact@v3}"),
    ],
)
def test_a_single_part_is_the_entry_default(shared: Shared, one: str, many: str) -> None:
    assert content(lines(one), shared) == content(lines(many), shared)
    model = "models: {default: " + MODEL.removeprefix("model: ") + "}"
    assert content(lines(one, model=model), shared) == content(lines(one), shared)


PLACES = [
    ("prompts", "prompt: {text: 'Summarize {{ticket}} by {{context}}.'}", "prompt: s.md", "prompt: summarizer@v7"),
    ("tools", "tools: [" + json.dumps(TOOL) + "]", "tools: [t.json]", "tools: [look@v2]"),
    ("configs", "configs: {graph: {steps: 12}}", "configs: {graph: ./c.json}", "configs: {graph: graph@v1}"),
]
OWN = {"s.md": "Summarize {{ticket}} by {{context}}.", "t.json": json.dumps(TOOL), "c.json": '{"steps": 12}'}


@pytest.mark.parametrize(("kind", "inline", "file", "component"), PLACES, ids=[kind for kind, *_ in PLACES])
def test_inline_file_and_shared_component_mean_the_same(
    shared: Shared, kind: str, inline: str, file: str, component: str
) -> None:
    used = {path: text for path, text in OWN.items() if path in file}
    given = (lines(inline), lines(file) | used, lines(component))
    first, second, third = (content(files, shared)[kind] for files in given)
    if kind == "prompts":
        assert third["default"].pop("component")["version"] == 7
    assert first == second == third


def test_a_shared_model_means_what_is_written_inline(shared: Shared) -> None:
    written = content(lines(model=MODEL.replace("}", ", temperature: 0}")))["models"]["default"]
    taken = content(lines(model="model: house@v4"), shared)["models"]["default"]
    assert taken.pop("component")["version"] == 4
    assert taken == written


LIMITS = [
    ({"a.md": "a" * MIB}, []),
    ({"a.md": "a" * (MIB + 1)}, ["a.md"]),
    ({"a.md": "é" * (MIB // 2) + "a"}, ["a.md"]),
    ({f"f{at}.md": "a" * MIB for at in range(8)}, [""]),
    ({f"f{at}.md": "a" for at in range(255)}, []),
    ({f"f{at}.md": "a" for at in range(256)}, [""]),
]


@pytest.mark.parametrize(("files", "refused"), LIMITS, ids=["1 MiB", "more", "in bytes", "8 MiB", "256 files", "257"])
def test_limits_hold_to_the_byte(files: dict[str, str], refused: list[str]) -> None:
    assert [file for code, file, _ in told(lines() | files) if code == "too-large"] == refused


@pytest.mark.parametrize(("depth", "expected"), [(32, []), (33, [("json-syntax", "a.json", 1)])])
def test_json_may_be_32_deep(depth: int, expected: list[Any]) -> None:
    assert told(lines("configs: {a: a.json}") | {"a.json": "[" * depth + "]" * depth}) == expected


PATHS = "../a.json | /etc/passwd | b/../a.json | b//a.json | .git/a | a b.json | C:a.json | ~/a.json | a.lock | b/"


@pytest.mark.parametrize("path", PATHS.split(" | "))
def test_a_path_that_leaves_the_directory_is_refused(path: str) -> None:
    assert told(lines(f"configs: {{a: '{path}'}}")) == [("file-path", HERE, 4)]
    assert told(lines("prompt: {text: a}") | {path: "{}"}) == [("file-path", path, None)]


def test_paths_are_told_apart_by_case() -> None:
    [found] = assemble(lines("configs: {a: A.json}") | {"a.json": "{}"}).findings
    assert (found.code, found.line, found.hint) == ("file-missing", 4, "did you mean a.json?")
    both = lines("configs: {a: A.json}") | {"A.json": "{}", "a.json": "{}"}
    assert told(both) == [("file-collision", "a.json", None)]


def test_a_bundle_in_capitals_is_told_its_name() -> None:
    [found] = assemble({HERE: lines()[HERE].replace("support", "Support-Bot")}).findings
    assert (found.code, found.line, found.hint) == ("bad-name", 2, "names are lower-case: write support-bot")


@pytest.mark.parametrize(("file", "text"), [("t.json", "[]"), ("t.json", '{"tools": []}')])
def test_a_tool_without_a_tool_in_it_is_said(shared: Shared, file: str, text: str) -> None:
    result = assemble_component("tools", "look", {file: text}, shared.around)
    assert result.sealed is None
    assert [finding.code for finding in result.findings] == ["tool-invalid"]
