"""Every finding the checks know: what brings it about, where it stands, what it names."""

from __future__ import annotations

import base64
import json
import random
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_component, assemble_release
from pinset.domain.findings import RULES, Finding, Severity, refusing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.references import ComponentReference, Selector

_DICE = random.Random(11)
MODEL = 'model: {name: large, pinned_version: "2025-02-01"}'
PROMPT = "prompt: prompts/main.md"
MAIN = "prompts/main.md"
INDEX = "uri: s3://kb, embedding_model: embed-v3, digest: 'sha256:ab'"
RETRIEVAL = "retrieval: {index: indexes/kb@v1, embedding_model: embed-v3, variable: question}"
TOOL = {"name": "look", "parameters": {"type": "object", "properties": {}}}


@dataclass(eq=False)
class World:
    """A registry in dictionaries: components by key in the order of their versions, releases by selector."""

    components: dict[str, list[Found]] = field(default_factory=dict)
    releases: dict[str, int] = field(default_factory=dict)
    serving: int | None = None
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            component=self._component,
            version=self._version,
            serving=lambda _bundle: self.serving,
            called=lambda bundle: (self.renamed.get(bundle, bundle), bundle),
        )

    def publish(self, key: str, files: Mapping[str, str]) -> None:
        kind, _, name = key.partition("/")
        result = assemble_component(kind, name, files, self.around)
        assert result.sealed is not None, result.findings
        assert refusing(result.findings) == []
        known = self.components.setdefault(key, [])
        known.append(Found(version=len(known) + 1, digest=result.sealed.digest, sealed=result.sealed))

    def _component(self, reference: ComponentReference) -> Found | None:
        known = self.components.get(reference.key, [])
        return next((found for found in known if f"v{found.version}" == reference.selector.text), None)

    def _version(self, _bundle: str, selector: Selector) -> int | None:
        return (
            max(self.releases.values(), default=None) if selector.text == "latest" else self.releases.get(selector.text)
        )


def _stocked() -> World:
    world = World()
    world.publish("prompts/tone", {"tone.txt": "Be kind."})
    world.publish("prompts/tone", {"tone.txt": "Be brief."})
    world.publish("prompts/house", {"house.txt": "In this house: {{> prompts/tone@v1}}"})
    world.publish("prompts/looped", {"looped.txt": "One.\n{{#each}}Two.{{/each}}"})
    world.publish("prompts/inverted", {"inverted.txt": "One.\n{{^no}}Two."})
    world.publish("prompts/asking", {"asking.txt": "It is {{weather}} today."})
    world.publish("prompts/chat", {"component.yaml": "messages: [{role: user, text: Hello}]"})
    world.publish("models/small", {"small.yaml": "{name: small, pinned_version: '2025-01-15'}"})
    world.publish("indexes/kb", {"kb.yaml": f"{{{INDEX}}}"})
    world.publish("guardrails/pii", {"pii.yaml": "{kind: redact, config: {mask: '#'}}"})
    world.publish("tools/look", {"look.json": json.dumps(TOOL)})
    return world


WORLD = _stocked()


def release(*lines: str, model: str = MODEL, prompt: str = PROMPT) -> str:
    """A manifest: line 3 is the model, line 4 the prompt, the lines given follow from 5."""
    return "\n  ".join(("release:", "feature: support", model, prompt, *lines)) + "\n"


def files(*lines: str, main: str = "Answer {{question}}.", **parts: str) -> dict[str, str]:
    manifest = release(*lines, **parts)
    return {HERE: manifest} | ({MAIN: main} if MAIN in manifest else {})


def assemble(published: Mapping[str, str], world: World = WORLD) -> Assembled:
    return assemble_release(published, world.around)


