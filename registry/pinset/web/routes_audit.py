"""The audit log: what was done, and tried and refused."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.ports.audit import AuditFilter
from pinset.web.view import page

router = APIRouter(include_in_schema=False)
_ROWS: Final = 100
_Name = Annotated[str, Query(max_length=200)]


@router.get("/audit")
def list_audit(
    asked: p.Audits,
    bundle: _Name = "",
    alias: _Name = "",
    actor: _Name = "",
    action: _Name = "",
    outcome: _Name = "",
    since: Annotated[str, Query(max_length=64)] = "",
    until: Annotated[str, Query(max_length=64)] = "",
    cursor: p.Cursor = None,
) -> Response:
    """Newest first, as far as the credential may see it."""
    given = {
        "bundle": bundle,
        "alias": alias,
        "actor": actor,
        "action": action,
        "outcome": outcome,
        "since": since,
        "until": until,
    }
    wanted = AuditFilter(**{key: value.strip() or None for key, value in given.items()})
    found = asked.registry.audit.items(wanted, cursor=cursor, limit=_ROWS)
    return page(asked, "audit.html", found=found, wanted=given)
