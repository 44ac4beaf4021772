"""The audit log: everything that was done, tried and refused."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.api.context import json_of
from pinset.domain import answers as a
from pinset.domain.answers import audit
from pinset.ports.audit import AuditFilter
from pinset.wire import audit as w  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1/audit", responses=p.LOOKING, tags=["audit"])

LINES: Final = "application/jsonl"
_FORMATS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "A page; with `format=jsonl` an item a line.",
        "content": {LINES: {"schema": {"type": "string"}}},
    }
}
_Name = Annotated[str | None, Query(max_length=200)]
_Moment = Annotated[
    str | None, Query(max_length=64, description="`7d`, `12h`, `30min`, or an ISO 8601 time with its zone.")
]


@router.get("", response_model=a.Page[audit.AuditItem], responses=_FORMATS)
def list_audit(
    asked: p.Audits,
    bundle: Annotated[_Name, Query(description="Only what is about this bundle.")] = None,
    alias: Annotated[_Name, Query(description="Only what is about aliases of this name.")] = None,
    actor: Annotated[_Name, Query(description="Only what this actor did.")] = None,
    person: Annotated[_Name, Query(description="Only what credentials of this person did.")] = None,
    action: Annotated[_Name, Query(description="Only this: `publish`, `promote`, `rollback`, …")] = None,
    outcome: Annotated[_Name, Query(description="`done` or `refused`.")] = None,
    since: _Moment = None,
    until: _Moment = None,
    cursor: p.Cursor = None,
    order: Annotated[Literal["newest", "oldest"], Query(description="Which comes first.")] = "newest",
    limit: p.Limit = 100,
    format_: Annotated[
        Literal["json", "jsonl"], Query(alias="format", description="One object, or one an item.")
    ] = "json",
) -> Response:
    """Everything that was done, tried and refused, as far as the credential may see it."""
    wanted = AuditFilter(
        bundle=bundle,
        alias=alias,
        actor=actor,
        person=person,
        action=action,
        outcome=outcome,
        since=since,
        until=until,
    )
    page = asked.registry.audit.items(wanted, cursor=cursor, oldest_first=order == "oldest", limit=limit)
    if format_ == "json":
        return asked.page(page)
    lines = b"".join(json_of(item) + b"\n" for item in page["items"])
    query = urlencode({**asked.request.query_params, "cursor": page["next"]})
    link = {} if page["next"] is None else {"Link": f'<{asked.request.url.path}?{query}>; rel="next"'}
    return Response(lines, media_type=LINES, headers=link)


@router.get("/head", response_model=audit.AuditHeadAnswer)
def get_audit_head(asked: p.Asks) -> Response:
    """The end of what is done: one line that can be kept elsewhere."""
    return asked.answered(asked.registry.audit.head())


@router.post("/verify", response_model=audit.AuditProofAnswer, responses=p.SENDING)
def verify_audit(asked: p.Verifies, body: w.AuditVerifyRequest) -> Response:
    """Prove that a kept head is in the chain, and that everything after it follows."""
    return asked.answered(asked.registry.audit.verify(body.head))
