"""What is said of bundles: owners, archives and names. The same near and far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish

from pinset.domain.access import parse_grants
from pinset.errors import AlreadyExists, Archived, InvalidInput, InvalidName, NotFound, PermissionDenied
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

NEW = "helpdesk.bot"
HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""For what is the same code near and far."""


@pytest.fixture
def renamed(registry: Registry) -> Registry:
    """A bundle with two releases, of which the first is served, that was renamed since."""
    publish(registry, 2)
    promote(registry, 1)
    registry.bundle_changes.rename(ME, NAME, NEW, reason="the team is called so")
    return registry


def names_of(registry: Registry, **asked: Any) -> list[str]:
    return [item["name"] for item in registry.bundles(**asked)["items"]]


def test_what_is_said_of_a_bundle_is_told_of_it(registry: Registry) -> None:
    publish(registry, 1)
    said = registry.bundle_changes.set(ME, NAME, owner="team-support", description="Sums up tickets.\nIn two lines.")
    assert (said["action"], said["owner"], said["archived"], said["formerly"]) == ("set", "team-support", False, [])
    assert said["operation"]
    assert registry.operation(said["operation"])["commits"][0]["ref"] == f"refs/heads/bundles/{NAME}"

    again = registry.bundle_changes.set(ME, NAME, owner="team-support")
    assert (again["action"], again["operation"]) == ("none", None)
    emptied = registry.bundle_changes.set(ME, NAME, owner="", reason="nobody's now")
    assert (emptied["owner"], emptied["description"]) == ("", "Sums up tickets.\nIn two lines.")
    assert registry.bundle(NAME)["owner"] == ""


@HERE
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"owner": "x" * 201}, InvalidInput),
        ({"owner": "two\nlines"}, InvalidInput),
        ({"owner": "right\u202eleft"}, InvalidInput),
        ({"description": "x" * 2001}, InvalidInput),
        ({}, InvalidInput),
    ],
)
def test_what_nobody_could_read_is_not_said(registry: Registry, given: dict[str, str], error: type[Exception]) -> None:
    publish(registry, 1)
    with pytest.raises(error):
        registry.bundle_changes.set(ME, NAME, **given)
    assert registry.bundle(NAME)["owner"] == ""


@HERE
def test_a_bundle_without_a_release_cannot_be_changed(registry: Registry) -> None:
    for change in (
        lambda: registry.bundle_changes.set(ME, "nothing", owner="a"),
        lambda: registry.bundle_changes.archive(ME, "nothing", reason="r"),
        lambda: registry.bundle_changes.rename(ME, "nothing", "other", reason="r"),
    ):
        with pytest.raises(NotFound):
            change()


def test_an_archived_bundle_serves_and_rolls_back_and_takes_nothing_new(registry: Registry) -> None:
    publish(registry, 2)
    promote(registry, 1, 2)
    done = registry.bundle_changes.archive(ME, NAME, reason="replaced")
    assert done["archived"]
    assert done["warnings"] == [f"{NAME}@{ALIAS} goes on serving; retire it: pinset alias retire {NAME}@{ALIAS}"]
    with pytest.raises(Archived, match="archived"):
        registry.publish(ME, files("Text 3."))
    with pytest.raises(Archived):
        registry.promote(ME, f"{NAME}@v1", "staging")
    assert registry.release(f"{NAME}@{ALIAS}")["version"] == 2
    assert registry.rollback(ME, NAME, ALIAS)["to"] == 1

    assert names_of(registry) == []
    assert names_of(registry, archived=True) == [NAME]
    assert registry.bundle(NAME)["archived"]
    registry.bundle_changes.unarchive(ME, NAME)
    assert names_of(registry) == [NAME]
    assert registry.publish(ME, files("Text 3."))["version"] == 3


@HERE
def test_a_reason_is_wanted_for_an_archive_and_for_a_name(registry: Registry) -> None:
    publish(registry, 1)
    with pytest.raises(InvalidInput, match="reason"):
        registry.bundle_changes.archive(ME, NAME, reason=" ")
    with pytest.raises(InvalidInput, match="reason"):
        registry.bundle_changes.rename(ME, NAME, NEW, reason="")


def test_a_dry_run_says_what_would_be_and_changes_nothing(registry: Registry) -> None:
    publish(registry, 1)
    dry = Caller(actor="ada", dry_run=True)
    would = registry.bundle_changes.rename(dry, NAME, NEW, reason="r")
    assert (would["name"], would["formerly"], would["operation"]) == (NEW, [NAME], None)
    assert registry.bundle(NAME)["name"] == NAME
    with pytest.raises(NotFound):
        registry.bundle(NEW)


