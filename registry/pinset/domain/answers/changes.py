"""Answers about changes: writes over many bundles that are called by one name."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from pinset.domain.answers import FindingAnswer, MoveAnswer, PublishAnswer
from pinset.domain.answers.policy import GateAnswer


class DerivedAnswer(PublishAnswer):
    """A release that was made from another one. made_from: that one, pinned. changed: the paths that differ from it.

    diff: in a dry run, what changes, as `GET /v1/diff` answers it; None otherwise, and where nothing changes.
    """

    made_from: str
    changed: list[str]
    diff: dict[str, Any] | None


class ProblemAnswer(TypedDict):
    """Why something was not done: an error's code, message and way out."""

    code: str
    message: str
    hint: str


BumpAnswer = TypedDict(
    "BumpAnswer",
    {
        "bundle": str,
        "component": str,
        "alias": str | None,
        "from": int | None,
        "held": int | None,
        "to": int | None,
        "created": bool,
        "outcome": str,
        "verdict": str | None,
        "changes": int,
        "gates": list[GateAnswer],
        "findings": list[FindingAnswer],
        "move": MoveAnswer | None,
        "problem": ProblemAnswer | None,
        "operation": str | None,
        "change": str | None,
    },
)
BumpAnswer.__doc__ = """What became of one bundle, or would. from: the release that is succeeded; held: the version of the component in it.

to: the successor, None where there is none. created: False where it was there already. outcome: ``promoted``;
``published``, where no alias was to be moved; ``requested``, where the move waits for approvals; ``refused``, where the
successor is published and the alias may not be moved to it; ``current``, where nothing older is held; ``through``, where it
comes with another component, which is to be published anew first; ``failed``, where
nothing was written. verdict, changes: of the comparison of both. gates: those in front of the move. problem: of a
refusal or failure.
"""


class HolderAnswer(TypedDict):
    """A bundle that a bump is due for. version: the release that would be succeeded; held: the component's version in it."""

    bundle: str
    version: int
    held: int


class ChangedRelease(TypedDict):
    """A release that was published under a change. made_from: the release it was made from, None where it was sent."""

    ref: str
    version: int
    made_from: str | None
    at: str
    actor: str
    message: str


ChangedMove = TypedDict(
    "ChangedMove",
    {
        "alias": str,
        "action": str,
        "seq": int,
        "from": int | None,
        "to": int | None,
        "at": str,
        "actor": str,
        "reason": str,
        "revision": str,
        "serves": int | None,
        "stands": bool,
    },
)
ChangedMove.__doc__ = (
    """A move that was made under a change. serves: what the alias serves now. stands: this move is still its newest."""
)


class ChangedBundle(TypedDict):
    """What was done to one bundle under a change, each oldest first. requests: numbers of those that were made.

    serves: what each alias that was moved serves now. other: how many further records there are, such as evidence.
    """

    bundle: str
    releases: list[ChangedRelease]
    moves: list[ChangedMove]
    requests: list[int]
    other: int
    serves: dict[str, int | None]


class ChangeSummary(TypedDict):
    """A change in a list, as far as it may be read: how many bundles and commits, when it began, its newest write."""

    change: str
    bundles: int
    commits: int
    began_at: str
    changed_at: str


class ChangeAnswer(ChangeSummary):
    """A change, bundle by bundle. components: versions of shared components that were published under it.

    next: what to pass as ``cursor`` for further bundles, None at the end.
    """

    components: list[str]
    items: list[ChangedBundle]
    next: str | None


UndoneAnswer = TypedDict(
    "UndoneAnswer",
    {
        "bundle": str,
        "alias": str,
        "outcome": str,
        "from": int | None,
        "to": int | None,
        "why": str,
        "code": NotRequired[str],
        "hint": NotRequired[str],
        "operation": str | None,
    },
)
UndoneAnswer.__doc__ = """What became of one alias that a change moved. outcome: ``rolled_back``; ``left``, where it serves something else by now;
``refused``, for which ``why`` and ``code`` are the reason and ``hint`` is a way out. from, to: what it served, and serves after it."""


class UndoneChange(TypedDict):
    """A change, taken back. under: the change that the moves were made under. next: where there are further aliases."""

    change: str
    under: str
    items: list[UndoneAnswer]
    next: str | None
