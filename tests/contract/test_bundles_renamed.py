"""What a renaming leaves as it was: rules, signatures, requests, purges, the audit log; and what a list of many costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ALIAS, ME, NAME, files, promote, publish
from sqlalchemy import event

from pinset.domain import messages
from pinset.domain.access import parse_grants
from pinset.domain.keys import STATEMENTS
from pinset.domain.records import BundleRecord
from pinset.errors import Archived, GatesOpen, Integrity, NotFound, PermissionDenied, Purged
from pinset.ports.audit import AuditFilter
from pinset.ports.registry import Caller
from pinset.signing import make_private, statement

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

NEW = "helpdesk.bot"
MEMORY = pytest.mark.parametrize("where", ["memory"], indirect=True)
pytestmark = MEMORY


def rename(registry: LocalRegistry, to: str = NEW, name: str = NAME) -> None:
    registry.bundle_changes.rename(ME, name, to, reason="so called now")


def policy(registry: LocalRegistry, rules: str) -> None:
    registry.policies.edit(ME, f"format: 1\nrules: [{rules}]\n", reason="as agreed")


def test_a_renaming_leaves_no_rule_of_the_policy_behind(near: LocalRegistry) -> None:
    publish(near, 2)
    policy(near, f"{{bundles: {NAME}, aliases: production, after: staging}}")
    rename(near)
    for name in (NAME, NEW):
        with pytest.raises(GatesOpen):
            near.promote(ME, f"{name}@v1", ALIAS)
        assert not near.policies.can_promote(ME, f"{name}@v1", ALIAS)["can"]
    near.promote(ME, f"{NEW}@v1", "staging")
    near.promote(ME, f"{NEW}@v1", ALIAS)
    near.promote(ME, f"{NEW}@v2", "staging")
    near.promote(ME, f"{NEW}@v2", ALIAS)
    tried = near.policies.check(ME, f"format: 1\nrules: [{{bundles: {NAME}, aliases: production, after: staging}}]\n")
    assert {one["bundle"] for one in tried["would"]} == {NEW}


def test_a_renaming_brings_the_rules_of_the_new_name(near: LocalRegistry) -> None:
    publish(near, 2)
    promote(near, 1)
    policy(near, "{bundles: 'helpdesk.*', aliases: production, approvals: 1}")
    near.promote(ME, f"{NAME}@v2", ALIAS)
    rename(near)
    asked = near.promote(ME, f"{NAME}@v1", ALIAS)
    assert (asked["action"], asked["bundle"]) == ("request", NEW)


def test_a_request_is_of_the_bundle_whatever_it_is_called(near: LocalRegistry) -> None:
    publish(near, 1)
    policy(near, f"{{bundles: {NAME}, aliases: production, approvals: 1}}")
    asked = near.promote(ME, f"{NAME}@v1", ALIAS)
    rename(near)
    assert [one["bundle"] for one in near.requests.list(bundle=NAME)["items"]] == [NEW]
    with pytest.raises(PermissionDenied):
        near.requests.approve(Caller(actor="eve", grants=parse_grants("approve:other")), asked["request"] or 0)
    bob = Caller(actor="bob", grants=parse_grants(f"approver:{NAME} promoter:{NAME}"))
    done = near.requests.approve(bob, asked["request"] or 0)
    assert done["move"] is not None
    assert (done["move"]["bundle"], near.alias(NEW, ALIAS)["version"]) == (NEW, 1)


def test_an_archive_holds_up_what_waits_for_approval(near: LocalRegistry) -> None:
    publish(near, 1)
    policy(near, "{bundles: '*', aliases: production, approvals: 1}")
    asked = near.promote(ME, f"{NAME}@v1", ALIAS)
    near.bundle_changes.archive(ME, NAME, reason="r")
    assert not near.policies.can_promote(ME, f"{NAME}@v1", ALIAS)["can"]
    reviewed = near.reviews.promotion(NAME, source="v1")
    assert (reviewed["can"], reviewed["command"]) == (False, None)
    assert any("is archived" in note for note in reviewed["notes"])
    near.requests.approve(Caller(actor="bob"), asked["request"] or 0)
    with pytest.raises(NotFound):
        near.alias(NAME, ALIAS)
    near.bundle_changes.unarchive(ME, NAME)
    assert near.requests.settle(ME)["moves"][0]["to"] == 1


def test_authors_sign_the_first_name_and_every_signature_goes_on(near: LocalRegistry) -> None:
    key = make_private()
    near.keys.add(ME, "mine", key.public, purpose="author", person="me")
    publish(near, 2)

    def signed(bundle: str, version: int) -> str:
        digest = near.summary(f"{NAME}@v{version}")["digest"]
        said = statement(registry=near.describe()["id"], bundle=bundle, digest=digest)
        return key.sign(said, STATEMENTS)

    near.keys.sign(ME, f"{NAME}@v1", signed(NAME, 1))
    rename(near)
    assert near.summary(f"{NEW}@v2").get("first_name") == NAME
    near.keys.sign(ME, f"{NEW}@v2", signed(NAME, 2))
    assert [near.keys.signatures(f"{NEW}@v{one}")["items"][0]["bundle"] for one in (1, 2)] == [NEW, NEW]


def test_a_purge_reaches_what_was_published_under_every_name(near: LocalRegistry) -> None:
    publish(near, 2)
    rename(near)
    near.publish(ME, files("Text 2.", bundle=NEW))
    promote(near, 1)
    done = near.purges.purge(ME, f"{NEW}@v2", files=["prompts/main.md"], reason="a secret")
    assert sorted(one["ref"] for one in done["purged"]) == [f"{NEW}@v2", f"{NEW}@v3"]
    told = [one for one in near.events(after=1, wait=0) if one["event"] == "purge"]
    data: Any = told[0]["data"]
    assert data["also"] == {f"{NEW}@v2": [f"{NAME}@v2"], f"{NEW}@v3": [f"{NAME}@v3"]}
    assert [one["version"] for one in near.releases(NAME)["items"] if one["purged"]] == [3, 2]
    assert near.bundle(NAME)["formerly"] == [NAME]
    with pytest.raises(Purged, match=rf"^{NEW}@v2 was purged") as gone:
        near.release(f"{NAME}@v2")
    assert (gone.value.details["ref"], gone.value.hint[-len(NEW) :]) == (f"{NEW}@v2", NEW)


def test_events_are_of_a_bundle_by_every_name(near: LocalRegistry) -> None:
    publish(near, 1)
    promote(near, 1)
    rename(near)
    for name in (NAME, NEW):
        seen = near.seen_by(parse_grants(f"read:{name}"))
        told: list[Any] = [one for one in seen.events(after=1, wait=0, bundles=[name]) if one["event"] != "ready"]
        assert [one["event"] for one in told] == ["release", "move", "bundle"]
        assert all((one["data"]["bundle"], one["data"]["formerly"]) == (NEW, [NAME]) for one in told)
    assert len(list(near.events(after=1, wait=0, bundles=["other"]))) == 1


def test_the_audit_log_of_a_bundle_is_the_same_by_every_name(near: LocalRegistry) -> None:
    publish(near, 1)
    near.bundle_changes.archive(ME, NAME, reason="r")
    with pytest.raises(Archived):
        near.promote(ME, f"{NAME}@v1", ALIAS)
    near.bundle_changes.unarchive(ME, NAME)
    rename(near)
    logs = [
        [(one["action"], one["outcome"]) for one in near.audit.items(AuditFilter(bundle=name))["items"]]
        for name in (NAME, NEW)
    ]
    wanted = [("rename", "done"), ("unarchive", "done"), ("promote", "refused"), ("archive", "done")]
    assert logs[0] == logs[1] == [*wanted, ("publish", "done")]
    items = near.audit.items(AuditFilter(bundle=NAME, action="rename"))["items"]
    assert items[0]["details"] == {"name": NEW, "owner": "", "description": "", "archived": False}


def test_a_rebuilt_catalog_is_the_same(near: LocalRegistry) -> None:
    publish(near, 2)
    promote(near, 1)
    near.bundle_changes.set(ME, NAME, owner="ann", description="one\ntwo")
    rename(near)
    near.promote(ME, f"{NEW}@v2", "staging")
    rename(near, "third", NEW)
    rename(near, NAME, "third")
    rename(near, "third", NAME)

    def rows() -> list[Any]:
        with near._context.catalog.reading() as reader:
            return list(reader.dump())

    before = rows()
    near.reindex()
    assert rows() == before
    assert near.bundle("third")["formerly"] == [NAME, NEW]


def test_git_tells_people_what_is_said_of_a_bundle(near: LocalRegistry) -> None:
    publish(near, 1)
    near.bundle_changes.set(ME, NAME, owner="ann: #1", description='a "b"\nc')
    rename(near)
    store = near._context.store
    ref = f"refs/heads/bundles/{NAME}"
    kept = store.read(ref, store.refs()[ref])
    assert kept.files["bundle.yaml"] == (
        f'bundle: "{NAME}"\nname: "{NEW}"\nowner: "ann: #1"\ndescription: "a \\"b\\"\\nc"\narchived: false\n'
    )
    record = messages.decode(kept.message)
    assert isinstance(record, BundleRecord)
    assert (record.bundle, record.name, record.reason) == (NAME, NEW, "so called now")


@pytest.mark.parametrize("renamed", [False, True])
def test_a_list_asks_as_often_of_many_bundles_as_of_few(near: LocalRegistry, renamed: bool) -> None:
    asked = 0
    engine: Any = near._context.catalog._engine  # type: ignore[attr-defined] # the one in memory has an engine

    def count(*_: Any) -> None:
        nonlocal asked
        asked += 1

    def questions(limit: int) -> int:
        nonlocal asked
        asked = 0
        event.listen(engine, "before_cursor_execute", count)
        try:
            page = near.bundles(limit=limit)
        finally:
            event.remove(engine, "before_cursor_execute", count)
        assert len(page["items"]) == limit
        return asked

    for number in range(12):
        near.publish(ME, files("One.", bundle=f"b{number:02}"), alias=ALIAS)
        near.promote(ME, f"b{number:02}@v1", "staging")
        if renamed:
            rename(near, f"n{number:02}", f"b{number:02}")
    few, many = questions(2), questions(12)
    assert few == many <= 8


def test_a_row_that_was_changed_is_never_listed(near: LocalRegistry) -> None:
    publish(near, 1)
    promote(near, 1)
    engine: Any = near._context.catalog._engine  # type: ignore[attr-defined] # as above
    for change in (
        "UPDATE alias SET at = at + 1",
        "UPDATE release SET yanked = 'x'",
        "UPDATE bundle SET owner = 'eve'",
    ):
        with engine.connect() as connection:
            connection.exec_driver_sql(change)
            connection.commit()
        with pytest.raises(Integrity):
            near.bundles()
        near.reindex()
    assert near.bundles()["items"][0]["owner"] == ""


def test_a_search_finds_a_bundle_by_every_name_and_tells_the_one_of_now(near: LocalRegistry) -> None:
    publish(near, 1)
    rename(near)
    for name in (NAME, NEW):
        seen = near.seen_by(parse_grants(f"read:{name}"))
        assert [one["name"] for one in seen.search(name)["items"] if one["what"] == "bundle"] == [NEW]
        texts = [one["ref"] for one in seen.search("Text 1")["items"] if one["what"] == "text"]
        assert texts == [f"{NEW}@v1"]
    assert near.seen_by(parse_grants("read:other")).search("Text 1")["items"] == []


def test_a_promotion_is_reviewed_by_every_name_and_told_by_the_one_of_now(near: LocalRegistry) -> None:
    publish(near, 2)
    promote(near, 1)
    near.promote(ME, f"{NAME}@v2", "staging")
    rename(near)
    for granted, asked in ((NAME, NEW), (NEW, NAME)):
        reviews = near.seen_by(parse_grants(f"read:{granted}")).reviews
        of_release, of_copy = reviews.promotion(asked), reviews.working_copy(files("Text 9.", bundle=asked))
        assert {of_release["bundle"], of_copy["bundle"]} == {NEW}
        assert of_release["from_ref"] == of_copy["from_ref"] == f"{NEW}@v1 (production)"
        assert of_release["candidate"] is not None
        assert of_release["candidate"]["aliases"] == ["staging"]
