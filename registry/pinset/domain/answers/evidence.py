"""Answers about evidence."""

from __future__ import annotations

from typing_extensions import TypedDict

from pinset.domain.answers import MoveAnswer  # noqa: TC001 - pydantic reads the annotations


class ResultAnswer(TypedDict):
    """A recorded evaluation result. It is bound to the release's ``digest``; of a suite the newest counts.

    score, threshold: decimal numbers as text. passed: what the suite says of itself. report: SHA-256 of the report that
    is kept, None without one. cases, failed: None where that is not told. person: whose credential recorded it. signer: the key for
    evidence that signed it, None where nobody did.
    """

    ref: str
    bundle: str
    version: int
    digest: str
    suite: str
    score: str | None
    threshold: str | None
    passed: bool | None
    cases: int | None
    failed: int | None
    report: str | None
    tool: str | None
    signer: str | None
    reason: str
    at: str
    actor: str
    person: str
    serial: int
    commit: str


class EvidenceAnswer(TypedDict):
    """Results that were recorded. moves: promotions that waited for them, and are made in the same write."""

    ref: str
    bundle: str
    version: int
    digest: str
    items: list[ResultAnswer]
    moves: list[MoveAnswer]
    warnings: list[str]
    operation: str | None
