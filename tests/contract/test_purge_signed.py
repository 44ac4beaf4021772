"""A purge in a registry that signs: what is written anew counts as before, and what was kept of before is explained."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import ME

from pinset import bootstrap
from pinset.client.trust import Trust
from pinset.domain.keys import STATEMENTS
from pinset.errors import ContentPurged, ReadOnly, RequestClosed, StillServed
from pinset.ports.registry import Caller
from pinset.services import maintenance
from pinset.signing import make_private, statement
from purge_steps import GONE, of, prepare, purge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.services.local import LocalRegistry

PRODUCTION = "support@production"
POLICY = "format: 1\nrules: [{bundles: '*', aliases: production, approvals: 1}]\n"
BEN, CARL = Caller(actor="ben"), Caller(actor="carl")


@pytest.fixture
def registry() -> Iterator[LocalRegistry]:
    """A registry in memory with the secret in it, that must prove sound and signed throughout whatever a test did."""
    made = bootstrap.memory_registry()
    prepare(made)
    yield made
    assert_signed(made)
    made.close()


def assert_signed(registry: LocalRegistry) -> None:
    """Every commit is signed as it must be, and git alone makes the same catalog."""
    proven = registry.verify()
    assert (proven["problems"], proven["signed"]) == ([], proven["commits"])
    with registry._context.catalog.reading() as reader:
        rows = list(reader.dump())
    registry.reindex()
    with registry._context.catalog.reading() as reader:
        assert rows == list(reader.dump())


def publics(registry: LocalRegistry) -> list[str]:
    """The registry's own keys, the oldest first."""
    return [key["public"] for key in registry.keys.all()["items"] if key["purpose"] == "registry"]


def lose(registry: LocalRegistry, public: str) -> None:
    """Remove the private half of a key."""
    store: Any = registry._context.store
    del store._keys[public]


def answer(registry: LocalRegistry, reference: str = PRODUCTION) -> Any:
    return json.loads(json.dumps(registry.sealed(reference)))


def test_what_is_written_anew_is_signed_with_the_key_of_then(registry: LocalRegistry) -> None:
    purge(registry)
    (first,) = publics(registry)
    Trust(first).refuse_unproven(answer(registry))
    registry.keys.rotate(ME)
    registry.keys.retire(ME, "registry-1")
    registry.publish(ME, of("Another.", temperature=0.7))
    purge(registry, "support@v5")
    second = publics(registry)[1]
    Trust(first).refuse_unproven({**(now := answer(registry)), "proof": {**now["proof"], "epoch": _founding(registry)}})
    Trust([first, second]).refuse_unproven(now)
    registry.publish(ME, of("The newest."), alias="production")
    Trust(second).refuse_unproven(answer(registry))


def _founding(registry: LocalRegistry) -> str:
    return next(iter(registry._context.store.scan())).raw


def test_a_purge_from_before_a_rotation_signs_both_sides_of_it(registry: LocalRegistry) -> None:
    registry.keys.rotate(ME)
    registry.keys.retire(ME, "registry-1")
    registry.publish(ME, of("The newest."), alias="production")
    before = {one["name"]: one for one in registry.keys.all()["items"]}
    made = purge(registry)
    assert [one["ref"] for one in made["purged"]] == GONE
    assert {one["name"]: one for one in registry.keys.all()["items"]} == before
    Trust(publics(registry)[1]).refuse_unproven(answer(registry))
    Trust(registry.keys.all()["allowed_signers"]).refuse_unproven(answer(registry, "support@v1"))


def test_what_a_stolen_key_signed_is_signed_with_the_key_of_now(registry: LocalRegistry) -> None:
    registry.keys.rotate(ME)
    registry.keys.retire(ME, "registry-1", compromised=True)
    purge(registry)
    Trust(publics(registry)[1]).refuse_unproven(answer(registry))
    purge(registry, "support@v1")  # the first one's own commit is written anew, and vouches on


def test_a_key_that_is_gone_stands_in_no_purges_way_but_where_it_named_the_next(registry: LocalRegistry) -> None:
    registry.keys.rotate(ME)
    registry.keys.rotate(ME)
    registry.publish(ME, of("Said.", temperature=0.6))
    lose(registry, publics(registry)[1])
    purge(registry, "support@v3")  # the first key still counts there
    registry.keys.retire(ME, "registry-1")
    registry.keys.rotate(ME)
    lose(registry, publics(registry)[2])
    serial = registry.describe()["serial"]
    with pytest.raises(ReadOnly, match="private half") as told:
        purge(registry, "support@v1")
    assert "pinset init DIR --from CLONE" in told.value.hint
    assert registry.describe()["serial"] == serial
    registry.publish(ME, of("Another.", temperature=0.7))
    purge(registry, "support@v6")


