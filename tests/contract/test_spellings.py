"""What other tools call a bundle: given with a release or afterwards, found by it, and never of two at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files

from pinset import bootstrap
from pinset.domain.access import parse_grants
from pinset.errors import AlreadyExists, IdempotencyMismatch, InvalidInput, InvalidName, NotFound, PermissionDenied
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry

CRITIC = "Movie Critic"
MARKUP = '<b>&"{}'
HERE = pytest.mark.parametrize("where", ["memory"], indirect=True)
"""For what is the same code near and far."""


def rows(near: LocalRegistry) -> list[Any]:
    with near._context.catalog.reading() as reader:
        return [row for row in reader.dump() if row[0].startswith("bundle")]


def who(grants: str, **more: Any) -> Caller:
    return Caller(actor="bob", grants=parse_grants(grants), **more)


def test_a_release_brings_the_spelling_of_its_bundle(registry: Registry) -> None:
    done = registry.publish(ME, files("One."), spelled=CRITIC, alias=ALIAS)
    assert (done["ref"], done["move"] and done["move"]["to"]) == (f"{NAME}@v1", 1)
    wrote = registry.operation(str(done["operation"]))["commits"]
    assert [one["ref"] for one in wrote] == [
        f"refs/heads/releases/{NAME}", f"refs/heads/bundles/{NAME}", f"refs/heads/aliases/{NAME}/{ALIAS}"
    ]  # fmt: skip
    assert registry.bundle(NAME)["names"] == registry.bundles()["items"][0]["names"] == [CRITIC]
    again = registry.publish(ME, files("Two."), spelled=CRITIC)
    assert len(registry.operation(str(again["operation"]))["commits"]) == 1
    registry.publish(ME, files("Two."), spelled=MARKUP)
    assert registry.bundle(NAME)["names"] == [CRITIC, MARKUP]
    assert registry.publish(ME, files("Three."), spelled=NAME)["version"] == 3


def test_a_bundle_is_found_by_all_that_it_is_called(registry: Registry) -> None:
    registry.publish(ME, files("One."), spelled=CRITIC)
    registry.publish(ME, files("One.", bundle="team.x"))
    registry.bundle_changes.set(ME, NAME, also=[MARKUP, "Cafe\u0301/b"])
    for name in (CRITIC, MARKUP, "Caf\u00e9/b", "Cafe\u0301/b", NAME):
        assert registry.spelled(name) == NAME
    assert registry.spelled("team/x") == registry.spelled("team.x") == "team.x"
    registry.bundle_changes.rename(ME, NAME, "helpdesk", reason="so called")
    for name in (CRITIC, NAME, "helpdesk"):
        assert registry.spelled(name) == "helpdesk"
    assert registry.bundle(NAME)["names"] == [CRITIC, MARKUP, "Caf\u00e9/b"]
    for name in ("movie critic", "Movie", "team/y", "nothing", " ", "x" * 800):
        with pytest.raises(NotFound) as caught:
            registry.spelled(name)
        assert caught.value.hint
    with pytest.raises(NotFound) as caught:
        registry.spelled("Team X")
    assert "is it one of team.x?" in caught.value.hint


def test_spellings_come_and_go(registry: Registry) -> None:
    registry.publish(ME, files("One."))
    done = registry.bundle_changes.set(ME, NAME, also=[CRITIC, "team/x"], reason="as imported")
    assert (done["action"], done["names"]) == ("set", [CRITIC, "team/x"])
    again = registry.bundle_changes.set(ME, NAME, also=["team/x"])
    assert (again["action"], again["operation"]) == ("none", None)
    dry = registry.bundle_changes.set(Caller(actor="ada", dry_run=True), NAME, not_also=[CRITIC], also=["B b"])
    assert dry["names"] == ["team/x", "B b"]
    keyed = Caller(actor="ada", key="once")
    once = registry.bundle_changes.set(keyed, NAME, not_also=[CRITIC], owner="us")
    assert (once["names"], once["owner"]) == (["team/x"], "us")
    assert registry.bundle_changes.set(keyed, NAME, not_also=[CRITIC], owner="us") == once
    with pytest.raises(NotFound):
        registry.spelled(CRITIC)
    for given, error in (({"also": ["plain"]}, InvalidName), ({"also": ["a\nb"]}, InvalidName), ({}, InvalidInput)):
        with pytest.raises(error):
            registry.bundle_changes.set(ME, NAME, **given)  # type: ignore[arg-type]


def test_no_spelling_is_that_of_two_bundles(registry: Registry) -> None:
    registry.publish(ME, files("One."), spelled=CRITIC)
    registry.publish(ME, files("One.", bundle="other"))
    for change in (
        lambda: registry.bundle_changes.set(ME, "other", also=["Fine", CRITIC]),
        lambda: registry.publish(ME, files("Two.", bundle="other"), spelled=CRITIC),
        lambda: registry.publish(ME, files("Two.", bundle="third"), spelled=CRITIC),
    ):
        with pytest.raises(AlreadyExists) as caught:
            change()
        assert f"pinset bundle set {NAME} --not-also" in caught.value.hint
    assert [one["newest"] for one in registry.bundles()["items"]] == [1, 1]
    registry.bundle_changes.set(ME, NAME, not_also=[CRITIC])
    registry.bundle_changes.set(ME, "other", also=[CRITIC])
    assert registry.spelled(CRITIC) == "other"


@HERE
def test_what_leads_to_a_bundle_is_not_taken_over_by_who_may_not_change_it(near: LocalRegistry) -> None:
    near.publish(ME, files("One.", bundle="team.x"))
    near.publish(ME, files("One.", bundle="own"))
    for one in ("team/x", "team.x/title", "team/x/title"):
        for change in (
            lambda one=one: near.bundle_changes.set(who("author:own read"), "own", also=[one]),
            lambda one=one: near.publish(who("publish:new read:new"), files("One.", bundle="new"), spelled=one),
        ):
            with pytest.raises(AlreadyExists, match="leads to"):
                change()
    with pytest.raises(AlreadyExists) as taken:
        near.bundle_changes.set(who("author:own read:own"), "own", also=["team/x"])
    assert "team.x" not in f"{taken.value.message} {taken.value.hint} {taken.value.details}"
    near.bundle_changes.set(who("author:own publish:team.x"), "own", also=["team.x/title", "elsewhere/x"])
    near.bundle_changes.set(who("bundle:own bundle:team.x"), "own", also=["team/x"])
    near.bundle_changes.set(who("bundle:own"), "own", also=["team/x", "other/x"])
    assert near.spelled("team/x") == "own"


@HERE
def test_the_past_says_the_spellings_of_then(registry: Registry) -> None:
    registry.publish(ME, files("One."), spelled=CRITIC)
    before = registry.describe()["changed_at"]
    registry.bundle_changes.set(ME, NAME, not_also=[CRITIC], also=["New Name"])
    assert registry.past(before).bundle(NAME)["names"] == [CRITIC]
    assert registry.bundle(NAME)["names"] == ["New Name"]


@HERE
def test_it_is_told_in_events_and_in_the_audit_log(registry: Registry) -> None:
    registry.publish(ME, files("One."), spelled=CRITIC)
    told = [one["data"] for one in registry.events(after=1, wait=0) if one["event"] == "bundle"]
    assert [(one["action"], one["names"]) for one in told] == [("set", [CRITIC])]  # type: ignore[typeddict-item]
    items = [one for one in registry.audit.items()["items"] if one["action"] == "bundle"]
    assert [one["details"]["names"] for one in items] == [[CRITIC]]


@HERE
def test_a_retry_is_answered_as_the_first_try(near: LocalRegistry) -> None:
    near.publish(ME, files("One."))
    keyed = Caller(actor="ada", key="once")
    first = near.publish(keyed, files("One."), spelled=CRITIC)
    assert (first["version"], first["created"]) == (1, False)
    near.publish(ME, files("Two."))
    assert near.publish(keyed, files("One."), spelled=CRITIC) == first
    with pytest.raises(IdempotencyMismatch):
        near.publish(keyed, files("One."), spelled=MARKUP)
    new = Caller(actor="ada", key="new")
    made = near.publish(new, files("Three."), spelled=MARKUP, alias=ALIAS)
    assert near.publish(new, files("Three."), spelled=MARKUP, alias=ALIAS) == made


@HERE
def test_the_first_release_may_bring_a_spelling_and_later_it_is_a_change_of_the_bundle(near: LocalRegistry) -> None:
    publisher = who(f"publish:{NAME} read:{NAME}")
    near.publish(publisher, files("One."), spelled=CRITIC)
    near.publish(publisher, files("Two."), spelled=CRITIC)
    near.publish(publisher, files("Two."), spelled=NAME)
    with pytest.raises(PermissionDenied) as caught:
        near.publish(publisher, files("Three."), spelled=MARKUP)
    assert caught.value.details["needs"] == f"bundle:{NAME}"
    near.publish(who("author"), files("Three."), spelled=MARKUP)
    with pytest.raises(InvalidName, match="can be the name of a bundle"):
        near.publish(ME, files("Four."), spelled="another-name")
    assert near.bundle(NAME)["newest"] == 3


@HERE
def test_who_may_not_read_a_bundle_does_not_learn_how_it_is_spelled(near: LocalRegistry) -> None:
    near.publish(ME, files("One."), spelled=CRITIC)
    near.publish(ME, files("One.", bundle="other"))
    assert near.seen_by(parse_grants(f"read:{NAME}@{ALIAS}")).spelled(CRITIC) == NAME
    seen = near.seen_by(parse_grants("read:other"))
    hidden, unknown = [], "Movie Critix"
    for name in (CRITIC, unknown):
        with pytest.raises(NotFound) as caught:
            seen.spelled(name)
        hidden.append((caught.value.message.replace(name, "it"), caught.value.hint, caught.value.details))
    assert hidden[0] == hidden[1]
    for name in (NAME, "not-there"):
        with pytest.raises(PermissionDenied):
            seen.spelled(name)
    assert (seen.meaning(CRITIC), seen.meaning(unknown), seen.sees(NAME), seen.sees("other")) == (
        NAME,
        None,
        False,
        True,
    )
    author = who("author:other read:other")
    with pytest.raises(AlreadyExists) as taken:
        near.bundle_changes.set(author, "other", also=[CRITIC])
    assert NAME not in f"{taken.value.message} {taken.value.hint} {taken.value.details}"


@HERE
def test_who_keeps_answers_drops_those_that_a_new_spelling_takes_over(near: LocalRegistry) -> None:
    near.publish(ME, files("One.", bundle="team.x"))
    near.publish(ME, files("One."))
    serial = near.describe()["serial"]
    assert near.spelled("team/x") == "team.x"
    near.bundle_changes.set(ME, NAME, also=["team/x", CRITIC])
    assert near.spelled("team/x") == NAME
    assert near.changes(serial).bundles == {NAME, "team.x", "team"}
    serial = near.describe()["serial"]
    near.publish(ME, files("One.", bundle=f"{NAME}.main"))
    near.bundle_changes.set(ME, "team.x", also=[f"{CRITIC}.main"])
    assert (near.changes(serial).bundles or set()) >= {NAME}, "by which that prompt was asked for until now"


@HERE
def test_a_rebuilt_catalog_is_the_same(near: LocalRegistry) -> None:
    near.publish(ME, files("One."), spelled=CRITIC, alias=ALIAS)
    near.publish(ME, files("One.", bundle="other"))
    near.bundle_changes.set(ME, NAME, not_also=[CRITIC], also=[MARKUP])
    near.bundle_changes.set(ME, "other", also=[CRITIC])
    near.bundle_changes.rename(ME, "other", "others", reason="so called")
    near.bundle_changes.archive(ME, "others", reason="old")
    before = rows(near)
    near.reindex()
    assert rows(near) == before
    assert near.spelled(CRITIC) == "others"
    with near._context.catalog.reading() as reader:
        assert reader.spelled(MARKUP) is not None


def test_two_bundles_of_one_spelling_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = bootstrap.memory_registry()
    forged.publish(ME, files("One."), spelled=CRITIC)
    forged.publish(ME, files("One.", bundle="other"))
    monkeypatch.setattr("pinset.services.spelling.refuse_taken", lambda *_: None)
    forged.bundle_changes.set(ME, "other", also=[CRITIC])
    assert [one["what"] for one in forged.verify()["problems"]] == [f"takes the spelling '{CRITIC}' of {NAME}"]
    forged.close()
