"""A release's content changed in its author's files: what is the same stays as it is written."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.exchange import authoring, double_braces, rewriting
from pinset.errors import InvalidInput
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.services.local import LocalRegistry

ANA = Caller(actor="ana")
WRITTEN = """\
release:
  bundle: edited          # who reads it
  models:
    default: {name: gpt-4o-2024-08-06, temperature: 0.2}
  prompts:
    default:
      messages:
        # the tone
        - {role: system, template: prompts/tone.md}
        - {examples: [{input: a, output: b}, {input: c, output: d}]}
        - {role: user, text: "{{question}}"}
    short: {template: prompts/tone.md}
    long: prompts/long.md
  retrieval:
    index: {uri: "s3://kb", embedding_model: e, digest: "sha256:00ff00ff"}   # not moved
    top_k: 3
  guardrails: {pii: {kind: regex, config: {redact: [email]}}}
  configs: {limits: {steps: 3}, words: notes.txt}
  metadata: {ticket: ML-1}
"""
FILES = {
    "release.yaml": WRITTEN,
    "prompts/tone.md": "Be kind.\n",
    "prompts/long.md": "A long text with {{question}}.\n",
    "notes.txt": "words",
}


@pytest.fixture
def edit(memory: LocalRegistry) -> Callable[..., dict[str, str]]:
    """Makes a change of the content, proves that publishing the files gives it, and gives the files that differ."""

    def made(change: Callable[[dict[str, Any]], Any], files: dict[str, str] = FILES) -> dict[str, str]:
        before = memory.release(memory.publish(ANA, files)["ref"])["content"]
        after = deepcopy(before)
        change(after)
        found = rewriting.changed(files, before, after)
        told = memory.check(found)["content"]
        assert told is not None
        assert {key: told[key] for key in told if key != "components"} == {
            key: after[key] for key in after if key != "components"
        }
        return {path: text for path, text in found.items() if files.get(path) != text}

    return made


def test_what_is_the_same_changes_nothing(edit: Callable[..., dict[str, str]]) -> None:
    assert edit(lambda _: None) == {}


def test_a_text_is_changed_where_it_stands(edit: Callable[..., dict[str, str]]) -> None:
    def question(content: dict[str, Any]) -> None:
        content["prompts"]["default"]["messages"][2]["template"] = "Now: {{question}}"

    found = edit(question)
    assert found == {"release.yaml": WRITTEN.replace('text: "{{question}}"', 'text: "Now: {{question}}"')}

    def long(content: dict[str, Any]) -> None:
        content["prompts"]["long"]["template"] = "Longer, {{question}}.\n"

    assert edit(long) == {"prompts/long.md": "Longer, {{question}}.\n"}


def test_a_file_of_two_prompts_is_not_changed_for_one(edit: Callable[..., dict[str, str]]) -> None:
    def tone(content: dict[str, Any]) -> None:
        content["prompts"]["default"]["messages"][0]["template"] = "Be brief.\nAlways.\n"

    found = edit(tone)
    assert found["prompts/default-system.md"] == "Be brief.\nAlways.\n"
    assert "prompts/tone.md" not in found
    assert "# the tone" in found["release.yaml"]


def test_messages_come_and_go(edit: Callable[..., dict[str, str]]) -> None:
    def more(content: dict[str, Any]) -> None:
        content["prompts"]["default"]["messages"].insert(1, {"placeholder": "history"})

    text = edit(more)["release.yaml"]
    assert '{"role": "system", "template": "prompts/tone.md"}, {"placeholder": "history"}' in text
    assert '{"input": "c", "output": "d"}' in text


def test_values_are_set_added_and_taken_out(edit: Callable[..., dict[str, str]]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["models"]["default"]["params"] = {"temperature": 0.9, "top_p": 0.5}
        content["retrieval"]["default"]["top_k"] = 9
        content["guardrails"]["new"] = {"kind": "length", "guards": "both", "config": {}}
        content["configs"]["limits"] = {"steps": 4, "more": [1]}
        content["metadata"] = {"owner": "ana"}
        content["tools"] = {"look": {"name": "look", "description": "", "parameters": {"type": "object"}}}
        del content["configs"]["words"]
        del content["prompts"]["short"]

    text = edit(change)["release.yaml"]
    assert "default: {name: gpt-4o-2024-08-06, temperature: 0.9, top_p: 0.5}" in text
    assert "# not moved" in text
    assert "# who reads it" in text


def test_what_was_not_there_is_added(edit: Callable[..., dict[str, str]]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["models"]["default"] = {
            "id": "m-1",
            "name": "m",
            "provider": "p",
            "pinned_version": "1",
            "params": {"tempature": 1},
        }
        content["retrieval"]["default"] = {"index": {"uri": "s3://x", "embedding_model": "e"}, "top_k": 1}
        content["guardrails"]["pii"] = {"kind": "regex", "guards": "both", "config": {}}
        content["metadata"]["tags"] = ["a"]

    files = {"release.json": '{"release": {"bundle": "small", "prompt": {"text": "x"}}}'}
    found = edit(change, files)
    assert found["release.json"].startswith('{"release": {"bundle": "small", "prompt": {"text": "x"}')


def test_what_cannot_be_edited_is_refused() -> None:
    base = {"guardrails": {"regex": {"kind": "regex"}}}
    listed = {"release.yaml": "release: {bundle: x, guardrails: [{kind: regex}]}\n"}
    with pytest.raises(InvalidInput, match="guardrails that are a list"):
        rewriting.changed(listed, base, {"guardrails": {"regex": {"kind": "other"}}})
    with pytest.raises(InvalidInput, match="no one manifest"):
        rewriting.changed({}, {}, {})
    many = {f"k{number}": number for number in range(300)}
    with pytest.raises(InvalidInput, match="too many"):
        rewriting.changed(
            {"release.yaml": f"release: {{bundle: x, metadata: {many}}}\n".replace("'", "")},
            {"metadata": many},
            {"metadata": {key: value + 1 for key, value in many.items()}},
        )


def test_parts_that_were_shared_are_said_to_be_by_value() -> None:
    content = {
        "prompts": {"default": {"format": "mustache", "template": "x", "component": {"name": "tone", "version": 1}}},
        "retrieval": {"default": {"index": {"uri": "u", "embedding_model": "e", "version": 2, "component": {}}}},
        "guardrails": {"pii": {"kind": "k", "name": "pii", "version": 3, "digest": "sha256:0"}},
    }
    files, lost = authoring.files_of(content)
    assert {one.what for one in lost} == {"prompts.default", "retrieval.default.index", "guardrails.pii"}
    assert "version" not in files["release.yaml"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{a}{b}", "{{a}}{{b}}"),
        ("{{}} {a}", "{} {{a}}"),
        ('{{"x": {a}}}', '{"x": {{a}}}'),
        ("{{{{a}}}}", None),
        ("{{{a}", None),
        ("{a}}}", "{{a}}}"),
    ],
)
def test_f_strings_are_doubled_where_that_says_the_same(text: str, found: str | None) -> None:
    braced = double_braces.told("f-string", text)
    assert braced == ((found, "mustache", "") if found is not None else (text, "f-string", braced.differs))
    assert bool(braced.differs) == (found is None)


def test_the_format_of_what_comes_back() -> None:
    assert double_braces.style_of(["{{a}}", "plain"]) == "mustache"
    assert double_braces.style_of(["{{a}}", "{% if a %}x{% endif %}"]) == "jinja2"
    assert double_braces.style_of(["{{a b}}"]) == "text"
    assert double_braces.style_of(["{% if broken"]) == "text"
    assert double_braces.style_of(["{{ a }}"], "jinja2") == "jinja2"
    assert double_braces.style_of(["{% if broken"], "jinja2") == "text"
    assert double_braces.style_of(["{{> x@v1}}"]) == "text"
