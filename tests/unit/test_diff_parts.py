"""What changes of models, retrieval, guardrails and lists of names do, each with the words that say it."""

from __future__ import annotations

from typing import Any

import pytest

from pinset.domain.diff import Change, compare

TALK = {"placeholder": "history"}
MODEL = {
    "id": "m-1", "provider": "x", "name": "m", "pinned_version": "1",
    "params": {"temperature": 0.2, "max_tokens": 800, "logprobs": True, "parallel_tool_calls": False},
}  # fmt: skip
INDEX = {"name": "kb", "version": 1, "embedding_model": "e3", "dimensions": 8, "distance": "cosine"}
RETRIEVAL = {"index": INDEX, "embedding_model": "e3", "top_k": 6, "variable": "context"}
GUARD = {
    "kind": "regex", "guards": "both",
    "config": {
        "enabled": True, "dry_run": False, "action": "block", "threshold": 0.5, "sensitivity": "high",
        "entities": ["email", "iban"], "allow": ["x"], "note": "a", "sample_rate": 1.0, "hook": False,
    },
}  # fmt: skip


def edited(part: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The part with one place set, or removed where the value is None."""
    head, _, rest = path.partition(".")
    if rest:
        return {**part, head: edited(part[head], rest, value)}
    kept = {key: one for key, one in part.items() if key != head}
    return kept if value is None else {**part, head: value}


def only(kind: str, part: dict[str, Any], path: str, value: Any) -> Change:
    (change,) = compare({kind: {"p": part}}, {kind: {"p": edited(part, path, value)}}).changes
    return change


@pytest.mark.parametrize(
    ("path", "value", "impact", "words"),
    [
        ("provider", "y", "behaviour", "another provider answers"),
        ("name", "n", "behaviour", "another model answers"),
        ("pinned_version", "2", "behaviour", "another snapshot"),
        ("pinned_version", None, "behaviour", "no longer pinned"),
        ("params.temperature", 0.9, "behaviour", "vary more"),
        ("params.temperature", 0, "behaviour", "vary less"),
        ("params.max_tokens", 400, "behaviour", "cut off sooner"),
        ("params.max_tokens", 900, "behaviour", "may be longer"),
        ("params.max_tokens", None, "behaviour", "may be longer"),
        ("params.stop", ["END"], "behaviour", "end elsewhere"),
        ("params.tool_choice", "required", "behaviour", "calls tools"),
        ("params.response_format", {"type": "json_object"}, "breaking", "another form"),
        ("params.text", {"format": {"type": "json_object"}}, "behaviour", "other parameters"),
        ("params.responseMimeType", "application/json", "breaking", "another form"),
        ("params.logprobs", None, "breaking", "no probabilities"),
        ("params.parallel_tool_calls", True, "breaking", "several calls"),
        ("params.stream", True, "breaking", "another way"),
        ("params.seed", 7, "behaviour", "drawn anew"),
        ("params.other", 7, "behaviour", "other parameters"),
    ],
)
def test_a_change_of_a_model_says_what_becomes_of_its_answers(path: str, value: Any, impact: str, words: str) -> None:
    change = only("models", MODEL, path, value)
    assert (change.path, change.impact.value) == (path, impact)
    assert words in change.reason


def test_a_schema_of_answers_in_the_parameters_is_compared_as_one() -> None:
    def model(*required: str) -> dict[str, Any]:
        schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": list(required)}
        form = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
        return {"models": {"p": {**MODEL, "params": {"response_format": form}}}}

    (gone,) = compare(model("a"), model()).changes
    assert gone.path == "params.response_format.json_schema.schema.a.required"
    assert gone.impact.value == "breaking"
    assert compare(model(), model("a")).verdict == "behaviour"


def test_parameters_that_come_all_at_once_are_weighed_one_by_one() -> None:
    new = {"models": {"p": {**MODEL, "params": {"max_tokens": 9, "stream": True}}}}
    old = {"models": {"p": {key: value for key, value in MODEL.items() if key != "params"}}}
    found = {change.path: change.impact.value for change in compare(old, new).changes}
    assert found == {"params.max_tokens": "behaviour", "params.stream": "breaking"}


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("index.version", 2, "other passages"),
        ("index.embedding_model", "e4", "index was embedded by another model"),
        ("embedding_model", "e4", "queries are embedded by another model"),
        ("index.dimensions", 16, "vectors of another size"),
        ("index.distance", "dot", "another measure"),
        ("top_k", 9, "more passages: the prompt is longer"),
        ("top_k", 3, "fewer passages"),
        ("variable", "passages", "another variable"),
    ],
)
def test_a_change_of_retrieval_says_what_is_found_and_where_it_goes(path: str, value: Any, words: str) -> None:
    change = only("retrieval", RETRIEVAL, path, value)
    assert (change.path, change.impact.value) == (path, "behaviour")
    assert words in change.reason


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("kind", "llm", "another guardrail altogether"),
        ("guards", "output", "loosened: no longer watches the input"),
        ("config.enabled", False, "loosened: switched off"),
        ("config.enabled", None, "loosened: switched off"),
        ("config.dry_run", True, "loosened: switched off, or let past"),
        ("config.action", "warn", "loosened: block became warn"),
        ("config.action", "redact", "loosened: block became redact"),
        ("config.action", "custom", "loosened? what is done"),
        ("config.sensitivity", "low", "loosened: high became low"),
        ("config.threshold", 0.9, "loosened? more gets below it"),
        ("config.threshold", 0.1, "tightened? less gets below it"),
        ("config.threshold", None, "loosened? a setting is gone"),
        ("config.sample_rate", 0.1, "loosened? it is less strict"),
        ("config.entities", ["email"], 'loosened? no longer looks for "iban"'),
        ("config.entities", ["email", "iban", "phone"], 'tightened? also looks for "phone"'),
        ("config.entities", None, "loosened? no longer looks for"),
        ("config.allow", ["x", "y"], 'loosened? also lets past "y"'),
        ("config.allow", [], 'tightened? no longer lets past "x"'),
        ("config.hook", True, "works otherwise"),
        ("config.note", "b", "works otherwise"),
    ],
)
def test_a_guardrail_that_lets_more_through_is_said_to_and_a_guess_is_one(path: str, value: Any, words: str) -> None:
    change = only("guardrails", GUARD, path, value)
    assert change.impact.value == "behaviour"
    assert words in change.reason


def test_a_guardrail_that_goes_stands_out() -> None:
    (change,) = compare({"guardrails": {"pii": {**GUARD, "guards": "output"}}}, {"guardrails": {}}).changes
    assert change.impact.value == "behaviour"
    assert change.reason.startswith("UNGUARDED: pii no longer watches the output")


def test_a_shared_guardrail_that_moved_on_is_named_once_with_what_it_changes() -> None:
    def content(version: int, action: str) -> dict[str, Any]:
        guard = {
            "kind": "regex",
            "name": "pii",
            "version": version,
            "digest": f"sha256:{version}",
            "config": {"action": action},
        }
        pins = {"guardrails/pii": {"version": version, "digest": f"sha256:{version}"}}
        return {"guardrails": {"pii": guard}, "components": pins}

    found = [(c.path, c.old, c.new) for c in compare(content(1, "block"), content(2, "log")).changes]
    assert found == [("config.action", "block", "log"), ("component", "v1", "v2")]


@pytest.mark.parametrize(
    ("key", "old", "new", "path", "words"),
    [
        ("tools", ["a"], ["a", "b"], "tools[b]", "may call it"),
        ("tools", ["a", "b"], ["a"], "tools[b]", "cannot call it"),
        ("tools", ["a", "b"], ["b", "a"], "tools", "another order"),
        ("guardrails", ["pii"], [], "guardrails[pii]", "UNGUARDED"),
        ("guardrails", ["a", "b"], ["b", "a"], "guardrails", "another order"),
    ],
)
def test_what_a_prompt_is_given_is_told_apart_from_its_order(
    key: str, old: Any, new: Any, path: str, words: str
) -> None:
    sides = [{"prompts": {"p": {"format": "text", "template": "x", key: names}}} for names in (old, new)]
    (change,) = compare(*sides).changes
    assert (change.path, change.impact.value) == (path, "behaviour")
    assert words in change.reason


FULL = {
    "prompts": {"p": {"format": "text", "template": "a", "inputs": {"type": "object", "properties": {}}}},
    "models": {"p": MODEL}, "retrieval": {"p": RETRIEVAL}, "tools": {}, "guardrails": {"p": GUARD},
    "configs": {"c": {"steps": 3}}, "metadata": {"ticket": "ML-1"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "verdict"),
    [
        ("metadata.ticket", "ML-1", "none"),
        ("metadata.ticket", "ML-2", "cosmetic"),
        ("configs.c.steps", 4, "behaviour"),
        ("models.p.name", "n", "behaviour"),
        ("guardrails.p", None, "behaviour"),
        ("prompts.p.inputs.required", ["x"], "breaking"),
        ("prompts.p", None, "breaking"),
    ],
)
def test_the_verdict_of_a_whole_release_is_its_worst_change(path: str, value: Any, verdict: str) -> None:
    assert compare(FULL, edited(FULL, path, value)).verdict == verdict
    both = edited(edited(FULL, path, value), "metadata.ticket", "ML-9")
    assert compare(FULL, both).verdict == ("cosmetic" if verdict == "none" else verdict)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            [TALK],
            [{"placeholder": "chat"}],
            ("messages[1].placeholder", "breaking", "what they pass as history is lost"),
        ),
        ([TALK], [], ("messages[1]", "behaviour", "no longer reads")),
    ],
)
def test_a_placeholder_is_a_name_that_callers_pass_messages_by(
    old: list[Any], new: list[Any], told: tuple[str, ...]
) -> None:
    sides = [
        {"prompts": {"default": {"messages": [{"role": "system", "template": "Hi"}, *more]}}} for more in (old, new)
    ]
    (change,) = compare(*sides).changes
    assert (change.path, change.impact.value) == told[:2]
    assert told[2] in change.reason


def test_one_text_that_becomes_several_messages_breaks_who_renders_one() -> None:
    text = {"role": "user", "template": "Hi"}
    for messages, impact in (([text], "behaviour"), ([text, TALK], "breaking")):
        found = compare({"prompts": {"default": {"template": "Hi"}}}, {"prompts": {"default": {"messages": messages}}})
        assert found.changes[0].path == "messages"
        assert found.changes[0].impact.value == impact
