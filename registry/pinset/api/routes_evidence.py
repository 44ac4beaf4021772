"""Evidence: what evaluations say of releases."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.domain.answers.evidence import EvidenceAnswer, ResultAnswer
from pinset.domain.names import bundle_name
from pinset.domain.references import parse_selector
from pinset.wire import evidence as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1/bundles/{bundle}", responses=p.LOOKING, tags=["evidence"])


@router.post(
    "/releases/{selector}/evidence",
    response_model=EvidenceAnswer,
    responses={**p.SENDING, 201: {"model": EvidenceAnswer, "description": "Recorded."}},
)
def add_evidence(asked: p.Evidences, bundle: p.Bundle, selector: p.Selector, body: r.EvidenceRequest) -> Response:
    """Record results of a release, from a report or as they are said."""
    return asked.changed(
        body.model_dump(),
        lambda: asked.registry.evidence.add(asked.caller, _named(bundle, selector), **body.model_dump()),
        status=lambda _answer: 200 if asked.caller.dry_run else 201,
    )


@router.get("/releases/{selector}/evidence", response_model=a.Page[ResultAnswer])
def list_release_evidence(
    asked: p.Reads,
    bundle: p.Bundle,
    selector: p.Selector,
    suite: p.Suites = None,
    cursor: p.Cursor = None,
    limit: p.Limit = 100,
) -> Response:
    """Results of a release, newest first."""
    found = asked.registry.evidence.of_release(_named(bundle, selector), suite=suite, cursor=cursor, limit=limit)
    return asked.page(found)


@router.get("/releases/{selector}/evidence/{suite}/report", response_class=PlainTextResponse)
def get_report(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, suite: p.Suite) -> Response:
    """The report that came with the newest result of a suite, as it was."""
    return PlainTextResponse(asked.registry.evidence.report(_named(bundle, selector), suite))


@router.get("/evidence", response_model=a.Page[ResultAnswer])
def list_evidence(
    asked: p.Reads, bundle: p.Bundle, suite: p.Suites = None, cursor: p.Cursor = None, limit: p.Limit = 100
) -> Response:
    """Results of all releases of a bundle, newest first."""
    return asked.page(asked.registry.evidence.of_bundle(bundle, suite=suite, cursor=cursor, limit=limit))


def _named(bundle: str, selector: str) -> str:
    return f"{bundle_name(bundle)}@{parse_selector(selector)}"
