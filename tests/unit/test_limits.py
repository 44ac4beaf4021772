"""What is refused because it would cost too much, however small it is to send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pinset.domain.assembly import Assembled, Surroundings, assemble_release
from pinset.domain.document import TEXT_LIMIT, content_of
from pinset.domain.findings import TOLD_AT_ONCE, Finding, as_answers
from pinset.domain.manifest.reader import PARTS_LIMIT
from pinset.domain.sealed import Sealed, canonical, listing
from pinset.domain.text import json_schemas, templates
from pinset.errors import Integrity

HERE = "release.json"
NOTHING = Surroundings(component=lambda _: None, version=lambda *_: None, serving=lambda _: None)


def assemble(release: dict[str, Any], files: dict[str, str] | None = None) -> Assembled:
    whole = {"feature": "support", **release}
    return assemble_release({HERE: json.dumps({"release": whole}), **(files or {})}, NOTHING)


def codes(release: dict[str, Any], files: dict[str, str] | None = None) -> list[str]:
    return [f.code for f in assemble(release, files).findings]


MANY: dict[str, Any] = {
    "prompts": lambda n: {"prompts": {f"p{at}": {"text": "a"} for at in range(n)}},
    "tools": lambda n: {"tools": [{"name": f"t{at}"} for at in range(n)]},
    "guardrails": lambda n: {"guardrails": [{"kind": f"k{at}"} for at in range(n)]},
    "configs": lambda n: {"configs": {f"c{at}": 1 for at in range(n)}},
    "messages": lambda n: {"prompt": {"messages": [{"role": "user", "text": "a"}] * n}},
}


@pytest.mark.parametrize("kind", MANY)
def test_a_release_has_a_limit_of_parts(kind: str) -> None:
    assert codes(MANY[kind](PARTS_LIMIT)) == []
    assert "too-large" in codes(MANY[kind](PARTS_LIMIT + 1))


def test_a_file_of_tools_has_the_same_limit() -> None:
    tools = json.dumps([{"name": f"t{at}"} for at in range(PARTS_LIMIT + 1)])
    assert codes({"tools": ["t.json"]}, {"t.json": tools}) == ["too-large"]


@pytest.mark.parametrize("kind", ["prompts", "configs"])
def test_a_text_counts_as_often_as_it_is_named(kind: str) -> None:
    size = 1024 * 1024
    files = {"p.md": "a" * size}
    most = TEXT_LIMIT // size
    assert codes({kind: dict.fromkeys((f"p{at}" for at in range(most)), "p.md")}, files) == []
    assert codes({kind: dict.fromkeys((f"p{at}" for at in range(most + 1)), "p.md")}, files) == ["too-large"]


def test_who_is_handed_a_sealed_form_that_includes_too_much_is_not_flooded() -> None:
    files = {"p.md": "a" * 1024 * 1024}
    prompts = {f"p{at}": {"format": "text", "template": {"file": "p.md"}} for at in range(200)}
    manifest = canonical({"format": 1, "bundle": "b", "parts": {"prompts": prompts}, "files": listing(files)})
    with pytest.raises(Integrity, match="each as often as it is used"):
        content_of(Sealed(manifest, files))


@pytest.mark.parametrize(("style", "tag", "most"), [("jinja2", "{{v}}", templates.TAGS_LIMIT),
                                                    ("jinja2", "{% if a %}{% endif %}", templates.TAGS_LIMIT // 2),
                                                    ("text", "{{> a@v1}}", templates.INCLUDES_LIMIT),
                                                    ("mustache", "{{> a@v1}}", templates.INCLUDES_LIMIT)])  # fmt: skip
def test_a_template_has_a_limit_of_tags(style: str, tag: str, most: int) -> None:
    assert templates.parse(style, tag * most).problems == ()
    assert len(templates.parse(style, tag * (most + 1)).problems) == 1


def test_a_schema_has_a_limit_of_values() -> None:
    def schema(count: int) -> dict[str, Any]:
        return {"properties": {f"p{at}": True for at in range(count)}}

    most = json_schemas.NODES_LIMIT - 2
    assert json_schemas._larger(schema(most), json_schemas.NODES_LIMIT) is False
    [(path, said)] = json_schemas.problems(schema(most + 1))
    assert (path, "takes too long" in said) == ((), True)


def test_of_very_many_findings_the_first_are_told_and_the_rest_counted() -> None:
    many = [Finding("file-unused", "m", "h", f"f{at:05}") for at in range(TOLD_AT_ONCE + 70)]
    told = as_answers([*many, Finding("secret", "s", "h", "z")])
    assert len(told) == TOLD_AT_ONCE + 1
    assert told[0]["code"] == "secret"
    assert told[-1]["code"] == "more-findings"
    assert told[-1]["message"].startswith("71 ")
    assert len(as_answers(many[:TOLD_AT_ONCE])) == TOLD_AT_ONCE


def test_many_unknown_keys_are_told_without_looking_for_each() -> None:
    found = assemble({f"kew{at}": 1 for at in range(3000)}).findings
    assert len([f for f in found if f.code == "unknown-key"]) == 3000
    assert len([f for f in found if f.hint.startswith("did you mean")]) <= 20
