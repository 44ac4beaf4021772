"""What is told to Langfuse's clients and comes back: the same release here, and as far as it can be elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinset import bootstrap
from pinset.domain.exchange import langfuse, langfuse_taking, own, rewriting
from pinset.domain.manifest.edits import author_files
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.services.local import LocalRegistry

ANA = Caller(actor="ana")
COMPONENTS = {
    ("prompts", "tone"): {"tone.md": "Be kind to {{who}}.\n"},
    ("guardrails", "pii"): {"pii.yaml": "kind: pii\nconfig: {a: [1]}\n"},
    ("indexes", "kb"): {"kb.yaml": "uri: s3://kb\nembedding_model: e\ndigest: 'sha256:00ff00ff'\n"},
    ("models", "small"): {"m.yaml": "name: m\npinned_version: '1'\ntemperature: 0\n"},
    ("tools", "search"): {
        "t.yaml": "name: search_web\ninputSchema: {type: object}\nannotations: {readOnlyHint: true}\n"
    },
}
PARAMS = "{metadata: {a: 1}, release: 3, tools: 4, response_format: {type: json_object}, model: zz, configs: 1}"
RELEASES: dict[str, dict[str, str]] = {
    "jinja": {
        "release.yaml": "prompt: p.j2",
        "p.j2": "{% include 'q.j2' %}{% for a in b %}{{ a }}{% endfor %}",
        "q.j2": "{{ x }}",
    },
    "plain-jinja": {"release.yaml": "prompt: p.j2", "p.j2": "{{ a }} {{b}}"},
    "f-string": {"release.yaml": "prompt: {text: 'a {b} {{c}}', format: f-string}"},
    "other-f-string": {"release.yaml": "prompt: {text: '{{{b}}}', format: f-string}"},
    "text": {"release.yaml": "prompt: p.txt", "p.txt": "literal {{x}} {{> tone@v1}}"},
    "shared": {
        "release.yaml": "model: models/small@v1\n  prompt: {template_ref: tone@v1, guardrails: [guardrails/pii@v1], output: {type: object}}\n"
        "  retrieval: {index: kb@v1, top_k: 2}\n  tools: [search@v1, {name: n, strict: true, cache_control: {type: e}}]"
    },
    "including": {
        "release.yaml": "prompt: {text: '{{> tone@v1}} {{q}}', inputs: {type: object, properties: {who: {}, q: {}}}}"
    },
    "hiding": {
        "release.yaml": f"model: {{name: m, id: m-2, pinned_version: '1', params: {PARAMS}}}\n"
        "  prompt: {messages: [{role: system, name: bob, text: hi}, {role: user, text: '{{q}}'}], output: {type: object}}\n"
        "  metadata: {tags: [a, b], x: 1}\n  configs: {langfuse: {k: 1}, note: n.txt}",
        "n.txt": "text",
    },
    "without-a-prompt": {"release.yaml": "model: {name: m, pinned_version: '1'}"},
    "many": {"release.yaml": "prompts: {a: {text: x}, b: {text: y, tools: [t]}}\n  tools: [{name: t}, {name: u}]"},
    "odd-tags": {"release.yaml": "prompt: {text: x}\n  metadata: {tags: {a: 1}}"},
}
CHANGED = {"f-string": {"prompts"}, "shared": {"prompts", "models", "retrieval", "tools", "guardrails"}}
"""What is not the same elsewhere: f-strings became mustache, and what was shared is by value."""


@pytest.fixture(scope="module")
def there() -> Iterator[LocalRegistry]:
    registry = bootstrap.memory_registry()
    for (kind, name), files in COMPONENTS.items():
        registry.publish_component(ANA, kind, name, files)
    for name, files in RELEASES.items():
        registry.publish(ANA, files | {"release.yaml": f"release:\n  bundle: {name}\n  {files['release.yaml']}\n"})
    yield registry
    registry.close()


def told(there: LocalRegistry, name: str) -> tuple[Any, dict[str, Any]]:
    document = there.release(f"{name}@v1")
    return document, json.loads(json.dumps(langfuse.tell(document, name)))


@pytest.mark.parametrize("name", RELEASES)
def test_what_comes_back_unchanged_changes_nothing(there: LocalRegistry, name: str) -> None:
    document, payload = told(there, name)
    files = author_files(there.sealed(f"{name}@v1")["files"])
    content, said = langfuse_taking.content_of(payload, document)
    assert said.lost == []
    assert rewriting.changed(files, document["content"], content) == files


@pytest.mark.parametrize("name", RELEASES)
def test_another_text_is_a_release_with_all_the_rest(there: LocalRegistry, name: str) -> None:
    document, payload = told(there, name)
    files = author_files(there.sealed(f"{name}@v1")["files"])
    content, _ = langfuse_taking.content_of({**payload, "prompt": "now {{q}}", "config": {}}, document)
    checked = there.check(rewriting.changed(files, document["content"], content))
    assert checked["ok"], checked["findings"]
    assert checked["content"] is not None
    for kind in ("models", "retrieval", "tools", "guardrails", "configs", "metadata"):
        assert checked["content"][kind] == document["content"][kind]


def test_elsewhere_it_is_the_same_but_for_what_is_told(there: LocalRegistry) -> None:
    here = bootstrap.memory_registry()
    for name in RELEASES:
        document, payload = told(there, name)
        taken = langfuse_taking.take(payload)
        here.publish(ANA, own.of_bundle(taken.files, name))
        content = here.release(f"{name}@v1")["content"]
        differs = {kind for kind in content if kind != "components" and content[kind] != document["content"][kind]}
        assert differs == CHANGED.get(name, set()), name
        assert bool(taken.lost) == (name == "shared"), (name, taken.lost)
    here.close()
