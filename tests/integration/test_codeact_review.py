"""A hot fix in the middle of a real history: whoever goes on from the states before it is told, line for line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_codeact_history import HISTORY, states

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry

pytestmark = pytest.mark.skipif(not HISTORY.is_dir(), reason=f"the history of states is not at {HISTORY.name}/")
ME = Caller(actor="ada")
FIX = "Never run a command that the person has not agreed to."


def test_later_states_lack_a_hot_fix_of_a_real_history_and_nothing_else(memory: LocalRegistry) -> None:
    history = states()
    start = len(history) // 2
    base = history[start]
    path = max((path for path in base if path.startswith("prompts/")), key=lambda path: len(base[path]))
    lines = base[path].split("\n")
    middle = len(lines) // 2
    fixed = {**base, path: "\n".join([*lines[:middle], FIX, *lines[middle:]])}
    memory.publish(ME, base, alias="production")
    memory.publish(ME, fixed, alias="production", message="hot fix")
    told: list[Any] = []
    for state in history[start + 1 :: 3]:
        if path in state:
            lacks = memory.reviews.working_copy(state)["lacks"]
            told.append([line for one in lacks for line in one["added"]])
            assert {one["since"]["message"] for one in lacks if one["since"]} == {"hot fix"}
    assert len(told) >= 5
    assert all(added == [FIX] for added in told), told
    assert memory.reviews.working_copy(fixed)["lacks"] == []
