"""Answers about what was purged."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict


class PurgedAnswer(TypedDict):
    """That a release was purged: when, by whom and why."""

    at: str
    by: str
    reason: str


class PurgedVersion(TypedDict):
    """A release or a version of a component that a purge is about. paths: those of its files that are removed for."""

    ref: str
    label: str | None
    digest: str
    paths: list[str]


class PurgeAnswer(TypedDict):
    """What a purge removed, or would remove.

    texts: SHA-256 (hex) of the texts it is for. purged: everything that held one of them. rewritten: commits that have
    another id since, the oldest of them of serial ``first``; None where that was not counted. head_before, head: ids of
    the newest commit before and after. beyond_reach: sentences about copies that no purge reaches. operation: None
    where nothing was written.
    """

    texts: list[str]
    purged: list[PurgedVersion]
    first: int
    rewritten: int | None
    head_before: str
    head: str
    at: str
    actor: str
    reason: str
    serial: int
    beyond_reach: list[str]
    operation: str | None


class PurgeEvent(TypedDict):
    """Content was removed for good: ask again for everything that you hold of these, and take 410 for an answer.

    also: those of them whose bundle has other names, by each of these.
    """

    serial: int
    at: str
    actor: str
    purged: list[str]
    reason: str
    also: NotRequired[dict[str, list[str]]]
