"""What is counted of a release, with a port that is known to the letter; and that the work is bounded."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pinset.costs.nothing import Nothing
from pinset.domain import costs as c
from pinset.domain import estimates as e
from pinset.domain.costs import Price, Rate
from pinset.domain.counted import counted_of
from pinset.domain.encodings import Encoding, ModelName
from pinset.services import costing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.costs import Call
    from pinset.domain.estimates import Part

AT = 1_795_000_000_000_000


class Letters:
    """A token is a letter. Only ``known`` models have a price, a dollar for a million, answers two."""

    lacks = ""

    def __init__(self) -> None:
        self.counted: list[str] = []

    def encoding(self, model: ModelName) -> Encoding:
        return Encoding("letters", exact=True, framed=True)

    def count(self, texts: Sequence[str], encoding: str) -> list[int]:
        self.counted += texts
        return [len(text) for text in texts]

    def price(self, model: ModelName, day: date) -> Price | str:
        known = "known" in model.names
        return Price("list known", Rate(Decimal(1)), Rate(Decimal(2)), ("a note.",)) if known else "not in the list"

    def basis(self, day: date) -> str:
        return f"prices of {day}"


def content(prompts: dict[str, Any], **more: Any) -> dict[str, Any]:
    models = {"default": {"provider": "p", "name": "known", "id": "known", "params": {}}}
    return {"prompts": prompts, "models": models, "tools": {}, "retrieval": {}, **more}


def one(prompt: dict[str, Any], **more: Any) -> tuple[Call, dict[str, int]]:
    estimate = costing.estimate(Letters(), content({"default": prompt}, **more), date(2026, 1, 1))
    call, parts = estimate.calls["default"]
    return call, sizes(parts)


def sizes(parts: Sequence[Part]) -> dict[str, int]:
    return {part.part: part.count.tokens for part in parts}


@pytest.mark.parametrize(
    ("style", "template", "fixed"),
    [
        ("text", "all {{of}} it", "all {{of}} it"),
        ("mustache", "a{{x}}b{{& y }}c{{{z}}}", "abc"),
        ("f-string", "a{x}b{{c}}", "ab{c}"),
        ("jinja2", "a{% if x %}b{% else %}c{% endif %}{{ d }}{# e #}{% for i in j %}f{% endfor %}", "abcf"),
        ("jinja2", "a {%- if x -%} b {%- endif %}{% raw %}{{x}}{% endraw %}", "ab{{x}}"),
        ("jinja2", "broken {# if", "broken {# if"),
        ("mustache", "", ""),
    ],
)
def test_what_stands_between_variables_is_counted(style: str, template: str, fixed: str) -> None:
    counter = Letters()
    made = content({"default": {"format": style, "template": template}})
    found = costing.estimate(counter, made, date(2026, 1, 1)).calls["default"][1]
    assert sizes(found)["messages"] == len(fixed)
    assert set(counter.counted) <= {*fixed, *_runs(fixed), "user"}


def _runs(text: str) -> set[str]:
    return {text[at:end] for at in range(len(text)) for end in range(at + 1, len(text) + 1)}


def test_messages_examples_tools_schema_and_frame_are_parts_of_their_own() -> None:
    prompt = {
        "format": "jinja2",
        "messages": [
            {"role": "system", "template": "12345{% include 'p' %}"},
            {"placeholder": "history"},
            {"examples": [{"input": "ab", "output": "c"}, {"role": "user", "content": [{"text": "d"}]}]},
            {"role": "user", "name": "eve", "template": "{{q}}"},
        ],
        "partials": {"p": "678"},
        "output": {"type": "object"},
        "tools": ["search"],
    }
    tools = {name: {"name": name, "description": "", "parameters": {}, "strict": True} for name in ("search", "other")}
    call, parts = one(prompt, tools=tools)
    framed = costing.PRIMING + sum(
        costing.FRAME + len(role) for role in ("system", "user", "assistant", "user", "user")
    )
    assert parts == {
        "messages": 8,
        "examples": len('abc[{"text":"d"}]'),
        "tool search": len('{"name":"search"}'),
        "output schema": len('{"type":"object"}'),
        "framing": framed + 1 + len("eve"),
    }
    assert call.tokens.tokens == sum(parts.values())
    assert not call.tokens.exact


def test_a_prompt_that_lists_no_tools_is_offered_all() -> None:
    tools = {name: {"name": name, "parameters": {}} for name in ("b", "a")}
    prompt = {"format": "text", "template": ""}
    assert list(one(prompt, tools=tools)[1]) == ["messages", "tool a", "tool b", "framing"]
    assert "tool a" not in one({**prompt, "tools": []}, tools=tools)[1]
    assert "tool gone" not in one({**prompt, "tools": ["gone"]}, tools=tools)[1]


def test_only_what_is_sent_as_it_is_counts_as_exact() -> None:
    assert one({"format": "text", "template": "abc"})[0].tokens.exact
    assert not one({"format": "text", "template": "abc", "output": {}})[0].tokens.exact


def test_price_and_ceiling_go_by_the_prompts_own_model() -> None:
    models = {
        "default": {"name": "known", "params": {}},
        "small": {"name": "known", "params": {"max_tokens": 500}},
        "odd": {"provider": "p", "name": "unheard-of", "params": {"max_tokens": True}},
    }
    prompts = {
        name: {"format": "text", "template": "x" * 86, **({"model": chosen} if chosen else {})}
        for name, chosen in (("a", ""), ("b", "small"), ("c", "odd"), ("d", "missing"))
    }
    calls = costing.estimate(Letters(), content(prompts, models=models), date(2026, 1, 1)).calls
    found = {name: call for name, (call, _) in calls.items()}
    assert found["a"].tokens.tokens == 86 + 3 + 3 + 4
    assert [found[name].per_1000 for name in "abcd"] == [Decimal("0.096"), Decimal("0.096"), None, None]
    assert [found[name].output_per_1000 for name in "abcd"] == [None, Decimal(1), None, None]
    assert found["c"].unpriced == "not in the list"
    assert found["c"].max_tokens is None
    assert (found["d"].model, found["d"].unpriced) == ("", "the release pins no model for it")


def test_what_is_not_counted_is_said() -> None:
    prompt = {"format": "jinja2", "messages": [{"role": "user", "template": "a"}, {"placeholder": "history"}]}
    made = content({"default": prompt}, retrieval={"default": {"top_k": 6}}, tools={"t": {"name": "t"}})
    told = " ".join(costing.estimate(Letters(), made, date(2026, 1, 1)).notes)
    for word in ("Variables", "Placeholders", "every branch", "passages", "Tools", "a note."):
        assert word in told
    plain = content({"default": {"format": "text", "template": "a"}})
    assert costing.estimate(Letters(), plain, date(2026, 1, 1)).notes == ("a note.",)


def test_nothing_is_counted_where_neither_prompt_nor_model_nor_tool_changed() -> None:
    counter = Letters()
    old = content({"default": {"format": "text", "template": "a"}})
    assert costing.change(counter, old, {**old, "guardrails": {"g": {}}}, at=AT) is None
    assert counter.counted == []


def test_other_words_of_the_same_length_change_no_cost() -> None:
    old, new = (content({"default": {"format": "text", "template": text}}) for text in ("kind", "calm"))
    assert costing.change(Letters(), old, new, at=AT) is None


def test_a_prompt_without_a_change_is_not_listed_and_still_in_the_total() -> None:
    same = {"format": "text", "template": "same"}
    old, new = (content({"a": same, "b": {"format": "text", "template": text}}) for text in ("1", "123"))
    change = costing.change(Letters(), old, new, at=AT)
    assert change is not None
    assert [row.prompt for row in change.prompts] == ["b"]
    assert [(part.part, part.delta) for part in change.prompts[0].parts] == [("messages", 2)]
    assert (change.before.tokens, change.after.tokens) == (25, 27)


def test_what_a_change_says_of_its_cost_is_bounded_and_still_adds_up() -> None:
    def made(words: str) -> dict[str, Any]:
        tools = {f"tool-{n:02}": {"name": "t", "description": words * n, "parameters": {}} for n in range(1, 61)}
        return content({f"prompt-{n:03}": {"format": "text", "template": words} for n in range(100)}, tools=tools)

    change = costing.change(Letters(), made("a"), made("bcd"), at=AT)
    assert change is not None
    assert (len(change.prompts), change.more) == (e.PROMPTS, 100 - e.PROMPTS)
    assert sum(len(row.parts) for row in change.prompts) <= e.ALL_PARTS + 2 * e.PROMPTS
    assert change.prompts[0].parts[-1].part == "41 more parts"
    for row in change.prompts:
        assert row.before is not None
        assert row.after is not None
        assert row.after.tokens.tokens - row.before.tokens.tokens == sum(part.delta for part in row.parts)
    assert len(json.dumps(c.as_answer(change))) < 100_000


def test_a_text_that_many_prompts_share_is_counted_once() -> None:
    counter = Letters()
    tools = {f"t{n}": {"name": f"t{n}", "parameters": {}} for n in range(20)}
    prompts = {f"p{n}": {"format": "text", "template": "hello"} for n in range(50)}
    costing.estimate(counter, content(prompts, tools=tools), date(2026, 1, 1))
    assert len(counter.counted) == len(set(counter.counted)) == 22


@pytest.mark.parametrize(
    "prompt",
    [
        {"format": "text", "template": "x" * (costing.COUNTED + 1)},
        {"format": "mustache", "template": "".join(f"{n}{{{{v}}}}" for n in range(costing.COUNTED // 32 + 10))},
        {"format": "text", "messages": [{"role": "user", "template": f"{n}" * 70_000} for n in range(40)]},
    ],
)
def test_work_is_bounded_and_what_is_left_out_is_approximated_and_said(prompt: dict[str, Any]) -> None:
    counter = Letters()
    estimate = costing.estimate(counter, content({"default": prompt}), date(2026, 1, 1))
    assert sum(max(len(text), costing.LEAST) for text in counter.counted) <= costing.COUNTED
    call, parts = estimate.calls["default"]
    assert not call.tokens.exact
    assert sizes(parts)["messages"] > 10_000
    assert "approximated by its length" in " ".join(estimate.notes)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"prompts": None, "models": 3, "tools": [], "retrieval": "x"},
        {"prompts": {"a": "text", "b": {"format": "text"}, "c": {"format": "text", "model": 7, "template": "x"}}},
        {"prompts": {"a": {"format": "text", "messages": [{"examples": ["x", 3, None, {"a": 1}]}]}}},
        {"prompts": {"a": {"format": "text", "template": "\u202e\ud800\x00"}}, "models": {"default": {"id": "\u202e"}}},
        {"prompts": {"a": {"format": "text", "template": "x", "tools": ["t"]}}, "tools": {"t": "no mapping"}},
    ],
)
def test_a_working_copy_of_any_shape_is_estimated(odd: dict[str, Any]) -> None:
    for costs in (Nothing(), Letters()):
        estimate = costing.estimate(costs, odd, date(2026, 1, 1))
        assert estimate.calls.keys() == {counted.prompt for counted in counted_of(odd)}
