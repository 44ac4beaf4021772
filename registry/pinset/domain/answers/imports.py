"""Answers about imports."""

from __future__ import annotations

from typing_extensions import TypedDict  # as in the package

from pinset.domain.answers import FindingAnswer  # noqa: TC001 - pydantic reads the annotations
from pinset.domain.answers.changes import ProblemAnswer  # noqa: TC001 - so it does


class ImportedAnswer(TypedDict):
    """What became of one version. name: of its bundle or component, as it is called here. origin: what it was elsewhere.

    outcome: ``created``; ``already``, where it is there; ``conflict``, where another one has its number or its label;
    ``refused``, by what ``problem`` says. version, label, digest, commit: of what is there now, None where nothing is.
    """

    name: str
    origin: str | None
    outcome: str
    version: int | None
    label: str | None
    digest: str | None
    commit: str | None
    findings: list[FindingAnswer]
    problem: ProblemAnswer | None


class ImportAnswer(TypedDict):
    """What became of each version, in their order. operation: the write, None where nothing was written."""

    items: list[ImportedAnswer]
    operation: str | None
