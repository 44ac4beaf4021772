"""What a difference between two releases does to those who use them."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.diff import Change, compare
from pinset.domain.diff.schemas import schema_diff


def schema(*required: str, closed: bool = False, **properties: Any) -> dict[str, Any]:
    base = {"type": "object", "properties": properties, "required": list(required)}
    return {**base, "additionalProperties": False} if closed else base


TEXT = {"type": "string"}
PROMPT = {
    "format": "mustache",
    "template": "Sum up {{ticket}}.\n",
    "inputs": schema("ticket", ticket=TEXT),
    "model": "default",
}
MODEL = {"id": "m-1", "provider": "x", "name": "m", "pinned_version": "1", "params": {"temperature": 0.2}}
INDEX = {"name": "kb", "version": 1, "uri": "s3://kb", "digest": "sha256:aa", "embedding_model": "e3", "dimensions": 8}
TOOL = {"name": "find", "description": "Find it.", "parameters": schema("q", q=TEXT, n={"type": "integer"})}
CONTENT: dict[str, Any] = {
    "prompts": {"default": PROMPT},
    "models": {"default": MODEL},
    "retrieval": {"default": {"index": INDEX, "embedding_model": "e3", "top_k": 6, "variable": "context"}},
    "tools": {"find": TOOL},
    "guardrails": {
        "pii": {"kind": "regex", "guards": "output", "version": 3, "digest": "sha256:bb", "config": {"on": True}}
    },
    "configs": {"agent": {"steps": 3}},
    "metadata": {"ticket": "ML-1"},
}


def edited(path: str, value: Any = None, *, remove: bool = False) -> dict[str, Any]:
    """The content with one place set or removed; the path's words are parted by slashes."""

    def put(node: dict[str, Any], keys: list[str]) -> dict[str, Any]:
        head, *rest = keys
        if rest:
            return {**node, head: put(node.get(head, {}), rest)}
        return {k: v for k, v in node.items() if k != head} if remove else {**node, head: value}

    return put(CONTENT, path.split("/"))


def only(new: dict[str, Any], old: dict[str, Any] = CONTENT) -> Change:
    (change,) = compare(old, new).changes
    return change


def test_equal_contents_change_nothing() -> None:
    comparison = compare(CONTENT, dict(CONTENT))
    assert (comparison.verdict, comparison.changes) == ("none", ())


@pytest.mark.parametrize(
    ("new", "component", "path", "impact"),
    [
        (edited("models/default/params/temperature", 0.4), "model", "params.temperature", "behaviour"),
        (edited("models/default/provider", "y"), "model", "provider", "behaviour"),
        (edited("models/default/pinned_version", "2"), "model", "pinned_version", "behaviour"),
        (edited("retrieval/default/index/digest", "sha256:cc"), "retrieval", "index.digest", "behaviour"),
        (edited("retrieval/default/embedding_model", "e4"), "retrieval", "embedding_model", "behaviour"),
        (edited("retrieval/default/top_k", 7), "retrieval", "top_k", "behaviour"),
        (edited("guardrails/pii", remove=True), "guardrail", "", "behaviour"),
        (edited("guardrails/pii/config/on", False), "guardrail", "config.on", "behaviour"),
        (edited("configs/agent/steps", 4), "config", "steps", "behaviour"),
        (edited("metadata/ticket", "ML-2"), "metadata", "ticket", "cosmetic"),
        (edited("tools/find", remove=True), "tool", "", "breaking"),
        (edited("tools/find/description", "Find all."), "tool", "description", "behaviour"),
        (edited("tools/find/name", "seek"), "tool", "name", "breaking"),
        (
            edited("tools/find/parameters", schema("q", "n", **TOOL["parameters"]["properties"])),
            "tool",
            "parameters.n.required",
            "breaking",
        ),
        (edited("tools/find/parameters/properties/n/type", "string"), "tool", "parameters.n.type", "breaking"),
        (edited("tools/find/parameters/properties/n", remove=True), "tool", "parameters.n", "behaviour"),
        (edited("tools/find/parameters/properties/k", TEXT), "tool", "parameters.k", "behaviour"),
        (edited("prompts/default", remove=True), "prompt", "", "breaking"),
        (edited("prompts/critic", PROMPT), "prompt", "", "behaviour"),
        (edited("prompts/default/model", "small"), "prompt", "model", "behaviour"),
        (edited("prompts/default/template", "Sum  up {{ticket}}.\n"), "prompt", "template", "cosmetic"),
        (edited("prompts/default/template", "Retell {{ticket}}.\n"), "prompt", "template", "behaviour"),
        (
            edited("prompts/default/inputs", schema("ticket", "tone", ticket=TEXT, tone=TEXT)),
            "prompt",
            "inputs.tone",
            "breaking",
        ),
        (
            edited("prompts/default/inputs", schema("ticket", ticket=TEXT, tone=TEXT)),
            "prompt",
            "inputs.tone",
            "behaviour",
        ),
        (edited("prompts/default/inputs", schema()), "prompt", "inputs.ticket", "behaviour"),
        (edited("prompts/default/output", schema("answer", answer=TEXT)), "prompt", "output", "breaking"),
        (edited("agents", {"x": 1}), "config", "", "behaviour"),
    ],
)
def test_each_edit_has_one_change_of_its_impact(new: dict[str, Any], component: str, path: str, impact: str) -> None:
    change = only(new)
    assert (change.component, change.path, change.impact.value) == (component, path, impact)
    assert change.reason
    assert "\n" not in change.reason


