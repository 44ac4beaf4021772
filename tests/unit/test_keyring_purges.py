"""When a purge vouches for a commit that is signed with a key of later, and that nobody brings a key in by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.domain.keyring import Keyring
from pinset.domain.keys import public_of
from pinset.domain.records import (
    EvidenceRecord,
    FoundingRecord,
    KeyAction,
    KeyRecord,
    PurgeRecord,
    Purpose,
    Record,
    Stamp,
    Verdict,
)

if TYPE_CHECKING:
    from pinset.domain.commits import RawCommit

OLD, NEW, EVE, BOB, THIRD = KEYS = [public_of(bytes([number]) * 32) for number in range(5)]


def stamp(serial: int) -> Stamp:
    return Stamp(serial=serial, prev=None, at=serial, actor="ada", operation="op")


def found(serial: int, key: str, epoch: int = 1) -> Record:
    return FoundingRecord(
        stamp=stamp(serial), registry_id="r", epoch=epoch, reason="", key=key, key_name=f"registry-{epoch}"
    )


def said(serial: int) -> Record:
    return EvidenceRecord(stamp=stamp(serial), bundle="b", version=1, verdict=Verdict.YANK)


def named(serial: int, key: str, action: KeyAction = KeyAction.ADD) -> Record:
    return KeyRecord(
        stamp=stamp(serial),
        name=f"of-{KEYS.index(key)}",
        purpose=Purpose.REGISTRY,
        public=key,
        action=action,
        epoch=1,
        reason="",
    )


def purged(serial: int, first: int) -> Record:
    return PurgeRecord(stamp=stamp(serial), purged=(), tombstone="", first=first, head="", reason="")


def raw(signer: str) -> str:
    zero = "0" * 40
    return f"tree {zero}\nauthor a <a> 1 +0000\ncommitter {signer.split()[1]} <r> 1 +0000\n\nx"


def signer_of(commit: RawCommit) -> str:
    return "ssh-ed25519 " + commit.unsigned.split("committer ")[1].split()[0]


def problems(*commits: tuple[Record, str], whole: bool = True, own: str = "") -> int:
    ring = Keyring(signer=signer_of, whole=whole, own=frozenset([own] if own else []))
    wrong = [what for record, signer in commits if (what := ring.add(record, raw(signer)))]
    again = ring.finish()
    assert ring.finish() == again
    return len(wrong) + len(again)


ROTATED = [(found(1, OLD), OLD), (said(2), OLD), (named(3, NEW), OLD)]


def test_a_purge_vouches_for_what_it_reaches_by_keys_that_are_active_there() -> None:
    late = [(found(1, OLD), OLD), (said(2), NEW), (named(3, NEW), OLD)]
    assert problems(*late, (purged(4, 2), NEW)) == 0
    assert problems(*late, (purged(4, 3), NEW)) == 1, "it does not reach it"
    assert problems(*late, (said(4), NEW)) == 1, "there is no purge"
    assert problems(*late, (purged(4, 2), NEW), whole=False) == 1, "nobody asks again in the end"
    assert problems(*late, (purged(4, 2), EVE)) == 2, "a purge that is not signed vouches for nothing"
    ended = KeyRecord(
        stamp=stamp(4),
        name="of-1",
        purpose=Purpose.REGISTRY,
        public=NEW,
        action=KeyAction.RETIRE,
        epoch=1,
        reason="",
    )
    assert problems(*late, (ended, OLD), (purged(5, 2), OLD)) == 1, "the key counts no more where it would vouch"


def test_a_purge_that_is_written_anew_vouches_if_the_later_one_does() -> None:
    late = [(found(1, OLD), OLD), (said(2), NEW), (named(3, NEW), OLD), (purged(4, 2), THIRD), (named(5, THIRD), NEW)]
    assert problems(*late, (purged(6, 4), THIRD)) == 0
    assert problems(*late, (purged(6, 5), THIRD)) == 2


@pytest.mark.parametrize("own", ["", NEW])
def test_nobody_brings_a_key_of_their_own_in(own: str) -> None:
    mine = (named(4, EVE), EVE)
    assert problems(*ROTATED, mine, (purged(5, 4), EVE), own=own) > 0, "a key does not vouch for its own naming"
    pair = [(named(4, EVE), BOB), (named(5, BOB), EVE)]
    assert problems(*ROTATED, *pair, (purged(6, 4), BOB), (purged(7, 4), EVE), own=own) > 0, "nor two for each other's"
    hidden = [(found(1, OLD), OLD), (said(2), EVE), (named(3, NEW), OLD), (named(4, EVE), EVE)]
    assert problems(*hidden, (purged(5, 2), NEW), own=own) > 0, (
        "a purge vouches for no key that is none of the registry's"
    )


def test_an_old_key_that_was_retired_signs_nothing_into_what_was_written_anew() -> None:
    retired = (named(4, OLD, KeyAction.RETIRE), NEW)
    start = [(found(1, OLD), OLD), (named(3, NEW), OLD)]
    known = KeyRecord(
        stamp=stamp(4),
        name="registry-1",
        purpose=Purpose.REGISTRY,
        public=OLD,
        action=KeyAction.RETIRE,
        epoch=1,
        reason="",
    )
    assert problems(*start, retired, (said(5), NEW), (purged(6, 2), NEW)) == 1, "it is known under another name"
    assert problems(*start, (known, NEW), (said(5), NEW), (purged(6, 2), NEW)) == 0
    assert problems(*start, (known, NEW), (said(5), OLD), (purged(6, 2), NEW)) == 1
    assert problems(*start, (known, NEW), (said(5), NEW), (purged(6, 2), OLD)) == 1


def test_a_clones_key_vouches_for_the_naming_of_keys_it_does_not_have() -> None:
    clone = [(found(1, OLD), OLD), (said(2), EVE), (named(3, NEW), EVE), (said(4), NEW)]
    assert problems(*clone, (found(5, EVE, 2), EVE), (purged(6, 2), EVE), own=EVE) == 0
    assert problems(*clone, (found(5, EVE, 2), EVE), own=EVE) == 2