def test_the_same_key_renames_once(registry: Registry) -> None:
    publish(registry, 1)
    caller = Caller(actor="ada", key="once")
    first = registry.bundle_changes.rename(caller, NAME, NEW, reason="r")
    again = registry.bundle_changes.rename(caller, NAME, NEW, reason="r")
    assert first == again
    assert first["action"] == "rename"


def test_a_renamed_bundle_answers_by_every_name_that_it_had(renamed: Registry) -> None:
    for name in (NAME, NEW):
        assert renamed.bundle(name)["name"] == NEW
        assert renamed.bundle(name)["formerly"] == [NAME]
        assert renamed.summary(f"{name}@v1")["ref"] == f"{NEW}@v1"
        assert [one["ref"] for one in renamed.releases(name)["items"]] == [f"{NEW}@v2", f"{NEW}@v1"]
        assert [one["bundle"] for one in renamed.history(name)["items"]] == [NEW]
        assert [one["bundle"] for one in renamed.aliases(name)["items"]] == [NEW]
        assert renamed.diff(f"{name}@v1", f"{NEW}@v2")["from"].startswith(f"{NEW}@v1")
        assert renamed.resolve([f"{name}@{ALIAS}"])["items"][0]["ref"] == f"{NEW}@v1"
        assert names_of(renamed, query=name) == [NEW]
        assert names_of(renamed, alias=ALIAS, query=name) == [NEW]


def test_a_fetch_is_answered_in_the_name_that_was_asked(renamed: Registry) -> None:
    old, new = renamed.sealed(f"{NAME}@{ALIAS}"), renamed.sealed(f"{NEW}@{ALIAS}")
    assert (old["ref"], old["bundle"], old["renamed"]) == (f"{NAME}@v1", NAME, NEW)
    assert (new["ref"], new["bundle"], new.get("renamed")) == (f"{NEW}@v1", NEW, None)
    assert old["names"] == new["names"] == [NAME, NEW]
    assert (old["manifest"], old["digest"], old["commit"]) == (new["manifest"], new["digest"], new["commit"])


@HERE
def test_the_line_of_releases_goes_on_under_either_name(renamed: Registry) -> None:
    new = renamed.publish(ME, files("Text 3.", bundle=NEW), alias="staging")
    assert (new["ref"], new["version"], new["findings"]) == (f"{NEW}@v3", 3, [])
    assert new["move"] is not None
    assert new["move"]["bundle"] == NEW
    old = renamed.publish(ME, files("Text 4."))
    assert (old["ref"], old["version"]) == (f"{NEW}@v4", 4)
    assert [one["code"] for one in old["findings"]] == ["bundle-renamed"]
    assert renamed.publish(ME, files("Text 1."))["version"] == 1
    moved = renamed.promote(ME, f"{NAME}@v4", ALIAS)
    assert (moved["bundle"], moved["seq"], moved["from"]) == (NEW, 2, 1)
    back = renamed.rollback(ME, NEW, ALIAS)
    assert (back["bundle"], back["to"]) == (NEW, 1)
    assert names_of(renamed) == [NEW]


@HERE
def test_notes_of_a_renamed_bundle_go_on(renamed: Registry) -> None:
    renamed.yank(ME, f"{NAME}@v2", reason="wrong")
    assert renamed.summary(f"{NEW}@v2")["yanked"] == "wrong"
    added = renamed.evidence.add(ME, f"{NAME}@v1", suite="golden", score="0.9")
    assert added["ref"] == f"{NEW}@v1"
    assert [one["ref"] for one in renamed.evidence.of_bundle(NEW)["items"]] == [f"{NEW}@v1"]


@HERE
def test_a_name_belongs_to_its_bundle_for_ever(renamed: Registry) -> None:
    renamed.publish(ME, files("Other.", bundle="other"))
    for taken in (NAME, NEW):
        with pytest.raises(AlreadyExists):
            renamed.bundle_changes.rename(ME, "other", taken, reason="r")
    with pytest.raises(AlreadyExists):
        renamed.bundle_changes.rename(ME, NAME, "other", reason="r")
    with pytest.raises(InvalidName):
        renamed.bundle_changes.rename(ME, NAME, "Not A Name", reason="r")


@HERE
def test_names_go_in_chains_and_back(renamed: Registry) -> None:
    third = renamed.bundle_changes.rename(ME, NAME, "third", reason="r")
    assert (third["name"], third["formerly"]) == ("third", [NAME, NEW])
    back = renamed.bundle_changes.rename(ME, NEW, NAME, reason="as it was")
    assert (back["name"], back["formerly"]) == (NAME, [NEW, "third"])
    same = renamed.bundle_changes.rename(ME, "third", NAME, reason="again")
    assert (same["action"], same["operation"]) == ("none", None)
    for name in (NAME, NEW, "third"):
        assert renamed.release(f"{name}@{ALIAS}")["bundle"] == name
        assert renamed.alias(name, ALIAS)["bundle"] == NAME
    assert names_of(renamed) == [NAME]


