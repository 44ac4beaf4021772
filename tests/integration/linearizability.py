"""Is a history of a compare-and-set register linearizable? A search for one order that explains every answer.

An operation takes effect at one moment between its call and its answer. The search takes, again and again, one of
the operations that nobody answered before, and remembers which sets of taken operations with which value failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOREVER = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One compare-and-set, or a read where ``new`` is None.

    called, answered: monotonic seconds; answered FOREVER: nobody knows whether it happened. expected: the value
    that it wanted to find (a read: that it found). ok: whether it was answered that it did.
    """

    called: float
    answered: float
    expected: int | None
    new: int | None
    ok: bool = True


def linearizable(history: Sequence[Call], start: int | None = None) -> bool:
    """Whether some order of the calls, true to real time, explains every answer."""
    calls = sorted(history, key=lambda call: call.called)
    everything = (1 << len(calls)) - 1
    stack: list[tuple[int, int | None]] = [(0, start)]
    seen = set(stack)
    while stack:
        taken, value = stack.pop()
        left = [number for number in range(len(calls)) if not taken >> number & 1]
        if all(calls[number].answered == FOREVER for number in left):
            return True
        first_answer = min(calls[number].answered for number in left)
        for number in left:
            if calls[number].called > first_answer:
                break  # sorted by call: this one and all later began after some call left was answered
            for after in _outcomes(calls[number], value):
                state = (taken | 1 << number, after)
                if state not in seen:
                    seen.add(state)
                    stack.append(state)
    return everything == 0


def _outcomes(call: Call, value: int | None) -> list[int | None]:
    """The values after the call where its answer fits the value before; none where it does not fit."""
    fits = value == call.expected
    if call.new is None:
        return [value] if fits or call.answered == FOREVER else []
    if call.answered == FOREVER:
        return [call.new, value] if fits else [value]
    if fits != call.ok:
        return []
    return [call.new] if call.ok else [value]
