"""Purging near and far: what goes, what stays taken, what is refused, and what is answered afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ME

from pinset import bootstrap
from pinset.domain.access import parse_grants
from pinset.domain.proof import Proof
from pinset.errors import (
    AlreadyExists,
    Conflict,
    ContentPurged,
    IdempotencyMismatch,
    Integrity,
    InvalidInput,
    InvalidName,
    InvalidReference,
    NotFound,
    PermissionDenied,
    Purged,
    StillServed,
)
from pinset.services import recovering, verifying
from purge_steps import CLEAN, GONE, SECRET, SYSTEM, of, prepare, purge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

FAR = pytest.mark.parametrize("where", ["memory", "http"])


@pytest.fixture
def memory() -> Iterator[LocalRegistry]:
    """A registry in memory, with the secret in it, that must prove sound whatever a test did."""
    made = bootstrap.memory_registry()
    prepare(made)
    yield made
    proven = made.verify()
    made.close()
    assert proven["ok"], proven["problems"]


@FAR
def test_a_purge_finds_the_text_everywhere_and_keeps_the_names(
    registry: Registry, everything: Callable[[], Any]
) -> None:
    prepare(registry)
    digest = registry.summary("support@v2")["digest"]
    before = everything()
    planned = purge(registry, caller=replace(ME, dry_run=True))
    assert everything() == before
    serial, once = registry.describe()["serial"], replace(ME, key="once")
    made = purge(registry, expect=GONE, caller=once)
    assert purge(registry, expect=GONE, caller=once) == made
    told_of = list(registry.events(after=serial, bundles=["other"], wait=0))[1:]
    assert [(one["event"], one["data"]["serial"]) for one in told_of] == [("purge", made["serial"])]
    assert [one["ref"] for one in made["purged"]] == GONE == [one["ref"] for one in planned["purged"]]
    assert made["purged"][0] == {"ref": "support@v2", "label": "2025-rc2", "digest": digest, "paths": [SYSTEM]}
    assert (planned["operation"], planned["rewritten"], made["rewritten"]) == (
        None,
        None,
        made["serial"] - made["first"],
    )
    for reference in ("support@v2", "support@2025-rc2", f"support@{digest}", "other@v1"):
        with pytest.raises(Purged) as told:
            registry.sealed(reference)
        assert told.value.details["reason"] == "it holds a password"
        assert told.value.details["at"] == made["at"]
    assert told.value.details["digest"] == registry.summary("other@v1")["digest"]
    with pytest.raises(Purged):
        registry.file("support@v3", "prompts/user.md")
    with pytest.raises(Purged):
        registry.diff("support@v1", "support@v2")
    marks = {one["version"]: one["purged"] for one in registry.releases("support")["items"]}
    assert marks == {1: None, 2: marks[2], 3: marks[2], 4: None}
    assert marks[2] == {"at": made["at"], "by": made["actor"], "reason": "it holds a password"}
    assert registry.summary("support@v2")["label"] == "2025-rc2"
    assert [one["purged"] for one in registry.history("support")["items"]] == [False, True, False]
    assert registry.release("support@production")["version"] == 4
    assert registry.file("support@v1", SYSTEM) == CLEAN


def test_what_an_alias_serves_is_not_purged(memory: LocalRegistry) -> None:
    memory.promote(ME, "other@v1", "canary")
    memory.promote(ME, "support@v3", "staging")
    serial = memory.describe()["serial"]
    with pytest.raises(StillServed, match=r"other@canary serves other@v1, support@staging serves support@v3") as told:
        purge(memory)
    assert memory.describe()["serial"] == serial
    served = [{"alias": "other@canary", "ref": "other@v1"}, {"alias": "support@staging", "ref": "support@v3"}]
    assert told.value.details == {"served": served, "purges": GONE}
    assert "pinset promote other@latest canary" in told.value.hint


def test_nothing_can_be_made_of_what_was_purged(memory: LocalRegistry) -> None:
    purge(memory)
    for again in (of(SECRET), of(SECRET, temperature=0.9), of(SECRET, bundle="third")):
        with pytest.raises(ContentPurged):
            memory.publish(ME, again)
    with pytest.raises(AlreadyExists):
        memory.publish(ME, of("Be quick."), label="2025-rc2")
    assert memory.publish(ME, of("Be quick."))["version"] == 5
    with pytest.raises(ContentPurged):
        memory.promote(ME, "support@v2", "production")
    with pytest.raises(ContentPurged):
        memory.rollback(ME, "support", "production", to="v2")
    with pytest.raises(ContentPurged):
        memory.yank(ME, "support@v2", reason="leaks")
    back = memory.rollback(ME, "support", "production")
    assert (back["to"], back["warnings"]) == (1, ["v2 is purged, skipped"])


def test_a_retry_of_a_purge_is_the_same_purge(memory: LocalRegistry) -> None:
    caller = replace(ME, key="once")
    first = purge(memory, caller=caller)
    assert purge(memory, caller=caller) == first
    with pytest.raises(IdempotencyMismatch):
        purge(memory, "support@v1", caller=caller)
    with pytest.raises(Purged):
        purge(memory)


@pytest.mark.parametrize(
    ("reference", "given", "error"),
    [
        ("support@v2", {"files": ["prompts/nowhere.md"]}, NotFound),
        ("support@v9", {}, NotFound),
        ("nobody@v1", {}, NotFound),
        ("prompts/house-tone@v1", {}, NotFound),
        ("support", {}, InvalidReference),
        ("prompts/house-tone", {}, InvalidReference),
        ("support@v2", {"files": ["../../etc/passwd"]}, InvalidName),
        ("support@v2", {"files": []}, InvalidInput),
        ("support@v2", {"all_files": True}, InvalidInput),
        ("support@v2", {"reason": " "}, InvalidInput),
        ("support@v2", {"expect": ["support@v2"]}, Conflict),
    ],
)
def test_a_purge_that_is_not_meant_so_is_refused(
    memory: LocalRegistry, reference: str, given: dict[str, Any], error: type[Exception]
) -> None:
    serial = memory.describe()["serial"]
    with pytest.raises(error):
        purge(memory, reference, **given)
    assert memory.describe()["serial"] == serial
    assert memory.file("support@v2", SYSTEM) == SECRET


def test_who_may_purge_some_bundles_may_purge_what_is_there_alone(memory: LocalRegistry) -> None:
    memory.publish_component(ME, "prompts", "door", {"door.md": "zebra"})
    for grants, reference in (
        ("write", "support@v2"),
        ("purge:other", "support@v2"),
        ("purge:support", "support@v2"),  # other@v1 holds it too
        ("purge:support", "prompts/door@v1"),
    ):
        with pytest.raises(PermissionDenied):
            purge(memory, reference, caller=replace(ME, grants=parse_grants(grants)))
    named = parse_grants("purge:support,purge:other")
    assert len(purge(memory, caller=replace(ME, grants=named))["purged"]) == 3


def test_a_component_goes_with_the_releases_that_hold_it(memory: LocalRegistry) -> None:
    memory.publish_component(ME, "prompts", "house-tone", {"house-tone.md": SECRET + " Always."})
    memory.publish_component(ME, "prompts", "house-tone", {"house-tone.md": "Be kind, always."})
    with_tone = of("{{> prompts/house-tone@v1}} Go.", bundle="billing")
    memory.publish(ME, with_tone)
    made = purge(memory, "prompts/house-tone@v1", files=["house-tone.md"])
    held = "components/prompts/house-tone/house-tone.md"
    assert [(one["ref"], one["paths"]) for one in made["purged"]] == [
        ("prompts/house-tone@v1", ["house-tone.md"]),
        ("billing@v1", [held]),
    ]
    with pytest.raises(Purged):
        memory.component("prompts", "house-tone", "v1")
    with pytest.raises(ContentPurged, match="prompts/house-tone@v1 was purged"):
        memory.publish(ME, of("{{> prompts/house-tone@v1}} Stop.", bundle="billing"))
    with pytest.raises(ContentPurged):
        memory.publish_component(ME, "prompts", "house-tone", {"house-tone.md": SECRET + " Always."})
    listed = memory.component_versions("prompts", "house-tone")["items"]
    assert [(one["version"], one["purged"] is not None) for one in listed] == [(2, False), (1, True)]
    assert memory.where_used("prompts/house-tone@v2")["items"] == []


def test_the_newest_version_of_a_component_is_one_that_is_there(memory: LocalRegistry) -> None:
    memory.publish_component(ME, "prompts", "tone", {"tone.md": "Kind."})
    memory.publish_component(ME, "prompts", "tone", {"tone.md": SECRET + "!"})
    purge(memory, "prompts/tone@v2", all_files=True, files=[])
    assert memory.component("prompts", "tone")["version"] == 1


def test_a_manifest_can_be_what_holds_the_secret(memory: LocalRegistry) -> None:
    inline = of(CLEAN, bundle="inline")
    inline["release.yaml"] = inline["release.yaml"].replace("foundation-large", "zebra-77-crossing")
    memory.publish(ME, inline)
    assert "zebra-77-crossing" in memory.sealed("inline@v1")["manifest"]
    assert [one["ref"] for one in purge(memory, "inline@v1", files=["release.yaml"])["purged"]] == ["inline@v1"]
    with pytest.raises(ContentPurged):
        memory.publish(ME, inline)
    memory.publish(ME, of("Other.", bundle="sealed"))
    made = purge(memory, "sealed@v1", files=["manifest.json"])
    assert [(one["ref"], one["paths"]) for one in made["purged"]] == [("sealed@v1", ["manifest.json"])]


def test_a_second_purge_follows_the_first(memory: LocalRegistry) -> None:
    first = purge(memory)
    memory.publish(ME, of("Another secret.", temperature=0.7))
    with pytest.raises(StillServed):
        purge(memory, "support@v5", files=[SYSTEM, "prompts/user.md"], caller=replace(ME, dry_run=True))
    memory.retire(ME, "support", "production")
    second = purge(memory, "support@v5", files=[SYSTEM, "prompts/user.md"])
    assert [one["ref"] for one in second["purged"]] == ["support@v1", "support@v4", "support@v5"]
    assert len(second["texts"]) == 2
    assert second["first"] < first["first"], "the tombstone of the first was written anew too"
    with pytest.raises(NotFound):
        memory.release("support@latest")
    with memory._context.catalog.reading() as reader:
        notes = reader.notes(["purge"])
    assert [record.stamp.serial for _, record in notes] == [second["serial"], first["serial"]]


def test_a_purge_is_an_event_for_who_follows_one_of_its_bundles(memory: LocalRegistry) -> None:
    registry = memory
    serial = registry.describe()["serial"]
    made = purge(registry)
    expected = {
        "serial": made["serial"],
        "at": made["at"],
        "actor": made["actor"],
        "purged": GONE,
        "reason": "it holds a password",
    }
    for bundles, aliases, heard in ((["other"], [], 1), (["billing"], [], 0), ([], [], 1)):
        events = list(registry.events(after=serial, bundles=bundles, aliases=aliases, wait=0))[1:]
        assert [(one["event"], one["data"]) for one in events] == [("purge", expected)] * heard


def test_who_keeps_answers_makes_all_of_them_anew(memory: LocalRegistry) -> None:
    serial = memory.describe()["serial"]
    assert memory.changes(serial).bundles == frozenset()
    purge(memory)
    assert memory.changes(serial).bundles is None


def test_a_retry_of_a_publish_finds_the_release_that_was_purged_since(memory: LocalRegistry) -> None:
    caller = replace(ME, key="release")
    made = memory.publish(caller, of("To go.", temperature=0.8))
    purge(memory, made["ref"])
    again = memory.publish(caller, of("To go.", temperature=0.8))
    assert (again["ref"], again["digest"], again["operation"]) == (made["ref"], made["digest"], made["operation"])


def test_content_that_is_missing_without_a_tombstone_is_damage(memory: LocalRegistry) -> None:
    purge(memory)
    store = memory._context.store
    facts = [verifying._fact(stored) for stored in store.scan()]
    assert memory.verify()["ok"]
    lost = Proof()
    for fact in facts[:-1]:
        lost.add(fact)
    lost.finish()
    assert len(lost.problems) == 3
    assert {what for _, what in lost.problems} == {"has no content, and was not purged"}
    with pytest.raises(Integrity, match="has no content, and was not purged"):
        memory._context.catalog.rebuild(recovering.entry_of(stored) for stored in [*store.scan()][:-1])
    assert memory.release("support@v1")["version"] == 1


def test_a_verify_that_a_purge_overtakes_looks_again(memory: LocalRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    store, looks = memory._context.store, []
    real = store.scan

    def scan(**given: Any) -> Any:
        looks.append(1)
        if len(looks) == 1:
            purge(memory)
        return real(**given)

    monkeypatch.setattr(store, "scan", scan)
    assert memory.verify()["problems"] == []
    assert len(looks) > 2
