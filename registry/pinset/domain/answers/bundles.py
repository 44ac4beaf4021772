"""Answers about changes of a bundle itself: who owns it, what it is called, and whether it is in use."""

from __future__ import annotations

from typing_extensions import TypedDict

from pinset.domain.answers import BundleAnswer


class SpelledAnswer(TypedDict):
    """Which bundle a name means. bundle: what it is called now."""

    name: str
    bundle: str


class BundleChangeAnswer(BundleAnswer):
    """A bundle after a change of it.

    action: ``set``, ``archive``, ``unarchive``, ``rename``; ``none`` where it was so already. warnings: sentences for people.
    operation: None where nothing was written.
    """

    action: str
    warnings: list[str]
    operation: str | None