def test_a_clone_purges_what_was_signed_elsewhere(registry: LocalRegistry) -> None:
    """Its own key begins an epoch, and vouches for what it writes anew, also for the naming of keys it does not have."""
    store: Any = registry._context.store
    registry.keys.rotate(ME)
    theirs = publics(registry)
    store._keys.clear()
    maintenance.move_house(registry._context, "made from a clone")
    ours = publics(registry)[-1]
    assert ours not in theirs
    made = purge(registry)
    assert [one["ref"] for one in made["purged"]] == GONE
    Trust(ours).refuse_unproven(answer(registry))
    registry.keys.rotate(ME)
    purge(registry, "support@v1")


def test_a_head_from_before_purges_is_explained(registry: LocalRegistry) -> None:
    kept = [registry.audit.head()["line"]]
    made = purge(registry)
    found = registry.audit.verify(kept[0])
    assert (found["ok"], found["verdict"], found["problems"]) == (True, "purged", [])
    assert f"written anew by a purge at serial {made['serial']}, by ada, because it holds a password" in found["says"]
    kept.append(registry.audit.head()["line"])
    assert registry.audit.verify(kept[1])["verdict"] == "holds"
    again = purge(registry, "support@v1")
    assert again["first"] < made["first"]
    for line in kept:
        found = registry.audit.verify(line)
        assert (found["ok"], found["verdict"]) == (True, "purged"), found
    item = next(one for one in registry.audit.items()["items"] if one["serial"] == made["serial"])
    assert (item["action"], item["details"]["purged"], item["reason"]) == ("purge", GONE, "it holds a password")


def test_a_head_that_no_purge_knows_is_an_alarm(registry: LocalRegistry) -> None:
    head = registry.audit.head()["line"]
    commit = registry.describe()["head"]
    purge(registry)
    found = registry.audit.verify(head.replace(commit, "e" * 40))
    assert (found["ok"], found["verdict"]) == (False, "rewritten")


def test_what_was_said_of_a_release_is_kept_and_nothing_more_is_said_of_it(registry: LocalRegistry) -> None:
    author = make_private()
    registry.keys.add(ME, "ana", author.public, purpose="author", person="ana")
    said = statement(
        registry=registry.describe()["id"], bundle="support", digest=registry.summary("support@v2")["digest"]
    )
    line = author.sign(said, STATEMENTS)
    registry.keys.sign(ME, "support@v2", line)
    registry.evidence.add(ME, "support@v2", suite="tone", score="0.9", report="fine, all of it")
    registry.policies.edit(ME, POLICY, reason="the first")
    asked = registry.promote(CARL, "support@v2", "production")
    waits = registry.promote(CARL, "support@v1", "production")["request"]
    assert (asked["action"], waits) == ("request", 2)
    purge(registry)
    assert [one["key"] for one in registry.keys.signatures("support@v2")["items"]] == ["ana"]
    assert [one["score"] for one in registry.evidence.of_release("support@v2")["items"]] == ["0.9"]
    assert registry.evidence.report("support@v2", "tone") == "fine, all of it"
    dead = registry.requests.show(1)
    assert (dead["state"], "v2 was purged" in (dead["why"] or "")) == ("dead", True)
    with pytest.raises(RequestClosed):
        registry.requests.approve(BEN, 1)
    for again in (
        lambda: registry.keys.sign(ME, "support@v2", line),
        lambda: registry.evidence.add(ME, "support@v2", suite="tone", score="1"),
        lambda: registry.promote(CARL, "support@v2", "production"),
    ):
        with pytest.raises(ContentPurged):
            again()
    can = registry.policies.can_promote(CARL, "support@v2", "production")
    assert (can["can"], "purged" in (can["reason"] or "")) == (False, True)
    assert registry.requests.approve(BEN, 2)["move"]["to"] == 1


def test_a_purge_that_is_refused_is_in_the_audit_log(registry: LocalRegistry) -> None:
    registry.promote(ME, "support@v3", "staging")
    with pytest.raises(StillServed):
        purge(registry)
    with pytest.raises(StillServed):
        purge(registry, caller=replace(ME, dry_run=True))
    refused = [one for one in registry.audit.items()["items"] if one["outcome"] == "refused"]
    assert [(one["action"], one["bundle"], one["code"]) for one in refused] == [("purge", "support", "still_served")]
