"""Slips that are easy to make in a manifest, each said where it is made, and spellings that mean the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.assembly import Assembled, Found, Surroundings, assemble_component, assemble_release
from pinset.domain.findings import refusing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.references import ComponentReference

HERE = "release.yaml"
MODEL = 'model: {name: large, pinned_version: "2025-02-01"}'


class Shared:
    """Shared components in version 1."""

    def __init__(self) -> None:
        self._known: dict[str, Found] = {}
        self.around = Surroundings(component=self._find, version=lambda *_: 3, serving=lambda _: 3)

    def publish(self, key: str, files: Mapping[str, str]) -> Assembled:
        kind, _, name = key.partition("/")
        result = assemble_component(kind, name, files, self.around)
        if result.sealed is not None:
            self._known[f"{key}@v1"] = Found(version=1, digest=result.sealed.digest, sealed=result.sealed)
        return result

    def _find(self, reference: ComponentReference) -> Found | None:
        return self._known.get(str(reference))


@pytest.fixture
def shared() -> Shared:
    return Shared()


def lines(*more: str, model: str = MODEL) -> dict[str, str]:
    """A manifest: the model stands on line 3, the lines given from line 4."""
    return {HERE: "\n  ".join(("release:", "feature: support", model, *more)) + "\n"}


def assemble(files: Mapping[str, str], stock: Shared | None = None) -> Assembled:
    return assemble_release(files, (stock or Shared()).around)


def content(files: Mapping[str, str], stock: Shared | None = None) -> dict[str, Any]:
    result = assemble(files, stock)
    assert result.content is not None, result.findings
    assert refusing(result.findings) == []
    return result.content


def told(files: Mapping[str, str], stock: Shared | None = None) -> list[tuple[str, int | None, str]]:
    return [(f.code, f.line, f.message) for f in assemble(files, stock).findings]


# -- shared prompts --------------------------------------------------------------------------------------------


def test_a_shared_prompt_names_what_the_release_that_uses_it_has(shared: Shared) -> None:
    text = "text: hello\nmodel: small\ntools: [look]\nguardrails: pii\n"
    result = shared.publish("prompts/tone", {"component.yaml": text})
    assert [f.code for f in result.findings] == []
    found = told(lines("prompt: tone@v1"), shared)
    assert [(code, line) for code, line, _ in found] == [
        ("reference-unresolved", 4),
        ("tool-unknown", 4),
        ("reference-unresolved", 4),
    ]
    assert [word for word, (*_, said) in zip(("small", "look", "pii"), found, strict=True) if word in said]
    whole = lines(
        "prompt: tone@v1",
        "guardrails: {pii: {kind: redact}}",
        "tools: [{name: look, parameters: {type: object}}]",
        'models: {small: {name: small, pinned_version: "2025-02-01"}}',
    )
    assert content(whole, shared)["prompts"]["default"]["guardrails"] == ["pii"]


@pytest.mark.parametrize("guardrails", ["guardrails/pii@v1", "[pii@v1]"])
def test_a_shared_prompt_pins_no_guardrail(shared: Shared, guardrails: str) -> None:
    result = shared.publish("prompts/tone", {"component.yaml": f"text: hello\nguardrails: {guardrails}\n"})
    [found] = result.findings
    assert (found.code, found.line) == ("bad-value", 2)
    assert "without @" in found.hint


@pytest.mark.parametrize("written", ["prompts/tone@v1", "tone@v1"])
@pytest.mark.parametrize("where", ["file", "inline"])
def test_an_include_may_leave_out_the_kind(shared: Shared, written: str, where: str) -> None:
    shared.publish("prompts/tone", {"t.md": "Be kind, {{name}}."})
    text = f"Hello. {{{{> {written}}}}}"
    files = lines("prompt: p.md") | {"p.md": text} if where == "file" else lines(f'prompt: {{text: "{text}"}}')
    prompt = content(files, shared)["prompts"]["default"]
    assert prompt["template"] == "Hello. Be kind, {{name}}."
    assert prompt["inputs"]["required"] == ["name"]


@pytest.mark.parametrize("where", ["file", "inline"])
def test_messages_cannot_be_included_as_text(shared: Shared, where: str) -> None:
    shared.publish("prompts/chat", {"component.yaml": "messages: [{role: user, text: hello}]"})
    text = "Hello. {{> prompts/chat@v1}}"
    files = lines("prompt: p.md") | {"p.md": text} if where == "file" else lines(f'prompt: {{text: "{text}"}}')
    [(code, line, message)] = told(files, shared)
    assert (code, line) == ("bad-value", 1 if where == "file" else 4)
    assert message == "prompts/chat@v1 cannot be included: it is no single mustache or text template"


def test_inputs_given_beside_a_shared_prompt_are_checked_against_its_template(shared: Shared) -> None:
    shared.publish("prompts/tone", {"t.md": "Be kind, {{name}}."})
    given = "prompt: {template_ref: tone@v1, inputs: {type: object, properties: {nam: {}}}}"
    assert [code for code, *_ in told(lines(given), shared)] == ["variable-undeclared", "variable-unused"]
    correct = content(lines(given.replace("nam:", "name:")), shared)["prompts"]["default"]
    assert "inputs_inferred" not in correct


def test_a_format_beside_a_shared_prompt_is_refused(shared: Shared) -> None:
    shared.publish("prompts/tone", {"t.md": "Be kind."})
    [found] = told(lines("prompt: {template_ref: tone@v1, format: text}"), shared)
    assert found == ("bad-value", 4, "format is given, and the shared prompt has one of its own")


# -- Jinja -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"a.j2": "{% include 'a.j2' %}"}, "a.j2 → a.j2"),
        ({"a.j2": "{% include 'b.j2' %}", "b.j2": "{% include 'c.j2' %}", "c.j2": "{% include 'b.j2' %}"},
         "b.j2 → c.j2 → b.j2"),
    ],
)  # fmt: skip
def test_a_circle_of_includes_is_refused(files: dict[str, str], circle: str) -> None:
    [found] = assemble(lines("prompt: a.j2") | files).findings
    assert (found.code, found.file, found.message) == (
        "template-syntax",
        "a.j2",
        f"the template includes itself: {circle}",
    )


def test_one_name_for_two_files_in_one_prompt_is_refused() -> None:
    messages = "prompt: {messages: [{role: system, template: a/s.j2}, {role: user, template: b/u.j2}]}"
    files = {
        "a/s.j2": "{% include 'x.j2' %}", "b/u.j2": "{% include 'x.j2' %}", "a/x.j2": "one", "b/x.j2": "two",
    }  # fmt: skip
    [found] = [f for f in assemble(lines(messages) | files).findings if f.code != "file-unused"]
    assert (found.code, found.file) == ("template-syntax", "b/u.j2")
    assert "a/x.j2" in found.message
    assert "b/x.j2" in found.message
    same = files | {"b/u.j2": "{% include 'a/x.j2' %}", "a/s.j2": "{% include 'a/x.j2' %}"}
    del same["b/x.j2"]
    assert content(lines(messages) | same)["prompts"]["default"]["partials"] == {"a/x.j2": "one"}


# -- guardrails ------------------------------------------------------------------------------------------------


def test_a_guardrail_that_is_defined_nowhere_is_said() -> None:
    [(code, line, message)] = told(lines("prompt: {text: a}", "guardrails: [pii]"))
    assert (code, line) == ("reference-syntax", 5)
    assert message == "there is no guardrail 'pii': this is where they are defined"


def test_a_guardrail_of_a_single_prompt_is_told_on_its_own_line() -> None:
    files = lines("prompt:", "  text: a", "  guardrails: guardrails/pii@v1")
    assert [(code, line) for code, line, _ in told(files)] == [("reference-unresolved", 6)]


# -- slips -----------------------------------------------------------------------------------------------------

HINTS = {
    "version: 1.10": 'put it in quotes, as you wrote it: version: "…"',
    "version: true": 'put it in quotes: version: "true"',
    "version: 7": 'put it in quotes: version: "7"',
    "version: [a]": "write version: text",
    "tools: [prompts/tone@v1]": "name it under prompts, or name one of tools here: tools/NAME@v1",
    "prompt: {messages: [{role: user, text: a, template: b.md}]}":
        "give exactly one of template, text, placeholder, examples",
    "prompt: {messages: []}": "add one: - {role: system, text: …}",
    "prompt: {messages: [{role: wizard, text: a}]}": "one of system, developer, user, assistant, tool",
    "prompt: {messages: [{text: a}]}": "add role: system, user or assistant",
    "retrieval: {index: kb@v1, score_threshold: high}": "write score_threshold: 6",
    "retrieval: {index: kb@v1, reranker: [a]}": "write text or a mapping",
    "retrieval: {index: kb@v1, filters: a}": "write a mapping or a list",
    "retrieval: {index: {uri: a, digest: b, embedding_model: c, documents: many}}": "write documents: 6",
    "retrieval: {index: {uri: a, digest: b, embedding_model: c, counts: {documents: -1}}}": "write documents: 6",
    "retrieval: {index: {uri: a, digest: b, embedding_model: c, built_at: 2025}}":
        'put it in quotes: built_at: "2025"',
    "guardrails: {g: {kind: a, description: 5}}": 'put it in quotes: description: "5"',
}  # fmt: skip


@pytest.mark.parametrize("line", HINTS)
def test_a_slip_is_told_with_its_way_out_on_its_line(line: str) -> None:
    found = [f for f in assemble(lines(line)).findings if f.code != "reference-unresolved"]
    assert [(f.hint, f.line) for f in found] == [(HINTS[line], 4)]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("pined_version", "pinned_version"), ("temprature", "temperature"), ("max_token", "max_tokens")],
)
def test_a_misspelt_key_of_a_model_is_no_parameter(slip: str, meant: str) -> None:
    model = json.dumps({"name": "large", "pinned_version": "2025-02-01", slip: 1})
    [found] = assemble(lines("prompt: {text: a}", model=f"model: {model}")).findings
    assert (found.code, found.line) == ("unknown-key", 3)
    assert found.hint == f"did you mean {meant}? If not, write it under params:"


def test_parameters_may_stand_under_params() -> None:
    plain = content(lines(model=MODEL.replace("}", ", temperature: 0, logit_bias: {a: 1}}")))
    under = content(lines(model=MODEL.replace("}", ", params: {temperature: 0, logit_bias: {a: 1}}}")))
    assert plain == under
    odd = content(lines(model=MODEL.replace("}", ", params: {temprature: 0}}")))
    assert odd["models"]["default"]["params"] == {"temprature": 0}


@pytest.mark.parametrize("key", ["prompt", "prompts", "model", "models", "tools", "configs", "guardrails", "retrieval"])
def test_nothing_under_a_key_is_told_or_means_none(key: str) -> None:
    found = assemble({HERE: f"release:\n  feature: support\n  metadata: {{a: b}}\n  configs: {{c: 1}}\n  {key}:\n"})
    codes = {f.code for f in found.findings}
    assert codes <= {"wrong-type", "bad-value", "doubled-name", "missing-key", "yaml-syntax"}
    assert codes or key in ("prompts", "models", "tools")


def test_what_an_author_notes_at_a_prompt_stays() -> None:
    result = assemble(lines("prompt: {text: a, x-note: mine}"))
    assert result.sealed is not None
    assert json.loads(result.sealed.manifest)["parts"]["prompts"]["default"]["x-note"] == "mine"
    assert "x-note" not in content(lines("prompt: {text: a, x-note: mine}"))["prompts"]["default"]


def test_a_message_may_name_who_speaks() -> None:
    prompt = content(lines("prompt: {messages: [{role: user, name: ann, text: a}]}"))["prompts"]["default"]
    assert prompt["messages"] == [{"role": "user", "name": "ann", "template": "a"}]


def test_text_that_looks_like_a_template_is_told_on_its_line() -> None:
    [found] = assemble(lines("prompt: p.txt") | {"p.txt": "one\ntwo {{three}}\n"}).findings
    assert (found.code, found.file, found.line) == ("text-has-variables", "p.txt", 2)


def test_a_pin_that_is_a_number_is_told_once() -> None:
    [found] = assemble(lines("prompt: {text: a}", model="model: {name: large, pinned_version: 20250201}")).findings
    assert (found.code, found.line) == ("wrong-type", 3)


def test_a_secret_is_not_repeated_by_other_findings() -> None:
    secret = "sk-" + "proj-9fK2mQ7xLw3Zt8Rb5Vn1Hd6Js4Pc0Ya"
    files = lines(f"rollback_to: {secret}", f"tools: [{secret}]", f"prompt: {{text: a, model: {secret}}}")
    found = assemble(files).findings
    assert "secret" in {f.code for f in found}
    assert len(found) > 2
    assert not [f for f in found if secret[8:] in f.message + f.hint]
