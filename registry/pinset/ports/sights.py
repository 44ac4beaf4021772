"""Sights: which client said that it holds which version, shared by all processes that serve one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pinset.domain.adoption import Held, Table, Who


class Sights(Protocol):
    """What the processes of one machine tell each other of their clients. Nothing here is kept for long, or fails."""

    def now(self) -> float:
        """The seconds in which sights are timed: the same clock for all processes, and it never jumps."""

    def keep(self, table: Table) -> None:
        """Tell all processes what this one saw, in the place of what it told before.

        Where that cannot be written only this process knows.
        """

    def everyone(self) -> dict[Who, Held]:
        """What all processes that live saw, of each client the newest, without what is forgotten."""

    def close(self) -> None:
        """Take back what this process told. Idempotent."""
