"""Changes over many bundles: a release from a release, a component bumped everywhere, a change shown and taken back."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from registry_steps import ME

from pinset.domain.access import parse_grants
from pinset.domain.edits import Edits
from pinset.errors import (
    AliasMoved,
    Conflict,
    InvalidInput,
    InvalidManifest,
    InvalidName,
    NotFound,
    PermissionDenied,
)
from pinset.ports.registry import Caller
from pinset.services import publish as publishing

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

MEMORY: Final = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""For what needs a caller of many names, or a race: the rule itself is the same everywhere."""
CHANGE: Final = replace(ME, change="ml-812")
MANIFEST: Final = """\
release:
  feature: {name}   # ours
  version: 2025-03-{day:02}  # label
  model: {{name: m, pinned_version: "1"}}  # pin
  prompt: {{template: p.md{more}}}
"""


def bundle(registry: Registry, name: str, *, tone: str = "v1", alias: str | None = "staging", day: int = 14) -> None:
    """A release that includes the shared tone."""
    text = MANIFEST.format(name=name, day=day, more="")
    registry.publish(
        ME, {"release.yaml": text, "p.md": f"{name} {day}\r\n{{{{> prompts/tone@{tone}}}}}\n"}, alias=alias
    )


def tones(registry: Registry, *texts: str) -> None:
    for text in texts or ("Be kind.\n", "Be kinder.\n"):
        registry.publish_component(ME, "prompts", "tone", {"tone.md": text})


def serving(registry: Registry, alias: str = "staging") -> dict[str, int | None]:
    return {one["name"]: one["aliases"][alias] for one in registry.bundles()["items"] if alias in one["aliases"]}


def bump_all(registry: Registry, caller: Caller, component: str = "prompts/tone@v2", **more: Any) -> dict[str, str]:
    """What the command line does: outcome by bundle."""
    alias = more.get("alias", "staging")
    due = registry.changesets.holders(component, alias=alias)["items"]
    return {
        one["bundle"]: registry.changesets.bump(caller, component, one["bundle"], alias=alias)["outcome"] for one in due
    }


def test_a_release_is_made_from_a_release_and_says_so(registry: Registry) -> None:
    tones(registry)
    bundle(registry, "support")
    edits = Edits(set={"model.pinned_version": '"2"'}, add={"metadata": "{ticket: ML-1}"}, files={"p.md": "New.\n"})
    looked = registry.changesets.derive(replace(CHANGE, dry_run=True), "support@staging", edits, alias="staging")
    assert (looked["version"], looked["changed"]) == (2, ["p.md", "release.yaml"])
    assert {one["path"] for one in looked["diff"]["changes"]} >= {"pinned_version"}  # type: ignore[index]
    assert registry.bundle("support")["newest"] == 1
    made = registry.changesets.derive(CHANGE, "support@staging", edits, alias="staging", message="newer")
    assert (made["ref"], made["created"], made["made_from"], made["diff"]) == ("support@v2", True, "support@v1", None)
    text = registry.file("support@v2", "release.yaml")
    first = registry.summary("support@v1")
    assert (
        text
        == MANIFEST.format(name="support", day=14, more="")
        .replace('"1"', '"2"')
        .replace("  version: 2025-03-14  # label\n", "")
        + "  metadata: {ticket: ML-1}\n"
    )
    told = registry.summary("support@v2")
    assert told["made_from"] == {"ref": "support@v1", "version": 1, "digest": first["digest"]}
    assert (told["change"], told["label"], first["made_from"], first["change"]) == ("ml-812", None, None, None)
    assert registry.history("support", "staging")["items"][0]["change"] == "ml-812"
    again = registry.changesets.derive(ME, "support@staging", Edits(set={"model.pinned_version": "'2'"}))
    assert (again["ref"], again["created"], again["changed"]) == ("support@v2", False, [])
    with pytest.raises(InvalidInput, match="has no"):
        registry.changesets.derive(ME, "support@v2", Edits(set={"model.pined_version": "3"}))
    with pytest.raises(InvalidName):
        registry.changesets.derive(ME, "support@v2", Edits(files={"../x": "3"}))
    with pytest.raises(InvalidManifest):
        registry.changesets.derive(ME, "support@v2", Edits(set={"feature": "other"}))
    with pytest.raises(NotFound):
        registry.changesets.derive(ME, "support@canary", Edits())


