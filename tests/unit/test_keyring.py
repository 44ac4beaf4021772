"""The rule of signatures, on a story of records: which key each commit must be signed with."""

from __future__ import annotations

import pytest

from pinset import signing
from pinset.domain import keys as k
from pinset.domain import messages
from pinset.domain.commits import signed
from pinset.domain.keyring import Keyring
from pinset.domain.records import (
    EvidenceRecord,
    FoundingRecord,
    KeyAction,
    KeyRecord,
    Purpose,
    Record,
    SignatureRecord,
    Stamp,
    Verdict,
)
from pinset.signing import PrivateKey, make_private, statement

ONE, TWO, STRANGER, ANA = (make_private() for _ in range(4))
DIGEST = "sha256:" + "a" * 64


def stamp(serial: int) -> Stamp:
    return Stamp(serial=serial, prev=None, at=serial * 1_000_000, actor="ana", operation="op")


def founding(serial: int, key: PrivateKey | None = None, name: str = "registry-1", epoch: int = 1) -> FoundingRecord:
    told = {"key": key.public, "key_name": name} if key else {}
    return FoundingRecord(stamp=stamp(serial), registry_id="6f1c", epoch=epoch, **told)


def add(serial: int, key: PrivateKey, name: str, purpose: Purpose = Purpose.REGISTRY) -> KeyRecord:
    return KeyRecord(stamp=stamp(serial), name=name, purpose=purpose, public=key.public, action=KeyAction.ADD, epoch=1)


def retire(serial: int, key: PrivateKey, name: str, purpose: Purpose = Purpose.REGISTRY) -> KeyRecord:
    return KeyRecord(
        stamp=stamp(serial), name=name, purpose=purpose, public=key.public, action=KeyAction.RETIRE, epoch=1
    )


def other(serial: int) -> EvidenceRecord:
    return EvidenceRecord(stamp=stamp(serial), bundle="b", version=1, verdict=Verdict.YANK, reason="x")


def signature(serial: int, key: PrivateKey, *, registry: str = "6f1c", digest: str = DIGEST) -> SignatureRecord:
    said = statement(registry=registry, bundle="b", digest=digest)
    line = signing.to_line(key.sign(said, k.STATEMENTS))
    return SignatureRecord(stamp=stamp(serial), bundle="b", version=1, digest=DIGEST, key="ana", signature=line)


def raw(record: Record, key: PrivateKey | None) -> str:
    head = f"tree {'1' * 40}\nauthor a <a@x> 1 +0000\ncommitter p <p@x> 1 +0000\n\n"
    text = head + messages.encode(record)
    return signed(text.encode(), key.sign(text.encode(), k.COMMITS)).decode() if key else text


def told(*story: tuple[Record, PrivateKey | None], own: PrivateKey | None = None, unsigned: bool = False) -> list[str]:
    """What is wrong with each of the commits, '' where nothing is."""
    keyring = Keyring(
        signing.checks_commit, signing.vouches, own=frozenset({own.public} if own else ()), unsigned=unsigned
    )
    found = [keyring.add(record, raw(record, key)) or "" for record, key in story]
    return [*found, *([keyring.foreign_end() or ""] if own else [])]


def test_from_the_first_key_on_every_commit_is_signed() -> None:
    assert told((founding(1), None), (other(2), None)) == ["", ""]
    assert told((founding(1, ONE), ONE), (other(2), ONE)) == ["", ""]
    assert told((founding(1, ONE), ONE), (other(2), None)) == ["", "is not signed by the registry"]
    assert told((founding(1, ONE), ONE), (other(2), None), unsigned=True) == ["", ""]
    assert told((founding(1, ONE), None)) == ["is not signed by the registry"]
    (_, found) = told((founding(1, ONE), ONE), (other(2), STRANGER))
    assert k.fingerprint(STRANGER.public) in found
    (_, found) = told((founding(1, ONE), ONE), (other(2), STRANGER), unsigned=True)
    assert "no active key" in found
    (_, found) = told((founding(1), None), (other(2), STRANGER))
    assert "no active key" in found


