"""Comparing two versions of a shared component, near and far: what changes, and who still serves the older one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from registry_steps import ALIAS, ME, files

from pinset import bootstrap
from pinset.domain.access import parse_grants
from pinset.domain.diff.sharing import NAMED
from pinset.errors import InvalidInput, InvalidReference, NotFound

if TYPE_CHECKING:
    from pinset.ports.registry import Registry

GUARD = "kind: regex\nguards: output\nconfig: {action: ACTION, entities: [email]}\n"


def guards(registry: Registry, *actions: str) -> None:
    for action in actions:
        registry.publish_component(ME, "guardrails", "pii", {"pii.yaml": GUARD.replace("ACTION", action)})


def uses(registry: Registry, bundle: str, version: int, *, serve: bool = True) -> None:
    extra = f"  guardrails: [guardrails/pii@v{version}]\n"
    registry.publish(ME, files("Hello.", extra=extra, bundle=bundle), alias=ALIAS if serve else None)


def tool(*units: str) -> dict[str, str]:
    schema = {"type": "object", "properties": {"unit": {"enum": list(units)}}}
    return {"find.json": json.dumps({"name": "find", "description": "Finds.", "parameters": schema})}


def paths(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c["component"], c["path"], c["impact"]) for c in answer["changes"]]


def test_two_versions_are_compared_and_who_serves_the_older_one_is_named(registry: Registry) -> None:
    guards(registry, "block", "warn")
    for bundle, version, serve in (("a-older", 1, True), ("b-newer", 2, True), ("c-unserved", 1, False)):
        uses(registry, bundle, version, serve=serve)
    answer = registry.diff("guardrails/pii@v1", "guardrails/pii@latest")
    assert (answer["from"], answer["to"], answer["verdict"]) == ("guardrails/pii@v1", "guardrails/pii@v2", "behaviour")
    assert paths(answer) == [("guardrail", "config.action", "behaviour")]
    shared = {"key": "guardrails/pii", "old": "v1", "new": "v2", "used_by": ["a-older"], "more": 0}
    assert answer["shared"] == [shared]
    assert registry.diff("guardrails/pii@v1", "guardrails/pii@v1")["verdict"] == "none"


def test_each_kind_is_judged_like_a_part_of_a_release(registry: Registry) -> None:
    for units in (("c", "f"), ("c",)):
        registry.publish_component(ME, "tools", "find", tool(*units))
    assert paths(registry.diff("tools/find@v1", "tools/find@v2")) == [("tool", "parameters.unit.enum", "breaking")]
    for model in ("e3", "e4"):
        text = f"uri: s3://kb\ndigest: sha256:{'a' * 64}\nembedding_model: {model}\n"
        registry.publish_component(ME, "indexes", "kb", {"kb.yaml": text})
    found = paths(registry.diff("indexes/kb@v1", "indexes/kb@v2"))
    assert found == [("retrieval", "index.embedding_model", "behaviour")]


def test_a_shared_prompt_is_compared_with_what_it_includes(registry: Registry) -> None:
    for text in ("Be kind.", "Be brief."):
        registry.publish_component(ME, "prompts", "tone", {"tone.md": text})
    for version in (1, 2):
        registry.publish_component(ME, "prompts", "help", {"help.md": f"{{{{> prompts/tone@v{version}}}}} Help."})
    answer = registry.diff("prompts/help@v1", "prompts/help@v2")
    assert paths(answer) == [("prompt", "template", "behaviour"), ("prompt", "component", "cosmetic")]
    assert (answer["changes"][0]["old"], answer["changes"][0]["new"]) == ("Be kind. Help.", "Be brief. Help.")


REFUSED: Final = [
    ("guardrails/pii@v1", "support@v1", InvalidReference, "the other side is none"),
    ("support@v1", "guardrails/pii@v1", InvalidReference, "the other side is none"),
    ("guardrails/pii@v1", "tools/find@v1", InvalidReference, "nothing in common"),
    ("guardrails/pii@v1", "guardrails/pii@v9", NotFound, "there is no guardrails/pii@v9"),
    ("guardrails/pii@v1", "guardrails/none@v1", NotFound, "there is no component"),
    ("guardrails/pii@v1", "guardrails/pii@production", InvalidReference, "no aliases"),
    ("guardrails/pii@v1", "guardrails/pii", InvalidReference, "does not say which version"),
]


def test_what_cannot_be_compared_is_refused_with_the_way_out(registry: Registry) -> None:
    guards(registry, "block")
    registry.publish_component(ME, "tools", "find", tool("c"))
    for old, new, error, words in REFUSED:
        with pytest.raises(error, match=words) as refused:
            registry.diff(old, new)
        assert refused.value.hint


def test_a_version_of_a_component_has_no_time(registry: Registry) -> None:
    guards(registry, "block", "warn")
    with pytest.raises(InvalidInput, match="the same at any time"):
        registry.past("1d").diff("guardrails/pii@v1", "guardrails/pii@v2")


def test_only_bundles_that_may_be_read_are_named_and_not_too_many() -> None:
    registry = bootstrap.memory_registry()
    guards(registry, "block", "warn")
    for n in range(NAMED + 2):
        uses(registry, f"b{n}", 1)
    (shared,) = registry.diff("guardrails/pii@v1", "guardrails/pii@v2")["shared"]
    assert (shared["used_by"], shared["more"]) == ([f"b{n}" for n in range(NAMED)], 2)
    (seen,) = registry.seen_by(parse_grants("read:b1")).diff("guardrails/pii@v1", "guardrails/pii@v2")["shared"]
    assert (seen["used_by"], seen["more"]) == (["b1"], 0)
