"""The audit log of a registry elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from pinset.client.requests import path_of
from pinset.domain import names
from pinset.domain.auditing import parse_head, parse_place
from pinset.ports.audit import AuditFilter

if TYPE_CHECKING:
    from pinset.client.http import Http
    from pinset.domain import answers
    from pinset.domain.answers import audit

_SECONDS: Final = 600.0
"""A proof reads the whole repository."""


class RemoteAudit:
    """Implements `pinset.ports.audit.Audit` on ``/v1/audit``. Who asks is known to the server by the token."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def items(
        self,
        wanted: AuditFilter | None = None,
        *,
        cursor: str | None = None,
        oldest_first: bool = False,
        limit: int = 100,
    ) -> answers.Page[audit.AuditItem]:
        """A page of the log, newest first."""
        asked = wanted or AuditFilter()
        if asked.bundle is not None:
            names.bundle_name(asked.bundle)
        if asked.alias is not None:
            names.alias_name(asked.alias)
        if cursor is not None:
            parse_place(cursor)
        found: answers.Page[audit.AuditItem] = self._http.get(
            path_of("audit"), **asdict(asked), cursor=cursor, order="oldest" if oldest_first else "newest", limit=limit
        )
        return found

    def head(self) -> audit.AuditHeadAnswer:
        """The end of what is done."""
        found: audit.AuditHeadAnswer = self._http.get(path_of("audit", "head"))
        return found

    def verify(self, head: str) -> audit.AuditProofAnswer:
        """Prove that a kept head is in the chain. What is no head is not sent."""
        body = {"head": str(parse_head(head))}
        found: audit.AuditProofAnswer = self._http.ask(path_of("audit", "verify"), body, seconds=_SECONDS)
        return found
