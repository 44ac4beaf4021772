"""Answers about the policy, and about what it wants of a move."""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - pydantic takes these on 3.11


class GateAnswer(TypedDict):
    """One gate. wants, found: sentences. can_close: open, it may pass later by time or by what others do.

    rule: the rule of the policy that wants it, from 1; 0 for the policy's own. at: when time alone passes it, None where
    it does not.
    """

    name: str
    rule: int
    wants: str
    found: str
    passed: bool
    can_close: bool
    at: str | None


GatesAnswer = TypedDict(
    "GatesAnswer",
    {
        "bundle": str,
        "alias": str,
        "from": int | None,
        "to": int | None,
        "policy": int | None,
        "can": bool,
        "gates": list[GateAnswer],
        "reason": str | None,
    },
)
GatesAnswer.__doc__ = """Whether a release may be promoted. can: now, by who asks. policy: the number in force, None before there is one.

gates: all of them, open ones first. reason: what else is against it (yanked, barred), None where nothing is.
"""


class PolicyAnswer(TypedDict):
    """A policy. number: 0 and an empty text before there is one. current: it is the one in force.

    request: the request that it fulfilled, or, in the answer of an edit that waits for approvals, the one it became;
    the rest is then of the policy that stays in force. glass: it was edited past the policy's own rule.
    changed, operation: in the answer of an edit; False where nothing came into force.
    """

    number: int
    text: str
    digest: str | None
    at: str | None
    actor: str | None
    reason: str
    request: int | None
    glass: bool
    current: bool
    changed: NotRequired[bool]
    operation: NotRequired[str | None]


class PolicyItem(TypedDict):
    """A policy in the history."""

    number: int
    digest: str
    at: str
    actor: str
    reason: str
    request: int | None
    glass: bool
    serial: int


class WouldAnswer(TypedDict):
    """What a policy says of one alias. what: ``serves``, that which it serves now; ``next``, what its source serves.

    passed: its gates are; of what comes next approvals and freezes are not counted. gates: of what is served only those
    that depend on the release itself: evidence, components, signatures.
    """

    bundle: str
    alias: str
    what: str
    version: int
    source: str | None
    passed: bool
    gates: list[GateAnswer]


class PolicyCheckAnswer(TypedDict):
    """A policy, tried on the registry as it is. ok: it refuses nothing that is served now.

    more: there are more aliases than were judged.
    """

    ok: bool
    would: list[WouldAnswer]
    warnings: list[str]
    more: bool