def made_up(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    """Characters as random as a key's; made here, so that no file of ours holds what looks like one."""
    return "".join(_DICE.choice(alphabet) for _ in range(length))


KEYS = {
    "OpenAI": "sk-" + "proj-" + made_up(80),
    "Anthropic": "sk-" + "ant-api03-" + made_up(80),
    "AWS": "AK" + "IA" + made_up(16, string.ascii_uppercase + "234567"),
    "GitHub": "gh" + "p_" + made_up(36),
    "Private Key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + base64.b64encode(_DICE.randbytes(60)).decode(),
}
PASSWORD = "Tr0ub" + "4dor" + made_up(8)

At = tuple[str, int | None]
HERE = "release.yaml"


@dataclass(frozen=True)
class Case:
    """The files that bring one finding about, and nothing else."""

    code: str
    at: At
    said: str
    files: Mapping[str, str]
    world: World


def case(code: str, at: At, said: str, *lines: str, world: World = WORLD, add: Any = (), **parts: str) -> Case:
    """add: other files, or others in their place. parts: the manifest's model and prompt; main, the template."""
    given = files(*lines, **parts) | dict(add)
    return Case(code, at, said, {path: given[path] for path in given if path != MAIN or MAIN in given[HERE]}, world)


def declaring(*names: str, file: str = MAIN) -> str:
    properties = ", ".join(f"{name}: {{}}" for name in names)
    return f"prompt: {{template: {file}, inputs: {{type: object, properties: {{{properties}}}}}}}"


CASES = [
    case("yaml-syntax", (HERE, 3), "feature", add={HERE: "release:\n  feature: a\n  feature: b\n"}),
    case("yaml-syntax", (HERE, 3), "anchors", add={HERE: "release:\n  feature: a\n  model: &m {name: x}\n"}),
    case("yaml-syntax", (HERE, 2), "not YAML", add={HERE: "release:\n  feature: [a\n"}),
    case("json-syntax", ("a.json", 3), "NaN", "configs: {a: a.json}", add={"a.json": '{\n"b": 1,\n"a": NaN}\n'}),
    case("json-syntax", ("a.json", 2), "'b'", "configs: {a: a.json}", add={"a.json": '{"b": 1,\n"b": 2}'}),
    case("json-syntax", ("t.json", 1), "not JSON", "tools: [t.json]", add={"t.json": "{name: look}"}),
    case("json-syntax", ("e.jsonl", 3), "not JSON", prompt="prompt: {messages: [{examples: e.jsonl}]}", add={"e.jsonl": '{"a": 1}\n\n{"a": }\n'}),
    case("not-text", ("blob.bin", None), "blob.bin", add={"blob.bin": "a\x00b"}),
    case("not-text", (MAIN, None), MAIN, main="half \ud83d"),
    case("file-missing", (HERE, 5), "tools/gone.json", "tools: [tools/gone.json]"),
    case("file-missing", ("release.yaml", None), "two manifests", add={"release.json": "{}"}),
    case("file-path", (HERE, 5), "'../secret.json'", "configs: {a: ../secret.json}"),
    case("file-path", (".env", None), "'.env'", add={".env": "A=1"}),
    case("file-path", ("manifest.json", None), "manifest.json", add={"manifest.json": "{}"}),
    case("file-path", ("Components/a.md", None), "Components/a.md", add={"Components/a.md": "a"}),
    case("file-collision", (MAIN, None), "prompts/Main.md", add={"prompts/Main.md": "x"}),
    case("file-collision", ("prompts", None), "prompts", add={"prompts": "x"}),
    case("too-large", (MAIN, None), "1,048,577", main="a" * (1024 * 1024 + 1)),
    case("unknown-key", (HERE, 5), "'retreival'", "retreival: {}"),
    case("missing-key", (HERE, 1), "feature", add={HERE: "release:\n  prompt: prompts/main.md\n"}),
    case("missing-key", (HERE, 3), "name", model="model: {provider: vendor-x, pinned_version: '1'}"),
    case("missing-key", (HERE, 5), "index", "retrieval: {variable: question}"),
    case("missing-key", (HERE, 1), "no part", add={HERE: "release:\n  feature: support\n"}),
    case("wrong-type", (HERE, 5), "version", "version: 7"),
    case("wrong-type", (HERE, 5), "tools", "tools: look.json"),
    case("bad-value", (HERE, 5), "top_k", RETRIEVAL[:-1] + ", top_k: 0}"),
    case("bad-value", (HERE, 4), "'liquid'", prompt="prompt: {template: prompts/main.md, format: liquid}"),
    case("bad-value", (HERE, 4), "template and text", prompt="prompt: {template: prompts/main.md, text: Hello}"),
    case("bad-value", (MAIN, 2), "prompts/chat@v1", main="First.\n{{> prompts/chat@v1}}"),
    case("bad-name", (HERE, 5), "'a b'", "configs: {'a b': 1}"),
    case("bad-name", (HERE, 2), "'Support'", add={HERE: release().replace("support", "Support")}),
    case("bad-name", (HERE, 5), "'v7'", "version: v7"),
    case("doubled-name", (HERE, 7), "'look'", "tools:", "  - t.json", "  - ./t.json", add={"t.json": json.dumps(TOOL)}),
    case("doubled-name", (HERE, 5), "'default'", "prompts: {default: {text: Hello}}"),
    case("reference-syntax", (HERE, 5), "'tools/look@latest'", "tools: [tools/look@latest]"),
    case("reference-syntax", (MAIN, 1), "'prompts/tone'", main="{{> prompts/tone}}"),
    case("reference-syntax", (HERE, 5), "production", "rollback_to: production"),
    case("reference-unresolved", (HERE, 3), "models/gone@v1", model="model: models/gone@v1"),
    case("reference-unresolved", (HERE, 5), "tools/look@v2", "tools: [tools/look@v2]"),
    case("reference-unresolved", (MAIN, 2), "prompts/gone@v3", main="a\n{{> prompts/gone@v3}}"),
    case("reference-unresolved", (HERE, 4), "'tiny'", prompt="prompt: {template: prompts/main.md, model: tiny}"),
    case("reference-unresolved", (HERE, 4), "'pii'", prompt="prompt: {template: prompts/main.md, guardrails: [pii]}"),
    case("reference-unresolved", (HERE, 5), "v9", "rollback_to: v9", world=World(releases={"v1": 1})),
    case("reference-unresolved", ("m.j2", 2), "gone.j2", prompt="prompt: m.j2", add={"m.j2": "a\n{% include 'gone.j2' %}"}),
    case("component-versions-differ", (MAIN, 2), "v1 and as v2", main="{{> prompts/tone@v1}}\n{{> prompts/tone@v2}}"),
    case("component-versions-differ", (MAIN, 2), "prompts/tone", main="{{> prompts/tone@v2}}\n{{> prompts/house@v1}}"),
    case("template-syntax", (MAIN, 3), "'{{#if}}'", main="a\n\n{{#if}}b"),
    case("template-syntax", (HERE, 4), "'{{a b}}'", prompt="prompt: {text: '{{a b}}'}"),
    case("template-syntax", ("m.j2", 2), "no Jinja template", prompt="prompt: m.j2", add={"m.j2": "a\n{% if %}"}),
    case("template-syntax", (HERE, 4), "line 2: '{{^no}}'", main="{{> prompts/inverted@v1}}"),
    case("variable-undeclared", (MAIN, 2), "uses who", prompt=declaring("question"), main="{{question}}\n{{ who }}"),
    case("variable-undeclared", (HERE, 4), "uses weather", prompt=declaring("question"), main="{{question}}{{> prompts/asking@v1}}"),
    case("tool-invalid", (HERE, 5), "t.json", "tools: [t.json]", add={"t.json": '{"type": "function"}'}),
    case("tool-invalid", (HERE, 5), "'a b'", "tools: [{name: a b}]"),
    case("tool-invalid", ("tools/look.json", None), "look.parameters.minProperties", "tools: [tools/look.json]",
         add={"tools/look.json": '{"name": "look", "parameters": {"type": "object", "minProperties": "1"}}'}),
    case("schema-invalid", (HERE, 4), "default.output.type", prompt="prompt: {template: prompts/main.md, output: {type: objekt}}"),
    case("embedding-mismatch", (HERE, 5), "'embed-v4'", RETRIEVAL.replace("embed-v3", "embed-v4")),
    *(case("secret", (MAIN, 2), kind, main=f"{{{{question}}}}\nUse {key}") for kind, key in KEYS.items()),
    case("secret", (HERE, 5), "GitHub", f"metadata: {{note: {KEYS['GitHub']}}}"),
    case("model-unpinned", (HERE, 3), "default", model="model: {name: large}"),
    case("model-unpinned", (HERE, 5), "small", "models: {small: {name: small, temperature: 0}}"),
    case("model-floating", (HERE, 3), "'large-latest'", model="model: {name: large-latest, pinned_version: '2025-02-01'}"),
    case("model-floating", (HERE, 3), "'2025.*'", model="model: {name: large, pinned_version: '2025.*'}"),
    case("secret-suspected", (MAIN, 2), MAIN, main=f'{{{{question}}}}\npassword = "{PASSWORD}"'),
    case("variable-unused", (HERE, 4), "tone", prompt=declaring("question", "tone")),
    case("retrieval-unused", (HERE, 5), "context", "retrieval: {index: indexes/kb@v1}"),
    case("retrieval-missing", (HERE, None), "passages", main="{{question}} {{passages}}"),
    case("tool-unknown", (HERE, 4), "'search'", prompt="prompt: {template: prompts/main.md, tools: [search]}"),
    case("tool-unused", (HERE, 5), "look", "tools: [tools/look@v1]", prompt="prompt: {template: prompts/main.md, tools: []}"),
    case("text-has-variables", ("m.txt", 2), "{{…}}", prompt="prompt: m.txt", add={"m.txt": "a\n{{b}}"}),
    case("text-has-variables", (HERE, 4), "{{…}}", prompt="prompt: {text: '{{b}}', format: text}"),
    case("invisible-character", (MAIN, 2), "U+200B", main="{{question}}\na\u200bb"),
    case("invisible-character", (MAIN, 1), "U+202E", main="{{question}}\u202e"),
    case("lookalike-character", (MAIN, 2), "'p\u0430yment'", main="{{question}}\nthe p\u0430yment"),
    case("file-unused", ("notes.md", None), "notes.md", add={"notes.md": "a"}),
    case("rollback-unresolved", (HERE, 5), "2025-03-07", "rollback_to: 2025-03-07"),
    case("rollback-not-served", (HERE, 5), "serves v2", "rollback_to: v1", world=World(releases={"v1": 1, "v2": 2}, serving=2)),
    case("bundle-renamed", (HERE, None), "called helpdesk now", world=World(renamed={"support": "helpdesk"})),
    case("index-unpinned", (HERE, 5), "default", "retrieval: {variable: question, index: {uri: x, embedding_model: e}}"),
    case("include-unresolved", ("m.j2", 2), "run time", prompt="prompt: m.j2", add={"m.j2": "{{name}}\n{% include name %}"}),
]  # fmt: skip


@pytest.mark.parametrize("one", CASES, ids=[f"{one.code} {at}" for at, one in enumerate(CASES)])
def test_a_finding_stands_where_it_belongs_and_alone(one: Case) -> None:
    result = assemble(one.files, one.world)
    assert {(f.code, (f.file, f.line)) for f in result.findings} == {(one.code, one.at)}
    assert len(result.findings) == 1
    assert one.said in result.findings[0].message
    assert result.findings[0].hint.strip()


def test_every_rule_has_a_case() -> None:
    assert {one.code for one in CASES} == set(RULES) - {"more-findings"}  # see test_limits.py


@pytest.mark.parametrize("code", RULES)
def test_an_error_refuses_and_a_warning_does_not(code: str) -> None:
    rule = RULES[code]
    for one in (one for one in CASES if one.code == code):
        result = assemble(one.files, one.world)
        found = [f for f in result.findings if f.code == code]
        assert {(f.severity, f.judgement) for f in found} == {(rule.severity, rule.judgement)}
        refused = [f for f in refusing(result.findings) if f.code == code]
        assert refused == (found if rule.severity is Severity.ERROR else [])
        if rule.severity is Severity.WARNING or rule.judgement:  # what may be overridden has something to publish
            assert result.sealed is not None


@pytest.mark.parametrize("allowed", [[], ["secret"], ["model-unpinned"], ["model-floating"], list(RULES)])
def test_of_what_was_allowed_only_judgements_pass(allowed: list[str]) -> None:
    errors = {code for code, rule in RULES.items() if rule.severity is Severity.ERROR}
    refused = {f.code for f in refusing([Finding(code, "m", "h") for code in RULES], allowed)}
    assert refused == errors - ({"secret", "model-unpinned", "model-floating"} & set(allowed))


SOUND = files(
    RETRIEVAL,
    "models: {small: models/small@v1}",
    "tools: [tools/look@v1, tools/find.json]",
    "guardrails: [guardrails/pii@v1]",
    "configs: {limits: configs/limits.json, steps: 12}",
    "rollback_to: v1",
    "metadata: {ticket: ML-812}",
    "x-owner: team",
    prompt="prompt: {template: prompts/main.md, tools: [look, find], model: small, guardrails: guardrails/pii@v1}",
    main="{{> prompts/house@v1}} Answer {{question}}, it is 20\u202f°C 👩\u200d💻.",
) | {"tools/find.json": json.dumps(TOOL | {"name": "find"}), "configs/limits.json": '{"steps": 12}'}


def test_a_sound_release_has_no_findings() -> None:
    result = assemble(SOUND, World(WORLD.components, {"v1": 1}, serving=1))
    assert result.findings == []
    assert result.sealed is not None
    assert result.rollback_to == 1


def test_all_problems_of_a_manifest_are_told_at_once() -> None:
    given = files("retreival: {}", "version: 7", "tools: [gone.json]", "rollback_to: staging", model="model: {name: 5}")
    given |= {"notes.md": "p\u0430y", MAIN: f"{{{{#if}}}}\n{KEYS['OpenAI']}"}
    told = {(f.code, f.file, f.line) for f in assemble(given).findings}
    assert told == {
        ("wrong-type", HERE, 3),
        ("model-unpinned", HERE, 3),
        ("unknown-key", HERE, 5),
        ("wrong-type", HERE, 6),
        ("file-missing", HERE, 7),
        ("reference-syntax", HERE, 8),
        ("lookalike-character", "notes.md", 1),
        ("template-syntax", MAIN, 1),
        ("secret", MAIN, 2),
    }


def test_a_release_for_another_bundle_is_refused_on_request() -> None:
    result = assemble_release(files(), WORLD.around, bundle="billing")
    assert [(f.code, f.file) for f in refusing(result.findings)] == [("bad-value", HERE)]
    assert "support" in result.findings[0].message.partition("billing")[0]


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    ("place", "file"),
    [
        (lambda key: files(main=key), MAIN),
        (lambda key: files() | {"notes.md": f"token: {key}"}, "notes.md"),
        (lambda key: files(f"metadata: {{note: {json.dumps(key)}}}"), HERE),
        (lambda key: files("configs: {a: a.json}") | {"a.json": json.dumps({"key": key})}, "a.json"),
    ],
    ids=["template", "unused file", "manifest", "config"],
)
def test_a_secret_is_found_and_never_repeated(kind: str, place: Any, file: str) -> None:
    result = assemble(place(KEYS[kind]))
    assert ("secret", file) in [(f.code, f.file) for f in result.findings]
    said = "".join(f.message + f.hint for f in result.findings)
    body = KEYS[kind].splitlines()[-1]
    assert not any(body[at : at + 12] in said for at in range(len(body) - 11))
    assert refusing(result.findings, ["secret"]) == []