def test_lists_are_by_owner_and_by_what_is_called_now(registry: Registry) -> None:
    for name in ("beta", "alpha", "gamma"):
        registry.publish(ME, files("One.", bundle=name), alias=ALIAS)
    registry.bundle_changes.set(ME, "beta", owner="ann")
    registry.bundle_changes.set(ME, "gamma", owner="ann")
    registry.bundle_changes.rename(ME, "alpha", "zeta", reason="r")
    assert names_of(registry) == ["beta", "gamma", "zeta"]
    assert names_of(registry, alias=ALIAS) == ["beta", "gamma", "zeta"]
    assert names_of(registry, owner="ann") == ["beta", "gamma"]
    assert names_of(registry, owner="") == ["zeta"]
    assert names_of(registry, owner="nobody") == []
    first = registry.bundles(limit=1, alias=ALIAS)
    assert first["next"] == "beta"
    assert names_of(registry, alias=ALIAS, cursor="gamma") == ["zeta"]
    listed = registry.bundles(owner="ann")["items"][0]
    alias = registry.alias("beta", ALIAS)
    assert listed["since"] == {ALIAS: alias["moved_at"]}
    assert listed["owner"] == "ann"


def test_the_past_says_what_was_said_then(registry: Registry) -> None:
    publish(registry, 1)
    promote(registry, 1)
    before = registry.describe()["changed_at"]
    registry.bundle_changes.set(ME, NAME, owner="ann")
    owned = registry.describe()["changed_at"]
    registry.bundle_changes.archive(ME, NAME, reason="r")
    registry.bundle_changes.rename(ME, NAME, NEW, reason="r")
    then = registry.past(before)
    assert (then.bundle(NEW)["owner"], then.bundle(NAME)["archived"]) == ("", False)
    assert [one["name"] for one in then.bundles(alias=ALIAS)["items"]] == [NEW]
    assert [one["name"] for one in then.bundles(owner="ann")["items"]] == []
    later = registry.past(owned)
    assert [one["owner"] for one in later.bundles(owner="ann")["items"]] == ["ann"]
    assert later.bundle(NAME)["since"] == registry.bundle(NAME)["since"]
    assert registry.bundles()["items"] == []


@HERE
def test_who_may_set_archive_and_rename(near: LocalRegistry) -> None:
    publish(near, 1)

    def who(grants: str) -> Caller:
        return Caller(actor="bob", grants=parse_grants(grants))

    near.bundle_changes.set(who("author"), NAME, owner="a")
    for grants in ("reader", "promoter", f"author:{NAME}.*"):
        with pytest.raises(PermissionDenied):
            near.bundle_changes.set(who(grants), NAME, owner="b")
    for grants in ("author", "bundle", f"retire:{NAME}@{ALIAS}"):
        with pytest.raises(PermissionDenied):
            near.bundle_changes.archive(who(grants), NAME, reason="r")
        with pytest.raises(PermissionDenied):
            near.bundle_changes.unarchive(who(grants), NAME)
    near.bundle_changes.archive(who("promoter"), NAME, reason="r")
    near.bundle_changes.unarchive(who(f"retire:{NAME}"), NAME)
    for grants in ("author", "write", f"rename:{NAME}", f"rename:{NEW}", "admin:team-a.*"):
        with pytest.raises(PermissionDenied):
            near.bundle_changes.rename(who(grants), NAME, NEW, reason="r")
    near.bundle_changes.rename(who(f"rename:{NAME} rename:{NEW}"), NAME, NEW, reason="r")


@HERE
def test_a_grant_holds_under_every_name_of_a_bundle(near: LocalRegistry) -> None:
    publish(near, 1)
    promote(near, 1)
    near.bundle_changes.rename(ME, NAME, NEW, reason="r")
    for grants in (f"read:{NAME}", f"read:{NEW}"):
        seen = near.seen_by(parse_grants(grants))
        for name in (NAME, NEW):
            assert seen.release(f"{name}@{ALIAS}")["version"] == 1
            assert [one["to"] for one in seen.history(name)["items"]] == [1]
        assert names_of(seen) == [NEW]
    with pytest.raises(PermissionDenied):
        near.seen_by(parse_grants("read:helpdesk")).release(f"{NEW}@{ALIAS}")
    mover = Caller(actor="bob", grants=parse_grants(f"promoter:{NAME}@staging"))
    assert near.promote(mover, f"{NEW}@v1", "staging")["to"] == 1
    with pytest.raises(PermissionDenied):
        near.promote(mover, f"{NEW}@v1", ALIAS)