@MEMORY
def test_a_release_made_of_what_an_alias_serves_never_undoes_a_move_made_meanwhile(
    near: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tones(near)
    bundle(near, "support")
    published, days = publishing.published, [15]

    def overtaken(*given: Any, **more: Any) -> Any:
        if days:
            bundle(near, "support", day=days.pop())
        return published(*given, **more)

    monkeypatch.setattr(publishing, "published", overtaken)
    with pytest.raises(AliasMoved):
        near.changesets.derive(ME, "support@staging", Edits(set={"model.name": "n"}), alias="staging")
    assert serving(near) == {"support": 2}
    days.append(16)
    near.publish_component(ME, "prompts", "tone", {"tone.md": "Third.\n"})
    outcome = near.changesets.bump(ME, "prompts/tone@v3", "support", alias="staging")
    assert (outcome["from"], outcome["to"]) == (3, 4), "the successor is of what was published meanwhile"
    assert near.file("support@v4", "p.md").startswith("support 16\r\n")


def test_a_bump_publishes_and_promotes_a_successor_of_every_bundle_that_holds_an_older_version(
    registry: Registry,
) -> None:
    tones(registry)
    for name in ("a", "b", "pay.c"):
        bundle(registry, name)
    bundle(registry, "current", tone="v2")
    bundle(registry, "unserved", alias=None)
    held = registry.changesets.holders("prompts/tone@v2", alias="staging", limit=2)
    assert [one["bundle"] for one in held["items"]] == ["a", "b"]
    rest = registry.changesets.holders("prompts/tone@v2", alias="staging", cursor=held["next"])
    assert rest == {"items": [{"bundle": "pay.c", "version": 1, "held": 1}], "next": None}
    assert [one["bundle"] for one in registry.changesets.holders("prompts/tone@v2", bundles="pay.*")["items"]] == [
        "pay.c"
    ]
    assert len(registry.changesets.holders("prompts/tone@v2")["items"]) == 4
    looked = registry.changesets.bump(replace(CHANGE, dry_run=True), "prompts/tone@v2", "a", alias="staging")
    assert (looked["outcome"], looked["from"], looked["to"], looked["verdict"]) == ("promoted", 1, 2, "behaviour")
    assert serving(registry) == {"a": 1, "b": 1, "pay.c": 1, "current": 1}
    assert bump_all(registry, CHANGE) == dict.fromkeys(("a", "b", "pay.c"), "promoted")
    assert serving(registry) == {"a": 2, "b": 2, "pay.c": 2, "current": 1}
    assert registry.file("a@v2", "p.md") == "a 14\r\n{{> prompts/tone@v2}}\n"
    assert bump_all(registry, CHANGE) == {}
    assert registry.changesets.bump(CHANGE, "prompts/tone@v2", "a", alias="staging")["outcome"] == "current"
    alone = registry.changesets.bump(ME, "prompts/tone@v2", "unserved")
    assert (alone["outcome"], alone["to"], alone["move"]) == ("published", 2, None)
    assert str(alone["change"]).startswith("bump-tone-v2-"), "one that says none has one of its own"
    for wrong, error in (
        ("prompts/tone@v9", NotFound),
        ("prompts/none@v1", NotFound),
        ("prompts/tone@latest", InvalidInput),
    ):
        with pytest.raises(error):
            registry.changesets.bump(ME, wrong, "a")
        with pytest.raises(error):
            registry.changesets.holders(wrong)
    with pytest.raises(InvalidInput):
        registry.changesets.holders("prompts/tone@v2", bundles="A%")


def test_a_change_is_shown_and_taken_back_where_it_still_serves(registry: Registry) -> None:
    tones(registry)
    for name in ("a", "b", "c"):
        bundle(registry, name)
    bump_all(registry, CHANGE)
    registry.publish_component(CHANGE, "prompts", "tone", {"tone.md": "Third.\n"})
    bundle(registry, "b", day=20)  # moved since, by something else
    shown = registry.changesets.show("ml-812", limit=2)
    assert (shown["bundles"], shown["commits"], shown["components"]) == (3, 7, ["prompts/tone@v3"])
    assert (shown["next"], [one["bundle"] for one in shown["items"]]) == ("b", ["a", "b"])
    one = shown["items"][1]
    assert [(each["ref"], each["made_from"]) for each in one["releases"]] == [("b@v2", "b@v1")]
    assert [(m["from"], m["to"], m["serves"], m["stands"]) for m in one["moves"]] == [(1, 2, 3, False)]
    assert [each["bundle"] for each in registry.changesets.show("ml-812", cursor="b")["items"]] == ["c"]
    looked = registry.changesets.rollback(replace(ME, dry_run=True), "ml-812")
    assert [each["outcome"] for each in looked["items"]] == ["rolled_back", "left", "rolled_back"]
    assert serving(registry) == {"a": 2, "b": 3, "c": 2}
    done = registry.changesets.rollback(ME, "ml-812", limit=2)
    assert (done["under"], done["next"]) == ("undo-ml-812", "b")
    assert [(i["outcome"], i["from"], i["to"]) for i in done["items"]] == [("rolled_back", 2, 1), ("left", 3, 3)]
    assert "moved again" in done["items"][1]["why"]
    rest = registry.changesets.rollback(ME, "ml-812", cursor=done["next"])
    assert [(i["bundle"], i["outcome"]) for i in rest["items"]] == [("c", "rolled_back")]
    assert serving(registry) == {"a": 1, "b": 3, "c": 1}
    again = registry.changesets.rollback(ME, "ml-812")
    assert [i["outcome"] for i in again["items"]] == ["left"] * 3
    listed = registry.changesets.list()["items"]
    assert [(one["change"], one["bundles"], one["commits"]) for one in listed] == [
        ("undo-ml-812", 2, 2),
        ("ml-812", 3, 7),
    ]
    undone = registry.changesets.rollback(ME, "undo-ml-812")["items"][0]
    assert (undone["code"], "promote a@v2 staging --again" in undone["hint"]) == ("barred", True)
    assert registry.changesets.list(limit=1)["next"] is not None
    assert [
        one["change"] for one in registry.changesets.list(cursor=registry.changesets.list(limit=1)["next"])["items"]
    ] == ["ml-812"]
    for look in (registry.changesets.show, lambda name: registry.changesets.rollback(ME, name)):
        with pytest.raises(NotFound):
            look("none-such")
        with pytest.raises(InvalidName):
            look("No Such")


def test_every_way_to_change_something_takes_a_change(registry: Registry) -> None:
    tones(registry)
    bundle(registry, "a")
    bundle(registry, "a", day=15, alias=None)
    registry.promote(CHANGE, "a@v2", "staging")
    registry.rollback(replace(ME, change="back"), "a", "staging", serving="v2")
    registry.yank(CHANGE, "a@v2", reason="no")
    assert [one["change"] for one in registry.history("a")["items"]] == ["back", "ml-812", None]
    shown = registry.changesets.show("ml-812")["items"][0]
    assert (len(shown["moves"]), shown["other"], shown["serves"]) == (1, 1, {"staging": 1})
    told = {one["serial"]: one["data"]["change"] for one in registry.events(after=1, wait=0) if "change" in one["data"]}
    assert {"ml-812", "back", None} == set(told.values())
    items = registry.audit.items()["items"]
    assert [one["change"] for one in items if one["action"] == "rollback"] == ["back"]
    for wrong in ("A", "", "a b", "x\ny", "-x", "x" * 65):
        with pytest.raises(InvalidName):
            replace(ME, change=wrong)


@MEMORY
def test_where_a_gate_refuses_the_release_is_published_and_the_move_told(near: LocalRegistry) -> None:
    tones(near)
    for name in ("a", "b", "free"):
        bundle(near, name)
    rules = (
        "format: 1\nrules:\n- {bundles: a, aliases: staging, approvals: 1}\n"
        "- {bundles: b, aliases: staging, evidence: [{suite: t, score: '>= 0.8'}]}\n"
    )
    near.policies.edit(ME, rules, reason="careful")
    looked = near.changesets.bump(replace(CHANGE, dry_run=True), "prompts/tone@v2", "b", alias="staging")
    assert (looked["outcome"], [gate["passed"] for gate in looked["gates"]]) == ("refused", [False])
    assert bump_all(near, CHANGE) == {"a": "requested", "b": "refused", "free": "promoted"}
    assert serving(near) == {"a": 1, "b": 1, "free": 2}
    assert (near.bundle("a")["newest"], near.bundle("b")["newest"]) == (2, 2)
    attempt = next(one for one in near.audit.items()["items"] if one["outcome"] == "refused")
    assert (attempt["action"], attempt["code"], attempt["alias"]) == ("promote", "gates_open", "staging")
    near.evidence.add(ME, "b@v2", suite="t", score="1")
    second = near.changesets.bump(CHANGE, "prompts/tone@v2", "b", alias="staging")
    assert (second["outcome"], second["to"], second["created"]) == ("promoted", 2, False), "asked again it goes on"
    assert near.changesets.bump(CHANGE, "prompts/tone@v2", "a", alias="staging")["move"]["request"] == 1  # type: ignore[index]
    near.requests.approve(Caller(actor="ben", change="bens"), 1)
    moves = near.changesets.show("ml-812")["items"][0]["moves"]
    assert [(one["alias"], one["to"]) for one in moves] == [("staging", 2)], "it belongs to what it was asked for under"
    undone = near.changesets.rollback(ME, "ml-812")["items"]
    assert [one["outcome"] for one in undone] == ["rolled_back"] * 3
    assert serving(near) == {"a": 1, "b": 1, "free": 1}


@MEMORY
def test_a_bundle_whose_checks_fail_is_left_alone_and_one_that_holds_it_through_another_is_told(
    near: LocalRegistry,
) -> None:
    tones(near, "Be kind.\n", "Be {{how}}.\n")
    near.publish_component(ME, "prompts", "outer", {"outer.md": "{{> prompts/tone@v1}}\n"})
    declared = MANIFEST.format(name="strict", day=1, more=", inputs: {type: object, additionalProperties: false}")
    near.publish(ME, {"release.yaml": declared, "p.md": "{{> prompts/tone@v1}}\n"}, alias="staging")
    outer = MANIFEST.format(name="outer", day=1, more="")
    near.publish(ME, {"release.yaml": outer, "p.md": "{{> prompts/outer@v1}}\n"}, alias="staging")
    with pytest.raises(InvalidManifest) as caught:
        near.changesets.bump(CHANGE, "prompts/tone@v2", "strict", alias="staging")
    assert caught.value.details["findings"]
    through = near.changesets.bump(CHANGE, "prompts/tone@v2", "outer", alias="staging")
    assert (through["outcome"], through["to"]) == ("through", None)
    assert "prompts/outer@v1" in through["problem"]["message"]  # type: ignore[index]
    assert (near.bundle("strict")["newest"], near.bundle("outer")["newest"]) == (1, 1)
    with pytest.raises(NotFound):
        near.changesets.show("ml-812")


@pytest.mark.parametrize("where", ["directory"], indirect=True)
def test_two_bumps_at_once_make_one_successor_of_each(near: LocalRegistry) -> None:
    tones(near)
    names = [f"b{number}" for number in range(3)]
    for name in names:
        bundle(near, name)
    found: list[Any] = []
    start = threading.Barrier(2)

    def bump(change: str) -> None:
        start.wait()
        found.extend(
            near.changesets.bump(Caller(actor="x", change=change), "prompts/tone@v2", name, alias="staging")
            for name in names
        )

    threads = [threading.Thread(target=bump, args=(f"c{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one["newest"] for one in near.bundles()["items"]} == {2}
    assert [near.alias(name, "staging")["seq"] for name in names] == [2] * 3
    assert len(found) == 6
    assert sum(one["created"] for one in found) == 3


@MEMORY
def test_a_retry_with_the_same_key_is_the_same_write(near: LocalRegistry) -> None:
    tones(near)
    bundle(near, "a")
    keyed, edits = replace(CHANGE, key="k1"), Edits(set={"model.name": "n"})
    first = near.changesets.derive(keyed, "a@staging", edits, alias="staging")
    again = near.changesets.derive(keyed, "a@staging", edits, alias="staging")
    assert (first["commit"], first["move"]) == (again["commit"], again["move"]), "whatever the alias serves by now"
    with pytest.raises(Conflict):
        near.changesets.derive(keyed, "a@staging", Edits(set={"model.name": "o"}))
    assert [one["to"] for one in near.history("a", "staging")["items"]] == [2, 1]


@MEMORY
def test_a_reader_sees_of_a_change_what_may_be_read(near: LocalRegistry) -> None:
    tones(near)
    for name in ("mine", "theirs"):
        bundle(near, name)
    bump_all(near, CHANGE)
    bundle(near, "theirs", day=20)
    near.promote(replace(ME, change="hidden"), "theirs@v2", "staging")
    seen = near.seen_by(parse_grants("read:mine rollback:mine publish:*"))
    shown = seen.changesets.show("ml-812")
    assert "theirs" not in str(shown)
    assert (shown["bundles"], shown["commits"]) == (1, 2)
    assert [one["change"] for one in seen.changesets.list()["items"]] == ["ml-812"]
    with pytest.raises(NotFound):
        seen.changesets.show("hidden")
    assert seen.changesets.holders("prompts/tone@v2", alias="staging")["items"] == []
    publisher = Caller(actor="p", grants=parse_grants("publish:*"))
    with pytest.raises(PermissionDenied):
        seen.changesets.derive(publisher, "theirs@v1", Edits(set={"model.name": "x"}))
    with pytest.raises(PermissionDenied):
        seen.changesets.bump(publisher, "prompts/tone@v2", "theirs")
    owner = Caller(actor="o", grants=parse_grants("read:mine rollback:mine"))
    undone = seen.changesets.rollback(owner, "ml-812")
    assert [(one["bundle"], one["outcome"]) for one in undone["items"]] == [("mine", "rolled_back")]
    partly = near.changesets.rollback(Caller(actor="o", grants=parse_grants("rollback:mine")), "ml-812")
    assert "rolled back already" in partly["items"][0]["why"]
    near.promote(ME, "mine@v2", "staging", again=True, reason="right after all")


@MEMORY
def test_a_rollback_of_a_change_goes_back_behind_all_that_the_change_did(near: LocalRegistry) -> None:
    tones(near)
    bundle(near, "a")
    bundle(near, "fresh", alias=None)
    for day in (15, 16):
        bundle(near, "a", day=day, alias=None)
    for release in ("a@v2", "a@v3"):
        near.promote(CHANGE, release, "staging")
    near.promote(CHANGE, "fresh@v1", "staging")
    near.retire(replace(CHANGE, change="end"), "a", "staging")
    ended = near.changesets.rollback(ME, "end")["items"][0]
    assert (ended["outcome"], ended["from"], ended["to"]) == ("rolled_back", None, 3)
    near.promote(replace(CHANGE), "a@v2", "staging")
    done = near.changesets.rollback(CHANGE, "ml-812")["items"]
    assert [(one["bundle"], one["outcome"], one["to"]) for one in done] == [
        ("a", "rolled_back", 3),
        ("fresh", "left", 1),
    ]
    assert "alias retire" in done[1]["why"]


@MEMORY
def test_a_renamed_bundle_is_bumped_and_told_by_its_name_of_now_and_an_archived_one_is_left(
    near: LocalRegistry,
) -> None:
    tones(near)
    for name in ("old", "stored"):
        bundle(near, name)
    near.bundle_changes.rename(CHANGE, "old", "new", reason="clearer")
    near.bundle_changes.archive(ME, "stored", reason="over")
    for pattern in ("*", "new", "ol*"):
        held = near.changesets.holders("prompts/tone@v2", alias="staging", bundles=pattern)["items"]
        assert held == [{"bundle": "new", "version": 1, "held": 1}]
    assert near.changesets.bump(CHANGE, "prompts/tone@v2", "old", alias="staging")["bundle"] == "new"
    made = near.changesets.derive(CHANGE, "old@staging", Edits(set={"model.name": "n"}), alias="staging")
    assert (made["ref"], made["made_from"]) == ("new@v3", "new@v2")
    assert near.summary("old@v3")["made_from"]["ref"] == "new@v2"  # type: ignore[index]
    shown = near.changesets.show("ml-812")
    assert [(one["bundle"], len(one["releases"]), one["other"]) for one in shown["items"]] == [("new", 2, 1)]
    seen = near.seen_by(parse_grants("read:old")).changesets
    assert [one["bundle"] for one in seen.show("ml-812")["items"]] == ["new"]
    assert [one["to"] for one in near.changesets.rollback(ME, "ml-812")["items"]] == [1]
