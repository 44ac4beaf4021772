"""Differences as a registry answers them: exact texts, who else uses what moved on, and no more than one may know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.domain.access import parse_grants
from pinset.domain.diff import apply, from_json
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

WHO = Caller(actor="ana")
MANIFEST = """\
release:
  feature: {bundle}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01"}}
  prompt: {{template: main.md}}
"""


def files(bundle: str, text: str) -> dict[str, str]:
    return {"release.yaml": MANIFEST.format(bundle=bundle), "main.md": text}


def publish(registry: Registry, bundle: str, version: int, *, alias: str | None = "production") -> None:
    text = f"Answer {{{{q}}}}.\n{{{{> prompts/tone@v{version}}}}}\n"
    answer = registry.publish(WHO, files(bundle, text))
    if alias:
        registry.promote(WHO, f"{bundle}@v{answer['version']}", alias)


@pytest.fixture
def shared(registry: Registry) -> Registry:
    """Two versions of a tone, and bundles that serve one of them, or only hold it."""
    registry.publish_component(WHO, "prompts", "tone", {"tone.md": "Be kind.\n"})
    registry.publish_component(WHO, "prompts", "tone", {"tone.md": "Be brief.\n"})
    for bundle in ("alpha", "billing", "support"):
        publish(registry, bundle, 1)
    publish(registry, "never-served", 1, alias=None)
    publish(registry, "support", 2, alias=None)
    return registry


def test_a_component_that_moved_on_names_the_other_bundles_that_serve_it(shared: Registry) -> None:
    found = shared.diff("support@v1", "support@v2")
    assert found["shared"] == [
        {"key": "prompts/tone", "old": "v1", "new": "v2", "used_by": ["alpha", "billing"], "more": 0}
    ]
    other = shared.diff("support@v1", files("support", "Answer {{q}}.\n"))["shared"]
    assert [(c["old"], c["new"], c["used_by"]) for c in other] == [("v1", None, ["alpha", "billing"])]
    assert shared.diff("support@v1", "support@v1")["shared"] == []
    shared.bundle_changes.rename(WHO, "support", "helpdesk", reason="clearer")
    assert shared.diff("support@v1", "support@v2")["shared"][0]["used_by"] == ["alpha", "billing"]


def test_a_side_is_what_its_reference_named_at_the_time_asked_for(shared: Registry) -> None:
    moved = shared.promote(WHO, "support@v2", "production")
    assert moved["action"] == "promote"
    before = shared.history("support", "production")["items"][1]["at"]
    found = shared.diff("support@production", "support@production", old_at=before)
    assert (found["from"], found["to"]) == (f"support@v1 (production at {before})", "support@v2 (production)")
    assert shared.diff("support@production", files("support", "Hi {{q}}.\n"), old_at=before)["from"] == found["from"]


def test_bundles_that_one_may_not_read_are_not_named(shared: Registry, near: LocalRegistry) -> None:
    seen = near.seen_by(parse_grants("read:support read:billing"))
    assert [c["used_by"] for c in seen.diff("support@v1", "support@v2")["shared"]] == [["billing"]]
    assert [c["more"] for c in seen.diff("support@v1", "support@v2")["shared"]] == [0]


def test_an_answer_holds_each_text_difference_exactly(shared: Registry) -> None:
    texts = ("Answer {{q}}.\r\nBe brief", "Answer {{q}}.\nBe  brief\n")
    answer: dict[str, Any] = shared.diff(*(files("support", text) for text in texts))
    (change,) = from_json(answer).changes
    assert change.text is not None
    assert apply(change.text, change.old) == change.new == texts[1]
    assert answer["counts"] == {"breaking": 0, "behaviour": 0, "cosmetic": 1}


def test_a_variable_that_callers_must_now_pass_breaks(shared: Registry) -> None:
    old, new = files("support", "Answer {{q}}.\n"), files("support", "Answer {{q}} in {{language}}.\n")
    found = shared.diff(old, new)
    assert found["verdict"] == "breaking"
    assert [c["path"] for c in found["changes"] if c["impact"] == "breaking"] == ["inputs.language"]
