"""The audit log as its users see it, near and far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pinset.domain import answers
    from pinset.domain.answers import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which items are asked for, as people write it; None asks for any.

    outcome: ``done`` or ``refused``. since, until: an ISO time with its zone, or how long ago (``7d``); the latter
    exclusive.
    """

    bundle: str | None = None
    alias: str | None = None
    actor: str | None = None
    person: str | None = None
    action: str | None = None
    outcome: str | None = None
    since: str | None = None
    until: str | None = None


class Audit(Protocol):
    """Everything that was done, tried and refused."""

    def items(
        self,
        wanted: AuditFilter | None = None,
        *,
        cursor: str | None = None,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> answers.Page[audit.AuditItem]:
        """A page of the log, newest first. What who asks may not audit is left out.

        cursor: go on there, from ``next`` of a page or ``cursor`` of an item; what is written meanwhile is neither
        missed nor told twice. A page may hold fewer items than there are, even none, and say where to go on: one
        request looks through so much only. Raises PermissionDenied for who may audit nothing that is asked for.
        """

    def head(self) -> audit.AuditHeadAnswer:
        """The end of what is done: one line that can be kept elsewhere."""

    def verify(self, head: str) -> audit.AuditProofAnswer:
        """Prove that a kept head is in the chain, and that everything after it follows.

        head: the line. Raises InvalidInput for what is none.
        """
