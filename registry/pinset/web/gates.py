"""Gates as a page shows them, and who may pass them by breaking the glass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain.policy.gates import Gate, may_break
from pinset.domain.policy.model import parse
from pinset.errors import PinsetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain.answers.policy import GateAnswer
    from pinset.services.local import LocalRegistry


def glass_for(registry: LocalRegistry, gates: Sequence[GateAnswer], person: str) -> bool:
    """Whether the policy in force names a person as who may pass these gates. Nothing is tried: a try is on record."""
    still = [gate for gate in gates if not gate["passed"]]
    if not still:
        return False
    try:
        policy = parse(registry.policies.show()["text"])
    except PinsetError:
        return False
    asked = [
        Gate(
            name=gate["name"],
            wants=gate["wants"],
            found=gate["found"],
            passed=False,
            can_close=gate["can_close"],
            rule=gate["rule"],
        )
        for gate in still
    ]
    return may_break(policy, asked, person)


def open_first(gates: Sequence[GateAnswer]) -> list[GateAnswer]:
    """The gates, those that are not passed ahead."""
    return sorted(gates, key=lambda gate: gate["passed"])