def test_a_suspected_password_is_not_repeated() -> None:
    [found] = assemble(files(main=f'password = "{PASSWORD}"')).findings
    assert found.code == "secret-suspected"
    assert PASSWORD[-8:] not in found.message + found.hint


def _variables(result: Assembled) -> list[str]:
    assert result.content is not None, result.findings
    return sorted(result.content["prompts"]["default"]["inputs"]["properties"])


def test_a_jinja_include_inside_the_release_brings_its_variables() -> None:
    jinja = {
        "prompts/main.j2": "{{a}}{% include 'part.j2' %}{% include 'shared/top.j2' %}",
        "prompts/part.j2": "{{b}}{% include 'deep.j2' %}",
        "prompts/deep.j2": "{% set own = 1 %}{{c}}{{own}}",
        "shared/top.j2": "{{d}}",
    }
    result = assemble(files(prompt="prompt: prompts/main.j2") | jinja)
    assert result.findings == []
    assert _variables(result) == ["a", "b", "c", "d"]


def test_a_variable_of_a_jinja_include_must_be_declared() -> None:
    result = assemble(
        files(prompt=declaring("a", file="m.j2")) | {"m.j2": "{{a}}{% include 'n.j2' %}", "n.j2": "one\n{{b}}"}
    )
    assert [(f.code, f.file, f.line) for f in result.findings] == [("variable-undeclared", "n.j2", 2)]


