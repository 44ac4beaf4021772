"""A kept head against a chain: whatever was done to the history, the first thing that is different is named."""

from __future__ import annotations

import pytest

from pinset.domain.audit_chain import Chain
from pinset.domain.auditing import Head, Place, parse_head, parse_place
from pinset.domain.proof import Fact
from pinset.domain.records import EvidenceRecord, FoundingRecord, Record, Stamp, Verdict
from pinset.errors import InvalidInput

ID = "5ce16289-816e-4e7f-8b76-6ddeee32c33c"
HOUR = 3_600_000_000


def commit(serial: int, branch: str = "a") -> str:
    return f"{serial:039d}{branch}"


def fact(
    serial: int, *, prev: int | None = None, branch: str = "a", before: str = "a", epoch: int = 0, registry: str = ID
) -> Fact:
    last = serial - 1 if prev is None else prev
    stamp = Stamp(
        serial=serial,
        prev=commit(last, before) if last else None,
        at=serial * HOUR,
        actor="ada",
        operation=f"op_{serial}",
    )
    record: Record = EvidenceRecord(stamp=stamp, bundle="b", version=1, verdict=Verdict.YANK)
    if epoch:
        record = FoundingRecord(stamp=stamp, registry_id=registry, epoch=epoch, reason="" if epoch == 1 else "restored")
    return Fact(ref=record.ref, commit=commit(serial, branch), tree="t", parents=(), record=record, files={})


WHOLE = [fact(1, epoch=1), *(fact(serial) for serial in range(2, 7))]
KEPT = Head(ID, 1, 4, commit(4), 4 * HOUR)


def verdict(facts: list[Fact], kept: Head = KEPT) -> tuple[str, str, int]:
    chain = Chain(kept)
    for one in facts:
        chain.add(one)
    return *chain.verdict(), chain.since


def test_a_head_in_the_chain_holds() -> None:
    assert verdict(WHOLE) == ("holds", "serial 4 is there as it was", 2)
    assert verdict(WHOLE, Head(ID, 1, 6, commit(6), 6 * HOUR))[0::2] == ("holds", 0)
    moved = [*WHOLE, fact(1006, prev=6, epoch=2), fact(1007, prev=1006)]
    assert verdict(moved)[0::2] == ("holds", 4), "a new epoch after the head is no difference"


@pytest.mark.parametrize(
    ("facts", "found", "says"),
    [
        ([], "truncated", "no commit at all"),
        (WHOLE[:3], "truncated", "it ends at serial 3, and serial 4 was there"),
        ([fact(1, epoch=1, registry="other"), *WHOLE[1:]], "another_registry", "the registry other"),
        ([*WHOLE[:3], *WHOLE[4:]], "lost", "serial 4 is on no branch"),
        ([*WHOLE[:1], *WHOLE[2:]], "lost", "serial 2 is on no branch"),
        ([*WHOLE[:4], WHOLE[5]], "lost", "serial 5 is on no branch"),
        ([*WHOLE[:3], fact(4, branch="b")], "rewritten", f"serial 4 is {commit(4, 'b')}, and was {commit(4)}"),
        ([*WHOLE[:3], fact(4, branch="b"), WHOLE[4]], "rewritten", "serial 4 is"),
        ([*WHOLE[:1], fact(2, branch="b"), *WHOLE[2:]], "rewritten", f"serial 3 follows {commit(2)}, and serial 2 is"),
        ([*WHOLE[:2], fact(1002, prev=2, epoch=2)], "lost", "serial 4 is gone: epoch 2 began after serial 2 (restored)"),
        ([*WHOLE[:2], fact(1002, prev=2, epoch=2), fact(1004, prev=1002)], "lost", "epoch 2 began after serial 2"),
    ],
)  # fmt: skip
def test_the_first_difference_is_named(facts: list[Fact], found: str, says: str) -> None:
    kind, sentence, _ = verdict(facts)
    assert kind == found
    assert says in sentence


def test_what_a_purge_wrote_anew_is_no_alarm_and_nothing_else_is_excused() -> None:
    anew = [fact(1, epoch=1), *(fact(serial, branch="b", before="a" if serial == 2 else "b") for serial in range(2, 8))]

    def said(kept: Head, named: list[tuple[int, str]]) -> tuple[str, str]:
        chain = Chain(kept)
        for one in anew:
            chain.add(one)
        chain.purged(anew[-1].record.stamp, named, "a key was in it")
        return chain.verdict()

    old = [(serial, commit(serial)) for serial in range(2, 7)]
    verdict, says = said(KEPT, old)
    assert (verdict, "by a purge at serial 7, by ada, because a key was in it" in says) == ("purged", True)
    assert said(KEPT, old[:1])[0] == "rewritten", "the tombstone does not name it"
    assert said(KEPT, [(4, commit(4, "c"))])[0] == "rewritten"
    assert said(replace_head(at=1), old)[0] == "rewritten", "and a purge changes no time"
    assert said(Head(ID, 1, 4, commit(4, "b"), 4 * HOUR), old)[0] == "holds"


def test_a_line_that_was_altered_does_not_hold() -> None:
    for other in (replace_head(epoch=2), replace_head(at=4 * HOUR + 1)):
        assert verdict(WHOLE, other)[0] == "rewritten"


def replace_head(**given: int) -> Head:
    return KEPT._replace(**given)


def test_a_head_is_one_line_and_read_back() -> None:
    line = str(KEPT)
    assert line == f"{ID} 1 4 {commit(4)} 1970-01-01T04:00:00.000000Z"
    assert parse_head(f"  {line}\n") == KEPT
    for broken in (
        line[:-1],
        line.replace("-", "", 1),
        line.replace(" 4 ", " 04 "),
        line + " x",
        line.replace(" ", "  "),
    ):
        with pytest.raises(InvalidInput, match="no head"):
            parse_head(broken)


@pytest.mark.parametrize("text", ["", "1", "1.2.3", "-1.2", "1. 2", "\u0661.\u0662", "1." + "9" * 19])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_place(text)
    assert parse_place("7.12") == Place(7, 12)
