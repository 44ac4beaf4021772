"""Answers about what happens: the data of live events. The head of each says when, and by whom, and as which write.

bundle: what it is called now. formerly: its other names, where it has any.
"""

from __future__ import annotations

from typing_extensions import NotRequired, TypedDict  # noqa: UP035 - pydantic takes these on 3.11

from pinset.domain.answers.purging import PurgeEvent  # noqa: TC001 - pydantic reads the annotations


class EventHead(TypedDict):
    """When something happened (ISO 8601), by whom, and the serial of the write. change: what it belongs to, with others."""

    serial: int
    at: str
    actor: str
    change: str | None
    formerly: NotRequired[list[str]]


MoveEvent = TypedDict(
    "MoveEvent",
    {
        "serial": int,
        "at": str,
        "actor": str,
        "bundle": str,
        "formerly": NotRequired[list[str]],
        "alias": str,
        "action": str,
        "seq": int,
        "from": int | None,
        "to": int | None,
        "reason": str,
        "revision": str,
        "policy": int | None,
        "request": int | None,
        "glass": bool,
        "change": str | None,
    },
)
MoveEvent.__doc__ = (
    """An alias was moved. from, to: versions, None where it served or serves nothing. glass: its gates were broken."""
)


class ReleaseEvent(EventHead):
    """A release was published."""

    bundle: str
    version: int
    label: str | None
    digest: str
    message: str


class YankEvent(EventHead):
    """A release was yanked, or its yank taken back: then ``yanked``, the reason, is None."""

    bundle: str
    version: int
    yanked: str | None


class ResultEvent(EventHead):
    """A result of an evaluation was recorded."""

    bundle: str
    version: int
    suite: str
    score: str | None
    passed: bool | None


RequestEvent = TypedDict(
    "RequestEvent",
    {
        "serial": int,
        "at": str,
        "actor": str,
        "bundle": str,
        "formerly": NotRequired[list[str]],
        "alias": str,
        "number": int,
        "aim": str,
        "from": int | None,
        "to": int | None,
        "reason": str,
        "change": str | None,
    },
)
RequestEvent.__doc__ = (
    """A request was made that waits for approvals. bundle, alias: '' where it is about the policy."""
)


class DecisionEvent(EventHead):
    """A request was approved by somebody, rejected or taken back: ``decision``."""

    bundle: str
    alias: str
    number: int
    decision: str
    reason: str


class BundleEvent(EventHead):
    """A bundle was described, archived, taken into use again or renamed: ``action``. name: what it is called from here on.

    names: what other tools call it beside.
    """

    bundle: str
    action: str
    name: str
    names: list[str]
    owner: str
    description: str
    archived: bool
    reason: str


class StandEvent(TypedDict):
    """Which registry it is, and its newest write."""

    registry: str
    epoch: int
    serial: int


class LostEvent(TypedDict):
    """Why the connection to the registry is lost."""

    reason: str


class EventAnswer(TypedDict):
    """Something that happened. event: move, release, yank, purge, result, request, decision, bundle, or of the stream: ready, reset, lost.

    serial: after which the stream goes on from here. ready: it begins, or is back. reset: events may have been missed,
    look at everything again. lost: the connection broke, and is sought again; only far ones say so.
    """

    event: str
    serial: int
    data: (
        MoveEvent
        | ReleaseEvent
        | YankEvent
        | PurgeEvent
        | ResultEvent
        | RequestEvent
        | DecisionEvent
        | BundleEvent
        | StandEvent
        | LostEvent
    )