def test_includes_through_shared_components_are_pinned_and_filled_in() -> None:
    result = assemble(files(main="{{question}} {{> prompts/house@v1}}"))
    assert result.findings == []
    assert result.content is not None
    assert result.content["prompts"]["default"]["template"] == "{{question}} In this house: Be kind."
    pins = {key: pin["version"] for key, pin in result.content["components"].items()}
    assert pins == {"prompts/house": 1, "prompts/tone": 1}


def test_braces_that_a_shared_text_brings_in_are_variables_of_the_template() -> None:
    result = assemble(files(main="{{question}} {{> prompts/asking@v1}}"))
    assert result.findings == []
    assert _variables(result) == ["question", "weather"]


def test_a_section_that_a_shared_text_brings_in_is_refused() -> None:
    result = assemble(files(main="{{> prompts/looped@v1}}"))
    assert {f.code for f in refusing(result.findings)} == {"template-syntax"}
    assert [f.message.partition(": ")[2] for f in result.findings] == [
        "'{{#each}}': sections are not taken",
        "'{{/each}}': sections are not taken",
    ]


def test_a_shared_text_with_braces_is_text_where_a_text_includes_it() -> None:
    result = assemble(files(prompt="prompt: m.txt") | {"m.txt": "{{> prompts/looped@v1}}"})
    assert result.findings == []
    assert _variables(result) == []


