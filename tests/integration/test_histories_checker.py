"""The checker of histories: it refuses each kind of history that cannot be, and agrees with a search for any order."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import histories
import linearizability
import pytest
from histories import MADE, NOTHING, REFUSED, UNCHANGED, UNKNOWN, Did, problems

if TYPE_CHECKING:
    from collections.abc import Callable


class Register:
    """Aliases in memory, with a history as the registry tells it: what a checker has to believe."""

    def __init__(self, dice: random.Random, steps: int) -> None:
        self.dice = dice
        self.done: list[Did] = []
        self.items: list[dict[str, Any]] = []
        for number in range(steps):
            self._step(number)

    def _step(self, number: int) -> None:
        now = self.items[-1] if self.items else {"seq": 0, "revision": None, "to": None}
        begun, ended = number - self.dice.uniform(0, 2.5), number + self.dice.uniform(0, 2.5)
        did = Did(name=f"op-{number}", kind="read", alias="a", called=begun, answered=ended)
        chance = self.dice.random()
        if chance < 0.4:
            seen = {"seq": now["seq"], "revision": now["revision"], "version": now["to"]}
            self.done.append(replace(did, outcome=UNCHANGED, **seen))
            return
        did = replace(did, kind="promote", wanted=number + 100, condition=now["revision"])
        if chance < 0.55 and self.items:
            seen = {"revision": now["revision"], "version": now["to"]}
            self.done.append(replace(did, condition="r-older", outcome=REFUSED, **seen))
            return
        if chance < 0.65:
            made = self.dice.random() < 0.5
            self.done.append(replace(did, answered=histories.FOREVER, outcome=UNKNOWN))
            if not made:
                return
        seq = now["seq"] + 1
        item = {"seq": seq, "revision": f"r{seq}", "serial": seq * 2, "from": now["to"], "to": did.wanted}
        self.items.append({**item, "reason": did.name, "action": "promote"})
        if chance >= 0.65:
            said = {"seq": seq, "revision": f"r{seq}", "version": did.wanted, "serial": seq * 2}
            self.done.append(replace(did, outcome=MADE, **said))

    def pick(self, outcome: str, *, kind: str = "promote", last: bool = False) -> int:
        numbers = [n for n, did in enumerate(self.done) if (did.outcome, did.kind) == (outcome, kind)]
        return numbers[-1 if last else len(numbers) // 2]

    def change(self, number: int, **values: Any) -> None:
        self.done[number] = replace(self.done[number], **values)

    def said(self) -> list[str]:
        return problems(self.done, {"a": self.items})


def lost_update(r: Register) -> None:
    """Two writers were told the same seq: the second is what is there."""
    number = r.pick(MADE)
    r.done.append(replace(r.done[number], name="other"))


def blind_update(r: Register) -> None:
    """A move replaced something else than was expected."""
    r.change(r.pick(MADE), condition="r1")


def stale_read(r: Register) -> None:
    """A read that began after a move was acknowledged shows what was before."""
    number = r.pick(MADE)
    move = r.done[number]
    before = r.items[move.seq - 2]  # type: ignore[operator] # a made one has a seq
    seen = {"seq": before["seq"], "revision": before["revision"], "version": before["to"]}
    at = move.answered + 0.001
    r.done.append(Did(name="stale", kind="read", alias="a", called=at, answered=at + 1, outcome=UNCHANGED, **seen))


def stale_refusal(r: Register) -> None:
    """A refusal names a move that was replaced before the call."""
    stale_read(r)
    r.change(len(r.done) - 1, kind="promote", outcome=REFUSED, condition="r-older")


def early_read(r: Register) -> None:
    """A read shows a move that nobody had called yet."""
    move = r.done[r.pick(MADE)]
    seen = {"seq": move.seq, "revision": move.revision, "version": move.version}
    at = move.called - 2
    r.done.append(Did(name="early", kind="read", alias="a", called=at, answered=at + 1, outcome=UNCHANGED, **seen))


def double_effect(r: Register) -> None:
    """A retry was made once more."""
    last = r.items[-1]
    again = {"seq": last["seq"] + 1, "serial": last["serial"] + 1, "revision": "again", "from": last["to"]}
    r.items.append({**last, **again})


def missing_at_the_end(r: Register) -> None:
    """The last acknowledged move is not in the history."""
    last = r.pick(MADE, last=True)
    del r.items[r.done[last].seq - 1 :]  # type: ignore[operator] # a made one has a seq


def missing_inside(r: Register) -> None:
    """A move is missing, and those after it are numbered anew."""
    del r.items[len(r.items) // 2]
    for seq, item in enumerate(r.items, start=1):
        item["seq"], item["from"] = seq, r.items[seq - 2]["to"] if seq > 1 else None


def refused_and_made(r: Register) -> None:
    r.change(r.pick(MADE), outcome=REFUSED)


def turned_away_and_made(r: Register) -> None:
    r.change(r.pick(MADE), outcome=NOTHING)


def refused_without_cause(r: Register) -> None:
    number = r.pick(REFUSED)
    r.change(number, condition=r.done[number].revision)


def refused_by_what_was_known(r: Register) -> None:
    number = r.pick(REFUSED)
    r.change(number, condition=None, known=r.done[number].revision)


def nobody_asked(r: Register) -> None:
    del r.done[r.pick(MADE)]


def a_gap(r: Register) -> None:
    for item in r.items[len(r.items) // 2 :]:
        item["seq"] += 1


def a_serial_that_falls(r: Register) -> None:
    middle = len(r.items) // 2
    one, other = r.items[middle], r.items[middle + 1]
    one["serial"], other["serial"] = other["serial"], one["serial"]


def other_content(r: Register) -> None:
    r.change(r.pick(UNCHANGED, kind="read", last=True), version=1)


def a_move_out_of_time(r: Register) -> None:
    """A move was answered before the move before it was called."""
    number = r.pick(MADE)
    r.change(number, called=-9, answered=-8)


MUTANTS: list[Callable[[Register], None]] = [
    lost_update, blind_update, stale_read, stale_refusal, early_read, double_effect, missing_at_the_end, missing_inside,
    refused_and_made, turned_away_and_made, refused_without_cause, refused_by_what_was_known, nobody_asked, a_gap,
    a_serial_that_falls, other_content, a_move_out_of_time,
]  # fmt: skip


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_history_that_cannot_be_is_refused(mutate: Callable[[Register], None]) -> None:
    for seed in range(20):
        register = Register(random.Random(seed), 60)
        assert register.said() == []
        mutate(register)
        assert register.said(), f"seed {seed}"


def test_two_aliases_have_one_order() -> None:
    """Each alias alone is well; by its serial the move that was answered first came second."""
    done, moves = [], {}
    for alias, serial, at in (("a", 2, 0.0), ("b", 1, 5.0)):
        said = {"seq": 1, "revision": f"r{alias}", "serial": serial}
        did = Did(
            name=alias, kind="promote", alias=alias, called=at, answered=at + 1, wanted=1, outcome=MADE, version=1
        )
        done.append(replace(did, **said))
        moves[alias] = [{**said, "from": None, "to": 1, "reason": alias, "action": "promote"}]
    assert problems(done[:1], {"a": moves["a"]}) == problems(done[1:], {"b": moves["b"]}) == []
    assert problems(done, moves)


def test_the_checker_agrees_with_a_search_for_any_order() -> None:
    """On small histories whose times are shaken: the claimed order is refused just where no order is right."""
    verdicts = {True: 0, False: 0}
    for seed in range(600):
        register = Register(random.Random(seed), 9)
        for number in range(len(register.done)):
            if register.dice.random() < 0.15:
                by = register.dice.uniform(-4, 4)
                did = register.done[number]
                register.change(number, called=did.called + by, answered=did.answered + by)
        calls = [_as_call(did, register) for did in register.done]
        last = register.items[-1]["seq"] if register.items else 0
        calls.append(linearizability.Call(called=1e6, answered=2e6, expected=last, new=None))
        verdict = linearizability.linearizable(calls, start=0)
        verdicts[verdict] += 1
        assert (register.said() == []) == verdict, (seed, register.said())
    assert min(verdicts.values()) > 50, verdicts


def _as_call(did: Did, register: Register) -> linearizability.Call:
    """The same for the search: a register whose values are the seqs. What never happened has a value of its own."""
    times: dict[str, Any] = {"called": did.called, "answered": did.answered}
    if did.outcome in (UNCHANGED, REFUSED):  # a refusal says what it saw
        seen = int(did.revision[1:]) if did.revision else 0
        return linearizability.Call(**times, expected=seen, new=None)
    made = next((item["seq"] for item in register.items if item["reason"] == did.name), None)
    before = int(did.condition[1:]) if did.condition else 0
    return linearizability.Call(**times, expected=before, new=made or 1000 + int(did.name[3:]))
