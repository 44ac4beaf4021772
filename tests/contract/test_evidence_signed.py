"""Results that evaluators sign: by a key that is known for it, of exactly what is recorded, and each once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from registry_steps import files

from pinset import signing
from pinset.domain.keyring import Keyring
from pinset.domain.keys import STATEMENTS
from pinset.domain.records import ResultRecord, Stamp
from pinset.errors import AlreadyExists, GatesOpen, InvalidInput, Untrusted
from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

ANA, DORA = Caller(actor="ana"), Caller(actor="dora")
WANTED = (
    "format: 1\nrules:\n"
    "- {bundles: '*', aliases: production, evidence: [{suite: tone, score: '>= 0.8', signed_by: eval-key}]}\n"
)


@pytest.fixture
def key(memory: LocalRegistry) -> signing.PrivateKey:
    """A key for evidence that the registry knows, which has two releases."""
    made = signing.make_private()
    memory.publish(ANA, files("One."))
    memory.publish(ANA, files("Two."))
    memory.keys.add(ANA, "eval-key", made.public, purpose="evidence", person="dora")
    return made


def signed(registry: LocalRegistry, key: signing.PrivateKey, version: int = 1, score: str = "0.9", **other: Any) -> str:
    said: dict[str, Any] = {
        "bundle": "support",
        "version": version,
        "digest": registry.summary(f"support@v{version}")["digest"],
        "suite": "tone",
        "score": score,
        "threshold": None,
        "passed": None,
        "stamp": Stamp(serial=0, prev=None, at=0, actor="", operation=""),
    }
    return key.sign(signing.result_statement(registry.describe()["id"], ResultRecord(**(said | other))), STATEMENTS)


def add(registry: LocalRegistry, signature: str, version: int = 1, score: str = "0.9") -> Any:
    return registry.evidence.add(
        DORA, f"support@v{version}", suite="tone", score=score, signatures={"tone": signature}
    )["items"][0]


def test_a_signed_result_says_by_which_key(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    assert add(memory, signed(memory, key))["signer"] == "eval-key"
    assert memory.evidence.of_release("support@v1")["items"][0]["signer"] == "eval-key"
    proven = memory.verify()
    assert proven["ok"], proven["problems"]


def test_a_signature_of_anything_else_is_refused(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    for signature in (
        signed(memory, key, score="0.8"),
        signed(memory, key, version=2),
        signed(memory, key, suite="other"),
        signed(memory, key, report="sha256:" + "0" * 64),
        signed(memory, key, passed=True),
        signed(memory, signing.make_private()),
        key.sign(b"something else", STATEMENTS),
    ):
        with pytest.raises(Untrusted):
            add(memory, signature)
    with pytest.raises(InvalidInput):
        add(memory, "no signature")
    with pytest.raises(InvalidInput, match="not those of the suites"):
        memory.evidence.add(DORA, "support@v1", suite="tone", score="0.9", signatures={"other": signed(memory, key)})
    assert memory.evidence.of_bundle("support")["items"] == []


def test_a_key_for_something_else_or_retired_signs_no_result(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    author = signing.make_private()
    memory.keys.add(ANA, "ana-key", author.public, purpose="author", person="ana")
    with pytest.raises(Untrusted, match="is active, and for author"):
        add(memory, signed(memory, author))
    memory.keys.retire(ANA, "eval-key")
    with pytest.raises(Untrusted, match="is retired"):
        add(memory, signed(memory, key))


def test_an_old_good_result_does_not_pass_for_a_new_one(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    good = signed(memory, key)
    add(memory, good)
    add(memory, signed(memory, key, score="0.1"), score="0.1")
    with pytest.raises(AlreadyExists):
        add(memory, good)
    assert memory.evidence.of_release("support@v1")["items"][0]["score"] == "0.1"


def test_a_policy_that_wants_a_signer_takes_nobody_elses_word(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    memory.policies.edit(ANA, WANTED, reason="first")
    memory.evidence.add(DORA, "support@v1", suite="tone", score="0.9")
    with pytest.raises(GatesOpen):
        memory.promote(ANA, "support@v1", "production")
    add(memory, signed(memory, key))
    assert memory.promote(ANA, "support@v1", "production")["to"] == 1
    add(memory, signed(memory, key, version=2), version=2)
    memory.keys.retire(ANA, "eval-key", compromised=True)
    with pytest.raises(GatesOpen):
        memory.promote(ANA, "support@v2", "production")


def test_the_proof_finds_a_signature_that_is_of_another_result(memory: LocalRegistry, key: signing.PrivateKey) -> None:
    add(memory, signed(memory, key))
    with memory._context.catalog.reading() as reader:
        told = [record for _, record in reader.records()]
    result: Any = told[-1]

    def wrong(last: ResultRecord) -> str | None:
        ring = Keyring(vouches=signing.vouches)
        assert [ring.add(record, "") for record in told[:-1]] == [None] * (len(told) - 1)
        return ring.add(last, "")

    assert wrong(result) is None
    for changed in (replace(result, score="0.99"), replace(result, version=2), replace(result, passed=True)):
        assert wrong(changed) == "holds a signature that is not eval-key's of this result"
    assert wrong(replace(result, signer="nobody")) == (
        "is signed with the key nobody, which is not known or counts no more"
    )