def test_a_parameter_removed_from_a_closed_schema_breaks() -> None:
    old, new = schema(a=TEXT, b=TEXT, closed=True), schema(a=TEXT, closed=True)
    assert [(c.path, c.impact.value) for c in schema_diff(old, new, "parameters", "p")] == [("p.b", "breaking")]


@pytest.mark.parametrize(
    ("place", "old", "new", "impact"),
    [
        ("inputs", {"enum": ["a", "b"]}, {"enum": ["a"]}, "breaking"),
        ("inputs", {"enum": ["a"]}, {"enum": ["a", "b"]}, "behaviour"),
        ("inputs", {"type": "integer"}, {"type": "number"}, "behaviour"),
        ("inputs", {"type": "number"}, {"type": "integer"}, "breaking"),
        ("inputs", {"maxLength": 9}, {"maxLength": 5}, "breaking"),
        ("inputs", {"maxLength": 5}, {"maxLength": 9}, "behaviour"),
        ("output", {"type": "integer"}, {"type": "number"}, "breaking"),
        ("output", schema("a", a=TEXT), schema(), "breaking"),
        ("output", schema("a", a=TEXT), schema(a=TEXT), "breaking"),
        ("output", schema(a=TEXT), schema(), "behaviour"),
        ("parameters", {"type": "array", "items": TEXT}, {"type": "array", "items": {"type": "integer"}}, "breaking"),
        ("parameters", {"anyOf": [TEXT]}, {"anyOf": [TEXT, {"type": "null"}]}, "breaking"),
        ("parameters", {"anyOf": [TEXT]}, {"anyOf": [{**TEXT, "description": "x"}]}, "behaviour"),
    ],
)
def test_a_schema_edit_weighs_by_who_reads_it(place: Any, old: Any, new: Any, impact: str) -> None:
    assert [c.impact.value for c in schema_diff(old, new, place, "s")] == [impact]


def test_a_property_called_like_a_keyword_is_a_property() -> None:
    old, new = schema(type=TEXT, required=TEXT), schema(type=TEXT, required={"type": "integer"})
    assert [c.path for c in schema_diff(old, new, "parameters", "p")] == ["p.required.type"]


def messages(*items: dict[str, Any]) -> dict[str, Any]:
    prompt = {k: v for k, v in PROMPT.items() if k != "template"}
    return {**CONTENT, "prompts": {"default": {**prompt, "messages": list(items)}}}


SYSTEM = {"role": "system", "template": "You are a calm helper.\nStay brief.\n"}
USER = {"role": "user", "template": "{{ticket}}\n"}


def test_a_message_put_in_between_leaves_its_neighbours_unchanged() -> None:
    change = only(messages(SYSTEM, {"placeholder": "history"}, USER), messages(SYSTEM, USER))
    assert (change.path, change.kind) == ("messages[1]", "added")


def test_messages_are_compared_with_what_they_became() -> None:
    calmer = {**SYSTEM, "template": "You are a calm helper.\nStay very brief.\n"}
    old = messages(SYSTEM, {"examples": [{"q": "1", "a": "2"}]}, USER)
    new = messages(USER, calmer, {"examples": [{"q": "1", "a": "3"}]})
    paths = {(c.path, c.kind) for c in compare(old, new).changes}
    assert ("messages[1].template", "changed") in paths
    assert ("messages[2].examples[0].a", "changed") in paths


def test_a_template_that_becomes_a_message_keeps_its_text_difference() -> None:
    new = messages({"role": "user", "template": "Sum up {{ticket}} now.\n"})
    paths = [c.path for c in compare(CONTENT, new).changes]
    assert paths == ["messages", "messages[0].template"]


def test_included_texts_are_compared_one_by_one() -> None:
    old = edited("prompts/default/partials", {"tone": "Be kind.\n"})
    change = only(edited("prompts/default/partials", {"tone": "Be firm.\n"}), old)
    assert (change.path, change.text is not None) == ("partials.tone", True)


def test_a_shared_component_that_moved_on_says_so_beside_its_part() -> None:
    pin = {"prompts/summarizer": {"version": 3, "digest": "sha256:aa"}}
    moved = {"prompts/summarizer": {"version": 4, "digest": "sha256:bb"}}
    change = only({**CONTENT, "components": moved}, {**CONTENT, "components": pin})
    assert (change.component, change.name, change.old, change.new) == ("prompt", "summarizer", "v3", "v4")


def test_the_verdict_is_the_worst_impact() -> None:
    new = edited("models/default/params/temperature", 0.4)
    assert compare(CONTENT, new).verdict == "behaviour"
    assert compare(CONTENT, {**new, "tools": {}}).verdict == "breaking"