def test_a_registry_of_before_begins_with_a_key_that_signs_itself() -> None:
    story = [(founding(1), None), (other(2), None), (add(3, ONE, "registry-1"), ONE), (other(4), ONE)]
    assert told(*story, own=ONE) == [""] * 5
    assert "not signed" in told(*story, (other(5), None))[-1]
    assert "not signed" in told(*story[:2], (add(3, ONE, "registry-1"), None))[-1]
    assert "no active key" in told(*story[:2], (add(3, ONE, "registry-1"), TWO))[-1]


def test_a_new_key_is_announced_by_the_old_one_which_counts_until_it_is_retired() -> None:
    story = [(founding(1, ONE), ONE), (add(2, TWO, "registry-2"), ONE), (other(3), TWO), (other(4), ONE)]
    assert told(*story, own=ONE) == [""] * 5
    assert told(*story, (retire(5, ONE, "registry-1"), TWO), (other(6), TWO))[-2:] == ["", ""]
    assert "no active key" in told(*story, (retire(5, ONE, "registry-1"), TWO), (other(6), ONE))[-1]
    assert "no active key" in told(story[0], (add(2, TWO, "registry-2"), TWO))[-1]


def test_a_clone_begins_with_its_own_key_and_a_forged_beginning_is_told() -> None:
    story = [(founding(1, ONE), ONE), (founding(2, TWO, "registry-2", epoch=2), TWO), (other(3), TWO)]
    assert told(*story, own=TWO) == [""] * 4
    assert "no active key" in told(*story, (other(4), ONE))[-1]
    forged = (founding(4, STRANGER, "registry-3", epoch=3), STRANGER)
    (*_, found, end) = told(*story, forged, own=TWO)
    assert "not this registry's" in found
    assert "private half is not here" in end
    # The beginning itself replaced: no key of ours was there before.
    assert told((founding(1, STRANGER), STRANGER), own=ONE)[-1]


def test_a_founding_that_names_no_key_is_signed_with_the_one_before() -> None:
    assert told((founding(1, ONE), ONE), (founding(2, epoch=2), ONE), own=ONE) == ["", "", ""]
    assert "not signed" in told((founding(1, ONE), ONE), (founding(2, epoch=2), None))[-1]


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (add(3, TWO, "registry-1"), "a second time"),
        (add(3, ONE, "another"), "under another name"),
        (retire(3, TWO, "registry-2"), "not there or is retired"),
        (retire(3, TWO, "ana", Purpose.AUTHOR), "not there or is retired"),
        (signature(3, ANA, registry="other"), "not ana's of this release"),
        (signature(3, ANA, digest="sha256:" + "b" * 64), "not ana's of this release"),
        (signature(3, STRANGER), "not ana's of this release"),
    ],
)
def test_what_a_record_says_of_keys_holds(record: Record, why: str) -> None:
    story = [(founding(1, ONE), ONE), (add(2, ANA, "ana", Purpose.AUTHOR), ONE)]
    assert told(*story, (signature(3, ANA), ONE)) == ["", "", ""]
    assert why in told(*story, (record, ONE))[-1]


def test_a_retired_author_signs_nothing_more() -> None:
    story = [(founding(1, ONE), ONE), (add(2, ANA, "ana", Purpose.AUTHOR), ONE), (signature(3, ANA), ONE)]
    gone = (retire(4, ANA, "ana", Purpose.AUTHOR), ONE)
    assert "counts no more" in told(*story, gone, (signature(5, ANA), ONE))[-1]
    assert "not known" in told(story[0], (signature(5, ANA), ONE))[-1]


def test_an_authors_key_signs_no_commit() -> None:
    story = [(founding(1, ONE), ONE), (add(2, ANA, "ana", Purpose.AUTHOR), ONE)]
    assert "no active key" in told(*story, (other(3), ANA))[-1]
