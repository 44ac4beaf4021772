"""The use cases one by one, near and far: what a publish leaves behind, what is found, what a retry meets."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, NEAR, files, promote, publish, rollback, serves

from pinset.errors import (
    AlreadyExists,
    Barred,
    Conflict,
    IdempotencyMismatch,
    InvalidManifest,
    NotFound,
)
from pinset.ports.registry import Caller
from pinset.services import publish as publishing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry


# Publishing


def test_first_publish_is_version_one(registry: Registry) -> None:
    answer = registry.publish(ME, files("Hello."), message="first")
    assert (answer["ref"], answer["version"], answer["created"]) == ("support@v1", 1, True)
    assert registry.release("support@v1")["message"] == "first"


@NEAR
def test_a_release_says_who_published_it(registry: Registry) -> None:
    registry.publish(ME, files("Hello."))
    assert registry.release("support@v1")["published_by"] == "ada"


def test_same_content_again_is_nothing_new(registry: Registry) -> None:
    first = registry.publish(ME, files("Hello."))
    serial = registry.describe()["serial"]
    again = registry.publish(ME, files("Hello."), message="other words")
    assert not again["created"]
    assert (again["ref"], again["digest"], again["commit"]) == (first["ref"], first["digest"], first["commit"])
    assert again["operation"] is None
    assert registry.describe()["serial"] == serial


def test_older_content_again_answers_with_the_older_release(registry: Registry) -> None:
    publish(registry, 3)
    assert registry.publish(ME, files("Text 1."))["ref"] == "support@v1"


def test_same_content_with_a_free_label_is_a_new_version(registry: Registry) -> None:
    first = registry.publish(ME, files("Hello."))
    second = registry.publish(ME, files("Hello."), label="2025-03-14")
    assert (second["version"], second["created"], second["label"]) == (2, True, "2025-03-14")
    assert second["digest"] == first["digest"]
    assert not registry.publish(ME, files("Hello."), label="2025-03-14")["created"]
    assert registry.publish(ME, files("Hello."))["version"] == 1


@pytest.mark.parametrize("label", ["2025-rc1", "2025-RC1"])
def test_label_held_by_other_content_is_a_conflict(
    registry: Registry, everything: Callable[[], Any], label: str
) -> None:
    registry.publish(ME, files("Hello."), label="2025-rc1")
    before = everything()
    with pytest.raises(AlreadyExists):
        registry.publish(ME, files("Bye."), label=label)
    assert everything() == before


def test_publishing_under_another_bundles_name_is_refused(registry: Registry, everything: Callable[[], Any]) -> None:
    before = everything()
    with pytest.raises(InvalidManifest):
        registry.publish(ME, files("Hello."), bundle="billing")
    assert everything() == before
    assert registry.publish(ME, files("Hello."), bundle=NAME)["created"]


def test_numbers_go_up_and_leave_gaps(registry: Registry) -> None:
    assert registry.publish(ME, files("A."), number=7)["version"] == 7
    assert registry.publish(ME, files("B."))["version"] == 8
    with pytest.raises(Conflict):
        registry.publish(ME, files("C."), number=8)


def test_publish_with_alias_is_one_write(registry: Registry) -> None:
    answer = registry.publish(ME, files("Hello."), alias=ALIAS)
    assert answer["move"] is not None
    assert answer["move"]["to"] == 1
    assert answer["move"]["operation"] == answer["operation"]
    assert answer["operation"] is not None
    done = registry.operation(answer["operation"])
    assert [commit["ref"] for commit in done["commits"]] == [
        "refs/heads/releases/support",
        "refs/heads/aliases/support/production",
    ]
    assert serves(registry) == 1


def test_publish_with_alias_of_known_content_moves_the_alias_only(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 2)
    answer = registry.publish(ME, files("Text 1."), alias=ALIAS)
    assert not answer["created"]
    assert answer["move"] is not None
    assert serves(registry) == 1
    again = registry.publish(ME, files("Text 1."), alias=ALIAS)
    assert again["move"] is None


def test_publish_with_alias_of_a_barred_release_is_refused(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    rollback(registry)
    with pytest.raises(Barred):
        registry.publish(ME, files("Text 2."), alias=ALIAS)


def test_component_published_twice_is_nothing_new(registry: Registry) -> None:
    text = {"house-tone.md": "Be kind."}
    first = registry.publish_component(ME, "prompts", "house-tone", text)
    again = registry.publish_component(ME, "prompts", "house-tone", text)
    assert (first["created"], again["created"]) == (True, False)
    assert (again["ref"], again["digest"]) == (first["ref"], first["digest"])
    assert registry.publish_component(ME, "prompts", "house-tone", {"house-tone.md": "Be brief."})["version"] == 2
    assert [item["version"] for item in registry.component_versions("prompts", "house-tone")["items"]] == [2, 1]


def test_where_used_names_releases_and_aliases(registry: Registry) -> None:
    for tone in ("Be kind.", "Be brief."):
        registry.publish_component(ME, "prompts", "house-tone", {"t.md": tone})
    registry.publish(ME, files("{{> prompts/house-tone@v1}}"), alias=ALIAS)
    registry.publish(ME, files("{{> prompts/house-tone@v2}}"))
    every = registry.where_used("prompts/house-tone")["items"]
    assert {(use["component"], use["version"], tuple(use["aliases"])) for use in every} == {
        ("prompts/house-tone@v1", 1, (ALIAS,)),
        ("prompts/house-tone@v2", 2, ()),
    }
    assert [use["version"] for use in registry.where_used("prompts/house-tone@v2")["items"]] == [2]


# Looking


def test_history_is_newest_first_and_pages(registry: Registry) -> None:
    publish(registry, 3)
    promote(registry, 1, 2, 3)
    registry.promote(ME, "support@v1", "staging")
    items = registry.history(NAME, ALIAS)["items"]
    assert [item["seq"] for item in items] == [3, 2, 1]
    assert [(item["from"], item["to"], item["back"]) for item in items] == [(2, 3, 2), (1, 2, 1), (None, 1, None)]
    every = registry.history(NAME)["items"]
    assert [item["serial"] for item in every] == sorted((item["serial"] for item in every), reverse=True)
    paged: list[Any] = []
    page = registry.history(NAME, limit=3)
    paged += page["items"]
    page = registry.history(NAME, limit=3, cursor=page["next"])
    assert paged + page["items"] == every
    assert page["next"] is None


def test_every_selector_finds_its_release(registry: Registry) -> None:
    publish(registry, 1)
    answer = registry.publish(ME, files("Labelled."), label="2025-RC1", alias=ALIAS)
    publish(registry, 3)
    short = answer["digest"][: len("sha256:") + 12]
    for selector in ("v2", "2025-RC1", "2025-rc1", answer["digest"], short, ALIAS):
        assert registry.release(f"{NAME}@{selector}")["version"] == 2, selector
    assert registry.release(NAME)["version"] == 2
    assert registry.release(f"{NAME}@latest")["version"] == 4
    for selector in ("v9", "2025-rc2", "sha256:00000000", "canary"):
        with pytest.raises(NotFound):
            registry.release(f"{NAME}@{selector}")


def test_release_document_has_content_files_and_alias(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    document = registry.release(f"{NAME}@{ALIAS}")
    assert document["content"]["prompts"]["main"]["template"] == "Text 1."
    assert document["alias"] is not None
    assert (document["alias"]["name"], document["alias"]["seq"]) == (ALIAS, 1)
    assert registry.release(f"{NAME}@v1")["alias"] is None
    assert registry.file(f"{NAME}@v1", "prompts/main.md") == "Text 1."
    assert set(document["files"]) == {"prompts/main.md", "release.yaml"}


def test_diff_of_the_same_content_is_none(registry: Registry) -> None:
    publish(registry, 1)
    registry.publish(ME, files("Text 1."), label="2025-01-01")
    answer = registry.diff("support@v1", "support@v2")
    assert (answer["verdict"], answer["changes"]) == ("none", [])


def test_diff_of_another_prompt_changes_behaviour(registry: Registry) -> None:
    publish(registry, 1)
    answer = registry.diff("support@v1", files("Something else entirely."))
    assert answer["verdict"] == "behaviour"
    assert [change["component"] for change in answer["changes"]] == ["prompt"]


def test_bundles_say_what_their_aliases_serve(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1)
    registry.publish(ME, files("Other.", bundle="billing"))
    items = registry.bundles()["items"]
    assert [(item["name"], item["releases"], item["newest"], item["aliases"]) for item in items] == [
        ("billing", 1, 1, {}),
        (NAME, 2, 2, {ALIAS: 1}),
    ]
    assert [item["name"] for item in registry.bundles(alias=ALIAS)["items"]] == [NAME]


# Trying, and trying again


def test_dry_run_changes_nothing(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 3)
    promote(registry, 1, 2)
    registry.yank(ME, "support@v3", reason="leaks")
    before = everything()
    dry = Caller(actor="ada", dry_run=True)
    said = registry.publish(dry, files("New."), alias="staging")
    assert (said["ref"], said["created"]) == ("support@v4", True)
    assert not registry.publish(dry, files("Text 1."), alias="staging")["created"]
    registry.publish_component(dry, "prompts", "house-tone", {"t.md": "Be kind."})
    assert registry.promote(dry, "support@v1", ALIAS)["to"] == 1
    assert registry.rollback(dry, NAME, ALIAS)["to"] == 1
    assert registry.retire(dry, NAME, ALIAS)["action"] == "retire"
    assert registry.unyank(dry, "support@v3")["changed"]
    assert registry.yank(dry, "support@v1", reason="leaks")["changed"]
    assert everything() == before


def test_a_dry_run_of_publish_with_alias_answers_the_move(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 2)
    dry = Caller(actor="ada", dry_run=True)
    for text, alias, expected in (
        ("New.", ALIAS, ("promote", 2, 3, 2)),
        ("New.", "staging", ("promote", None, 3, 1)),
        ("Text 1.", ALIAS, ("promote", 2, 1, 2)),
        ("Text 1.", "staging", ("promote", None, 1, 1)),
    ):
        move = registry.publish(dry, files(text), alias=alias)["move"]
        assert move is not None, (text, alias)
        assert (move["action"], move["from"], move["to"], move["seq"]) == expected, (text, alias)
    assert registry.publish(dry, files("Text 2."), alias=ALIAS)["move"] is None
    assert [(move["alias"], move["to"]) for move in registry.history(NAME)["items"]] == [(ALIAS, 2)]


def test_same_key_twice_has_one_effect_and_one_answer(registry: Registry, everything: Callable[[], Any]) -> None:
    publish(registry, 2)
    promote(registry, 1)
    calls: dict[str, Callable[[Caller], Any]] = {
        "publish": lambda key: registry.publish(key, files("New."), alias="staging", message="new"),
        "component": lambda key: registry.publish_component(key, "prompts", "house-tone", {"t.md": "Be kind."}),
        "promote": lambda key: registry.promote(key, "support@v2", ALIAS, expect="v1"),
        "rollback": lambda key: registry.rollback(key, NAME, ALIAS, serving="v2"),
        "yank": lambda key: registry.yank(key, "support@v2", reason="leaks"),
        "retire": lambda key: registry.retire(key, NAME, ALIAS),
    }
    first = {}
    for name, call in calls.items():
        first[name] = call(Caller(actor="ada", key=name))
    after = everything()
    for name, call in calls.items():
        assert call(Caller(actor="ada", key=name)) == first[name], name
    assert everything() == after


def test_key_used_for_another_request_is_refused(registry: Registry) -> None:
    publish(registry, 2)
    registry.promote(Caller(actor="ada", key="k"), "support@v1", ALIAS)
    with pytest.raises(IdempotencyMismatch):
        registry.promote(Caller(actor="ada", key="k"), "support@v2", ALIAS)
    with pytest.raises(IdempotencyMismatch):
        registry.yank(Caller(actor="ada", key="k"), "support@v1", reason="leaks")
    assert serves(registry) == 1


@NEAR
def test_a_key_is_each_actors_own(registry: Registry) -> None:
    publish(registry, 2)
    registry.promote(Caller(actor="ada", key="k"), "support@v1", ALIAS)
    assert registry.promote(Caller(actor="bob", key="k"), "support@v2", ALIAS)["to"] == 2


@NEAR
def test_reindex_gives_the_identical_catalog(
    registry: Registry, near: LocalRegistry, everything: Callable[[], Any]
) -> None:
    registry.publish_component(ME, "prompts", "house-tone", {"t.md": "Be kind."})
    registry.publish(ME, files("{{> prompts/house-tone@v1}}"), label="2025-01-01", alias=ALIAS)
    publish(registry, 2)
    promote(registry, 2)
    rollback(registry)
    registry.yank(ME, "support@v3", reason="leaks")
    registry.retire(ME, NAME, ALIAS)
    before = everything()
    near.reindex()
    assert everything()[:2] == before[:2]


@NEAR
def test_what_a_publish_leans_on_is_looked_up_again_under_the_lock(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(registry, 2)
    promote(registry, 1)
    declared = files("Hello.", extra="  rollback_to: v1\n")
    assert registry.check(declared)["findings"] == []
    real = publishing.writing

    @contextlib.contextmanager
    def meanwhile(*arguments: Any) -> Iterator[Any]:
        monkeypatch.setattr(publishing, "writing", real)
        promote(registry, 2)
        with real(*arguments) as session:
            yield session

    monkeypatch.setattr(publishing, "writing", meanwhile)
    said = registry.publish(ME, declared)["findings"]
    assert said == registry.check(declared)["findings"]
    assert len(said) == 1


def test_a_retry_has_the_warnings_of_the_first_answer(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    publish(registry, 3)
    back = {"release.yaml": f"release:\n  feature: {NAME}\n  rollback_to: v1\n  prompts: {{main: main.md}}\n"}
    version = registry.publish(ME, {**back, "main.md": "Text of the last one."})["version"]
    promote(registry, 3)
    calls: list[Callable[[], Any]] = [
        lambda: registry.promote(Caller(actor="ada", key="a"), f"{NAME}@v{version}", "production"),
        lambda: registry.promote(Caller(actor="ada", key="b"), f"{NAME}@v2", "producton"),
        lambda: registry.publish(Caller(actor="ada", key="c"), files("Other."), alias="prodction"),
    ]
    first = [call() for call in calls]
    assert all(answer["warnings"] for answer in first[:2])
    assert first[2]["move"]["warnings"]
    registry.promote(ME, f"{NAME}@v1", "productionn")
    registry.promote(ME, f"{NAME}@v2", "production")
    assert [call() for call in calls] == first