BAD_COMPONENTS = [
    ("prompts/a", {"a.md": "x\n{{#if}}"}, "template-syntax", ("a.md", 2)),
    ("prompts/a", {"a.md": "x\n{{> prompts/gone@v1}}"}, "reference-unresolved", ("a.md", 2)),
    ("prompts/a", {"a.md": f"x\n{KEYS['GitHub']}"}, "secret", ("a.md", 2)),
    ("prompts/a", {"a.md": "x", "b.md": "y"}, "file-missing", ("component.yaml", None)),
    ("prompts/a", {"component.yaml": "text: a", "b.md": "b"}, "file-unused", ("b.md", None)),
    ("models/a", {"a.yaml": "name: large"}, "model-unpinned", ("a.yaml", 1)),
    ("models/a", {"a.yaml": "name: large-latest"}, "model-floating", ("a.yaml", 1)),
    ("indexes/a", {"a.yaml": "uri: x\ndigest: y"}, "missing-key", ("a.yaml", 1)),
    ("guardrails/a", {"a.yaml": "kind: x\nguards: none"}, "bad-value", ("a.yaml", 2)),
    ("tools/a", {"a.json": json.dumps([TOOL, TOOL | {"name": "b"}])}, "tool-invalid", ("a.json", 1)),
    ("tools/a", {"a.json": "{"}, "json-syntax", ("a.json", 1)),
    ("configs/a", {"../a.json": "{}"}, "file-path", ("../a.json", None)),
]


@pytest.mark.parametrize(
    ("key", "given", "code", "at"), BAD_COMPONENTS, ids=[f"{k} {c}" for k, _, c, _ in BAD_COMPONENTS]
)
def test_a_shared_component_is_checked_alike(key: str, given: dict[str, str], code: str, at: At) -> None:
    kind, _, name = key.partition("/")
    result = assemble_component(kind, name, given, WORLD.around)
    assert [(f.code, (f.file, f.line)) for f in result.findings] == [(code, at)]
    assert result.findings[0].hint
    assert bool(refusing(result.findings)) is (RULES[code].severity is Severity.ERROR)
