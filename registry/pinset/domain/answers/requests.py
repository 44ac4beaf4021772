"""Answers about requests, and what was decided about them."""

from __future__ import annotations

from typing_extensions import TypedDict

from pinset.domain.answers import MoveAnswer  # noqa: TC001 - pydantic reads the annotations
from pinset.domain.answers.policy import GateAnswer


class DecisionItem(TypedDict):
    """What somebody decided. counts: whether it is an approval that counts."""

    decision: str
    actor: str
    person: str
    at: str
    reason: str
    counts: bool
    serial: int


RequestAnswer = TypedDict(
    "RequestAnswer",
    {
        "number": int,
        "aim": str,
        "bundle": str,
        "alias": str,
        "from": int | None,
        "to": int | None,
        "from_seq": int,
        "digest": str | None,
        "policy": int,
        "state": str,
        "why": str,
        "actor": str,
        "person": str,
        "at": str,
        "expires_at": str,
        "again": bool,
        "reason": str,
        "approvals": list[str],
        "decisions": list[DecisionItem],
        "gates": list[GateAnswer],
        "revision": str,
        "serial": int,
    },
)
RequestAnswer.__doc__ = """A request for a move, or for another policy (``aim``: promote, retire, policy), that waits for approvals.

from, to: versions; ``from_seq`` the alias's move counter and ``policy`` the number in force when it was made: an approval
is of exactly these. state: open, approved (every gate passes; it is about to be made), done, rejected, withdrawn, expired,
or dead, where what it is about is no longer so. why: a sentence on the state, '' while it is open. approvals: the
persons whose approval counts. gates: of an open one. revision: what an approval can be held to.
"""


class DecisionAnswer(TypedDict):
    """A decision about a request. request: as it is now. changed: False where the caller had decided so already.

    move: what the last approval let happen, in the same write. policy: number of the policy that came into force so.
    """

    request: RequestAnswer
    decision: str
    changed: bool
    move: MoveAnswer | None
    policy: int | None
    operation: str | None


class SettledAnswer(TypedDict):
    """What was made of requests whose gates have all passed. requests: their numbers."""

    requests: list[int]
    moves: list[MoveAnswer]
    operation: str | None
