"""Costs near and far: of a release, of a time, and of a change; and what every implementation of the port promises."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ME

from pinset.costs import Nothing, Offline
from pinset.domain import costs as c
from pinset.domain.access import parse_grants
from pinset.domain.encodings import model_name
from pinset.errors import NotFound, PermissionDenied

if TYPE_CHECKING:
    from pinset.ports.costs import Costs
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

AGENT = """\
release:
  feature: agent
  models:
    default: {{provider: openai, name: gpt-4o, pinned_version: "2024-08-06", max_tokens: 800}}
    small: {{provider: vendor-x, name: little, pinned_version: "2025-02-01"}}
  prompts:
    planner: {{messages: [{{role: system, text: "Plan {{{{task}}}}. {words}"}}], tools: [search]}}
    critic: {{text: "Judge it.", model: small, tools: []}}
  tools: [search.json]
"""
TOOL = json.dumps(
    {"name": "search", "description": "Finds tickets.", "parameters": {"type": "object", "properties": {}}}
)


def files(words: str = "") -> dict[str, str]:
    return {"release.yaml": AGENT.format(words=words), "search.json": TOOL}


def test_each_prompt_is_counted_with_its_own_model(registry: Registry, where: str) -> None:
    registry.publish(ME, files(), alias="staging")
    found = registry.cost("agent@staging")
    assert (found["ref"], found["version"], found["currency"], found["calls"]) == ("agent@v1", 1, "USD", 1000)
    critic, planner = found["prompts"]
    assert [part["part"] for part in planner["parts"]] == ["messages", "tool search", "framing"]
    assert [part["part"] for part in critic["parts"]] == ["messages", "framing"]
    assert (
        found["total"]["tokens"]
        == critic["tokens"] + planner["tokens"]
        == sum(part["tokens"] for prompt in found["prompts"] for part in prompt["parts"])
    )
    assert found["total"]["per_1000"] is None, "one of the models has no price"
    assert critic["unpriced"]
    assert "at" not in found
    if where == "memory":
        assert planner["encoding"] == "characters/4"
        assert "pinset[costs]" in " ".join(found["notes"])
    else:
        assert (planner["encoding"], planner["parts"][0]["exact"], planner["exact"]) == ("o200k_base", True, False)
        assert Decimal(planner["per_1000"] or 0) * 1000 == Decimal("2.5") * planner["tokens"]
        assert planner["output_per_1000"] == "8"


def test_a_comparison_says_what_the_change_costs(registry: Registry) -> None:
    registry.publish(ME, files())
    registry.publish(ME, files("Think of more than one way."))
    answer = registry.diff("agent@v1", "agent@v2")
    change = c.from_answer(answer["costs"])
    assert [row.prompt for row in change.prompts] == ["planner"]
    assert [part.part for part in change.prompts[0].parts] == ["messages"]
    assert change.after.tokens > change.before.tokens
    back = c.from_answer(registry.diff("agent@v2", "agent@v1")["costs"])
    assert (back.before, back.after) == (change.after, change.before)
    assert registry.diff("agent@v1", "agent@v1")["costs"] is None
    assert registry.diff("agent@v1", files("Think of more than one way."))["costs"] == answer["costs"]


def test_a_release_of_then_costs_what_it_says_now(registry: Registry) -> None:
    registry.publish(ME, files(), alias="staging")
    now = registry.cost("agent@staging")
    then = registry.past("0s").cost("agent@staging")
    assert "at" in then
    assert {key: value for key, value in then.items() if key != "at"} == now


def test_what_is_not_there_and_what_may_not_be_read_has_no_cost(near: LocalRegistry) -> None:
    near.publish(ME, files())
    with pytest.raises(NotFound):
        near.cost("agent@v9")
    with pytest.raises(PermissionDenied):
        near.seen_by(parse_grants("read:other")).cost("agent@v1")


@pytest.fixture(params=[Nothing, Offline])
def costs(request: pytest.FixtureRequest) -> Costs:
    made: Costs = request.param()
    return made


MODELS: list[dict[str, Any]] = [
    {"provider": "openai", "name": "gpt-4o", "pinned_version": "2024-08-06"},
    {"provider": "anthropic", "name": "claude-3-5-sonnet-20241022"},
    {"provider": "vendor-x", "name": "foundation-large"},
    {},
]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_an_encoding_that_counts(costs: Costs, model: dict[str, Any]) -> None:
    encoding = costs.encoding(model_name(model))
    texts = ["", "a", "one two three " * 500, "<|endoftext|>", "\u202e\ud800"]
    found = costs.count(texts, encoding.name)
    assert found[0] == 0
    assert all(count > 0 for count in found[1:])
    assert costs.count(texts, encoding.name) == found
    assert not encoding.framed or encoding.exact


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_a_price_or_a_reason(costs: Costs, model: dict[str, Any]) -> None:
    day = date(2026, 11, 21)
    found = costs.price(model_name(model), day)
    if isinstance(found, str):
        assert found
        assert not found.endswith(".")
    else:
        assert found.input.base > 0
        assert costs.basis(day)
