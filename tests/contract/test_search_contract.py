"""Search near and far: names, texts, what serves them, and nothing that may not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ME

from pinset.domain.access import parse_grants
from pinset.errors import InvalidInput
from pinset.services import searching

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

NEAR = pytest.mark.parametrize("where", ["memory"], indirect=True)


def files(text: str, bundle: str = "support") -> dict[str, str]:
    manifest = f'release: {{feature: {bundle}, model: {{name: m, pinned_version: "1"}}, prompt: {{template: p.md}}}}\n'
    return {"release.yaml": manifest, "p.md": text}


def told(answer: Any) -> list[tuple[Any, ...]]:
    return [
        (one["what"], one["ref"] or one["name"], one["path"], one["line"], one["aliases"]) for one in answer["items"]
    ]


def test_names_come_first_then_the_newest_text_and_every_one_that_is_served(registry: Registry) -> None:
    registry.publish(ME, files("Hi.\nRefund at once.\n"), alias="production", message="rules of refunds")
    registry.publish(ME, files("Hi.\nRefund later.\n"))
    registry.publish(ME, files("Hi.\nRefund never.\n"), alias="staging")
    registry.publish(ME, files("Ask for it.\n", "refunds"))
    registry.publish_component(ME, "prompts", "refund-tone", {"tone.md": "Be kind.\n"})
    answer = registry.search("refund")
    assert told(answer) == [
        ("bundle", "refunds", None, None, []),
        ("component", "prompts/refund-tone", None, None, []),
        ("text", "refunds@v1", "release.yaml", 1, []),
        ("text", "support@v3", "p.md", 2, ["staging"]),
        ("release", "support@v1", None, None, ["production"]),
        ("text", "support@v1", "p.md", 2, ["production"]),
    ]
    assert answer["items"][3]["earlier"] == 1
    assert answer["items"][3]["pieces"] == [{"text": "Refund", "hit": True}, {"text": " never.", "hit": False}]
    assert (answer["next"], answer["partial"]) == (None, False)
    assert told(registry.search("hi later")) == [("text", "support@v2", "p.md", 1, [])]
    assert registry.search('"later refund"')["items"] == []
    with pytest.raises(InvalidInput, match="no word"):
        registry.search("?!")


@NEAR
def test_pages_follow_each_other(registry: Registry) -> None:
    for number in range(5):
        registry.publish(ME, files("Refund.\n", f"shop-{number}"))
    first = registry.search("refund", limit=2)
    second = registry.search("refund", limit=2, cursor=first["next"])
    third = registry.search("refund", limit=2, cursor=second["next"])
    found = [one["name"] for answer in (first, second, third) for one in answer["items"]]
    assert found == [f"shop-{number}" for number in (4, 3, 2, 1, 0)]
    assert third["next"] is None


@NEAR
def test_who_may_not_read_a_bundle_finds_nothing_of_it(near: LocalRegistry) -> None:
    near.publish(ME, files("A secret plan.\n"), alias="production", message="the secret")
    near.publish(ME, files("No secret here.\n", "open"))
    for grants, found in (
        ("read:open", ["open"]),
        ("read:open read:support@production", ["open"]),
        ("read:s*", ["support"] * 2),
    ):
        answer = near.seen_by(parse_grants(grants)).search("secret")
        assert [one["name"] for one in answer["items"]] == found
        assert near.seen_by(parse_grants(grants)).search("support")["items"] == [] or "support" in found


@NEAR
def test_a_purged_text_is_found_no_more(near: LocalRegistry) -> None:
    near.publish(ME, files("The password is swordfish.\n"))
    near.publish(ME, files("No password.\n"), alias="production")
    assert [one["ref"] for one in near.search("password")["items"]] == ["support@v2"]
    near.purges.purge(ME, "support@v1", files=["p.md"], reason="leaked")
    assert near.search("swordfish")["items"] == []
    assert [one["ref"] for one in near.search("password")["items"]] == ["support@v2"]


@NEAR
def test_a_word_that_everything_holds_costs_a_bounded_look(
    near: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_WINDOW", 2)
    monkeypatch.setattr(searching, "_WINDOWS", 2)
    for number in range(7):
        near.publish(ME, files(f"Common {number}.\n"))
    answer = near.search("common")
    assert [(one["ref"], one["earlier"]) for one in answer["items"]] == [("support@v7", 3)]
    assert answer["partial"]
    rest = near.search("common", cursor=answer["next"])
    assert [(one["ref"], one["earlier"]) for one in rest["items"]] == [("support@v3", 2)]
    assert not rest["partial"]
