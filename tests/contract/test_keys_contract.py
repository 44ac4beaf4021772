"""Keys and authors' signatures, near and far alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from registry_steps import ME, NAME, NEAR, files, publish

from pinset.domain.access import Grant
from pinset.domain.keys import STATEMENTS, fingerprint
from pinset.errors import (
    AlreadyExists,
    IdempotencyMismatch,
    InvalidInput,
    InvalidName,
    NotFound,
    PermissionDenied,
    Refused,
    Untrusted,
)
from pinset.ports.audit import AuditFilter
from pinset.services.keys import signers
from pinset.signing import PrivateKey, make_private, statement

if TYPE_CHECKING:
    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry


def added(registry: Registry, name: str = "ana-laptop", person: str = "ana") -> PrivateKey:
    key = make_private()
    registry.keys.add(ME, name, f"{key.public} {person}@laptop", purpose="author", person=person)
    return key


def signature(registry: Registry, key: PrivateKey, reference: str, *, of: str = "", bundle: str = "") -> str:
    found = registry.summary(reference)
    said = statement(registry=of or registry.describe()["id"], bundle=bundle or found["bundle"], digest=found["digest"])
    return key.sign(said, STATEMENTS)


def test_a_new_registry_signs_with_a_key_of_its_own(registry: Registry) -> None:
    found = registry.keys.all()
    assert [(key["name"], key["purpose"], key["state"]) for key in found["items"]] == [
        ("registry-1", "registry", "active")
    ]
    assert found["items"][0]["public"] in found["allowed_signers"]
    assert not found["unsigned"]
    assert registry.verify()["ok"]


def test_an_authors_key_is_added_signs_and_is_retired(registry: Registry) -> None:
    publish(registry, 1)
    key = added(registry)
    assert registry.keys.signatures(f"{NAME}@v1")["items"] == []
    made = registry.keys.sign(ME, f"{NAME}@v1", signature(registry, key, f"{NAME}@v1"))
    assert (made["ref"], made["key"], made["person"], made["changed"]) == (f"{NAME}@v1", "ana-laptop", "ana", True)
    assert made["fingerprint"] == fingerprint(key.public)
    again = registry.keys.sign(ME, f"{NAME}@v1", signature(registry, key, f"{NAME}@v1"))
    assert (again["changed"], again["operation"]) == (False, None)
    retired = registry.keys.retire(ME, "ana-laptop", reason="a new machine")
    told = registry.audit.items(AuditFilter(action="keys"))["items"]
    assert [(item["details"]["name"], item["details"]["change"]) for item in told[:2]] == [
        ("ana-laptop", "retire"),
        ("ana-laptop", "add"),
    ]
    assert (retired["key"]["state"], retired["changed"]) == ("retired", True)
    assert not registry.keys.retire(ME, "ana-laptop")["changed"]
    found = registry.keys.signatures(f"{NAME}@v1")["items"]
    assert [(one["key"], one["state"], one["signature"]) for one in found] == [
        ("ana-laptop", "retired", signature(registry, key, f"{NAME}@v1"))
    ]
    publish(registry, 2)
    with pytest.raises(Untrusted, match="retired"):
        registry.keys.sign(ME, f"{NAME}@v2", signature(registry, key, f"{NAME}@v2"))


def test_a_signature_of_anything_else_is_refused(registry: Registry) -> None:
    publish(registry, 2)
    key, stranger = added(registry), make_private()
    evidence = make_private()
    registry.keys.add(ME, "ci", evidence.public, purpose="evidence", person="ci")
    for given, why in (
        (signature(registry, key, f"{NAME}@v2"), "is not of"),
        (signature(registry, key, f"{NAME}@v1", bundle="other"), "is not of"),
        (signature(registry, key, f"{NAME}@v1", of="another"), "is not of"),
        (key.sign(b"anything", STATEMENTS), "is not of"),
        (signature(registry, stranger, f"{NAME}@v1"), "nobody knows"),
        (signature(registry, evidence, f"{NAME}@v1"), "not an author's"),
    ):
        with pytest.raises(Untrusted, match=why) as caught:
            registry.keys.sign(ME, f"{NAME}@v1", given)
        assert caught.value.hint
    with pytest.raises(InvalidInput, match="no signature"):
        registry.keys.sign(ME, f"{NAME}@v1", "nothing")
    with pytest.raises(NotFound):
        registry.keys.sign(ME, f"{NAME}@v9", signature(registry, key, f"{NAME}@v1"))
    assert registry.keys.signatures(f"{NAME}@v1")["items"] == []


def test_names_and_keys_are_never_used_twice(registry: Registry) -> None:
    key = added(registry)
    assert not registry.keys.add(ME, "ana-laptop", key.public, purpose="author", person="ana")["changed"]
    for name, public in (("ana-laptop", make_private().public), ("another", key.public), ("registry-1", key.public)):
        with pytest.raises(AlreadyExists):
            registry.keys.add(ME, name, public, purpose="author", person="ana")
    registry.keys.retire(ME, "ana-laptop")
    with pytest.raises(AlreadyExists):
        registry.keys.add(ME, "ana-laptop", key.public, purpose="author", person="ana")


def test_what_is_no_key_name_purpose_or_person_is_refused(registry: Registry) -> None:
    public = make_private().public
    for name, text, purpose, person, kind in (
        ("A b", public, "author", "ana", InvalidName),
        ("ana", "nothing", "author", "ana", InvalidInput),
        ("ana", make_private().text(), "author", "ana", InvalidInput),
        ("ana", public, "registry", "ana", InvalidInput),
        ("ana", public, "author", "", InvalidInput),
        ("ana", public, "author", "ana maria", InvalidInput),
    ):
        with pytest.raises(kind) as caught:
            registry.keys.add(ME, name, text, purpose=purpose, person=person)
        assert caught.value.hint
    with pytest.raises(NotFound, match="no key"):
        registry.keys.retire(ME, "nobody")
    with pytest.raises(Refused, match="signs with"):
        registry.keys.retire(ME, "registry-1")
    assert len(registry.keys.all()["items"]) == 1


def test_a_retry_with_the_same_key_has_the_first_answer(registry: Registry) -> None:
    publish(registry, 1)
    key = make_private()
    once = replace(ME, key="add-1")
    first = registry.keys.add(once, "ana", key.public, purpose="author", person="ana")
    assert registry.keys.add(once, "ana", key.public, purpose="author", person="ana") == first
    with pytest.raises(IdempotencyMismatch):
        registry.keys.add(once, "ben", make_private().public, purpose="author", person="ben")
    signing = replace(ME, key="sign-1")
    given = signature(registry, key, f"{NAME}@v1")
    assert registry.keys.sign(signing, f"{NAME}@v1", given) == registry.keys.sign(signing, f"{NAME}@v1", given)
    dry = replace(ME, dry_run=True)
    assert registry.keys.retire(dry, "ana")["key"]["state"] == "retired"
    assert registry.keys.all()["items"][1]["state"] == "active"


@NEAR
def test_the_registrys_key_is_rotated_and_the_old_one_retired(near: LocalRegistry) -> None:
    publish(near, 1)
    prepared = near.keys.prepare(ME)
    assert near.keys.prepare(ME) == prepared
    assert prepared not in near.keys.all()["allowed_signers"]
    assert near.keys.rotate(replace(ME, dry_run=True))["changed"]
    made = near.keys.rotate(ME, reason="once a year")
    assert (made["key"]["name"], made["key"]["public"]) == ("registry-2", prepared)
    publish(near, 2)
    assert near.keys.retire(ME, "registry-1")["key"]["state"] == "retired"
    near.promote(ME, f"{NAME}@v2", "production")
    assert near.keys.create(ME)["changed"] is False
    assert near.verify()["ok"]
    assert near.reindex() == near.verify()["commits"]


@NEAR
def test_signers_are_the_names_of_the_keys_but_for_compromised_ones(near: LocalRegistry) -> None:
    publish(near, 2)
    for name in ("ana-laptop", "ana-phone"):
        near.keys.sign(ME, f"{NAME}@v1", signature(near, added(near, name), f"{NAME}@v1"))
    with near._context.catalog.reading() as reader:
        assert signers(reader, NAME, 1) == {"ana-laptop", "ana-phone"}
        assert signers(reader, NAME, 2) == frozenset()
    near.keys.retire(ME, "ana-laptop")
    near.keys.retire(ME, "ana-phone", compromised=True, reason="stolen")
    with near._context.catalog.reading() as reader:
        assert signers(reader, NAME, 1) == {"ana-laptop"}
    with pytest.raises(Refused, match="retired already"):
        near.keys.retire(ME, "ana-laptop", compromised=True)


@NEAR
def test_who_may_not_keep_keys_or_publish_may_not_do_it(near: LocalRegistry) -> None:
    publish(near, 1)
    key = added(near)
    writer = replace(ME, grants=(Grant("write"),))
    reader = replace(ME, grants=(Grant("reader"), Grant("publish", "other")))
    for attempt in (
        lambda: near.keys.add(writer, "x", make_private().public, purpose="author", person="x"),
        lambda: near.keys.retire(writer, "ana-laptop"),
        lambda: near.keys.rotate(writer),
        lambda: near.keys.prepare(writer),
        lambda: near.keys.create(writer),
        lambda: near.keys.sign(reader, f"{NAME}@v1", signature(near, key, f"{NAME}@v1")),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert near.keys.sign(writer, f"{NAME}@v1", signature(near, key, f"{NAME}@v1"))["changed"]


@NEAR
def test_the_same_write_retried_is_the_same_commit_and_sealed_forms_hold_signed_commits(near: LocalRegistry) -> None:
    near.publish(replace(ME, key="p"), files("One."), alias="production")
    first = near.sealed(f"{NAME}@production")["proof"]
    near.publish(replace(ME, key="p"), files("One."), alias="production")
    assert near.sealed(f"{NAME}@production")["proof"] == first
    assert all("gpgsig -----BEGIN SSH SIGNATURE-----" in str(first[part]) for part in ("release", "move", "epoch"))
    near.reindex()
    assert near.sealed(f"{NAME}@production")["proof"] == first
