"""Releases of bundles."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from pinset.api import parameters as p
from pinset.api.conditional import ASK_AGAIN, cache_of, is_known, past_tag, tag_of, unless_known
from pinset.api.metrics import template_of
from pinset.api.observer import mark_fetched
from pinset.api.prepared import Prepared, encoding_of, prepare
from pinset.domain import answers as a
from pinset.domain.answers.changes import DerivedAnswer
from pinset.domain.edits import Edits
from pinset.domain.names import bundle_name
from pinset.domain.references import parse_selector
from pinset.errors import InvalidInput
from pinset.wire import requests as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinset.api.context import Asked

_READY: Final = (b"", b"form=document", b"form=sealed")
"""The queries of fetches whose answers are kept ready."""
_OF_BODY: Final = (b"content-type", b"content-length", b"content-encoding")
_EDITS: Final = {"base", "set", "add", "unset"}
"""What a body says beyond a release's files."""
router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["releases"])
_ONE: dict[str, Any] = {"response_model": a.ReleaseAnswer | a.SealedAnswer | a.ReleaseSummary, "responses": p.KNOWN}


@router.post(
    "/bundles/{bundle}/releases",
    response_model=a.PublishAnswer | DerivedAnswer,
    responses={**p.SENDING, 201: {"model": a.PublishAnswer | DerivedAnswer, "description": "A new release."}},
)
def publish(asked: p.Publishes, bundle: p.Bundle, body: r.PublishRequest) -> Response:
    """Publish a release, of its files or made from another one: 201 where it is new, 200 where its content was there."""
    # What is left out leaves no trace: a retry of before there was such a thing is the same request.
    caller, given = asked.caller, body.model_dump(exclude=_EDITS | ({"spelled"} if body.spelled is None else set()))
    work: Callable[[], Any]
    if body.base is not None and body.spelled is not None:
        raise InvalidInput("a release that is made from another one spells nothing", hint="leave out spelled")
    if body.base is not None:
        edits = Edits(set=body.set, add=body.add, unset=body.unset, files=body.files)
        reference = f"{bundle_name(bundle)}@{body.base}"
        given.pop("files")
        work = partial(asked.registry.changesets.derive, caller, reference, edits, **given)
    elif not body.files or body.set or body.add or body.unset:
        raise InvalidInput("a release has files, or is made from another one", hint='send files, or from: "production"')
    else:
        work = partial(asked.registry.publish, caller, bundle=bundle, **given)

    def place(answer: Any) -> dict[str, str]:
        return {} if caller.dry_run else {"Location": f"/v1/bundles/{bundle}/releases/v{answer['version']}"}

    return asked.changed(
        body.model_dump(exclude={"spelled"}) if body.base is not None else given,
        work,
        status=lambda answer: 201 if answer["created"] and not caller.dry_run else 200,
        headers=place,
    )


@router.get("/bundles/{bundle}/releases", response_model=a.Page[a.ReleaseSummary])
def list_releases(
    asked: p.Reads, bundle: p.Bundle, cursor: p.Cursor = None, limit: p.Limit = 100, at: p.At = None
) -> Response:
    """Releases of a bundle, newest first."""
    return asked.page(asked.looking(at).releases(bundle, cursor=cursor, limit=limit))


@router.get("/bundles/{bundle}/releases/{selector}", **_ONE)
def get_release(
    asked: p.Reads,
    bundle: p.Bundle,
    selector: p.Selector,
    form: p.Form = "document",
    at: p.At = None,
    known: p.Known = None,
) -> Response:
    """A release by version, label, digest, alias or latest."""
    return answer_release(asked, bundle, selector, form, known, at=at)


@router.get(
    "/bundles/{bundle}/releases/{selector}/files/{path:path}", response_class=PlainTextResponse, responses=p.KNOWN
)
def get_file(
    asked: p.Reads, bundle: p.Bundle, selector: p.Selector, path: p.File, at: p.At = None, known: p.Known = None
) -> Response:
    """One file of a release as it is."""
    found = parse_selector(selector)
    text = asked.looking(at).file(f"{bundle_name(bundle)}@{selector}", path)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()}-f1"'
    return unless_known(known, PlainTextResponse(text), tag, cache_of(found, fixed=at is None))


@router.post("/bundles/{bundle}/releases/{selector}/yank", response_model=a.YankAnswer, responses=p.SENDING)
def yank(asked: p.Yanks, bundle: p.Bundle, selector: p.Selector, body: r.YankRequest) -> Response:
    """Refuse a release to new moves."""
    named = f"{bundle_name(bundle)}@{selector}"
    work = lambda: asked.registry.yank(asked.caller, named, reason=body.reason)  # noqa: E731 - one call, named
    return asked.changed(body.model_dump(), work)


@router.post("/bundles/{bundle}/releases/{selector}/unyank", response_model=a.YankAnswer, responses=p.SENDING)
def unyank(asked: p.Yanks, bundle: p.Bundle, selector: p.Selector, body: r.YankRequest) -> Response:
    """Take a yank back."""
    named = f"{bundle_name(bundle)}@{selector}"
    work = lambda: asked.registry.unyank(asked.caller, named, reason=body.reason)  # noqa: E731 - one call, named
    return asked.changed(body.model_dump(), work)


@router.get("/bundles/{bundle}/clients", response_model=a.Page[a.ClientsAnswer])
async def list_clients(asked: p.Reads, bundle: p.Bundle) -> Response:
    """Who runs what: clients that fetched an alias within the last minute, by the version they hold."""
    state = asked.request.app.state

    def counted() -> Response:
        state.adoption.tell()
        return asked.page(asked.registry.clients(bundle))

    # One counts at a time, in a thread of its own: there may be very many clients, and others wait for threads.
    return await to_thread.run_sync(counted, limiter=state.counting)


@router.get("/bundles/{bundle}/history", response_model=a.Page[a.HistoryItem])
def bundle_history(
    asked: p.Reads, bundle: p.Bundle, cursor: p.Cursor = None, limit: p.Limit = 100, at: p.At = None
) -> Response:
    """The moves of all aliases of a bundle, newest first."""
    return asked.page(asked.looking(at).history(bundle, cursor=cursor, limit=limit))


def answer_release(
    asked: Asked, bundle: str, selector: str, form: str, known: str | None, *, at: str | None = None
) -> Response:
    """A release in the form asked for, or 304 where the client has it. known: If-None-Match. at: as of then."""
    found = parse_selector(selector)
    name = bundle_name(bundle)
    if at is not None:
        return _answer_past(asked, f"{name}@{selector}", form, known, at)
    if form == "summary":
        summary = asked.registry.summary(f"{name}@{selector}")
        return unless_known(known, asked.answered(summary), tag_of(summary, form, found), cache_of(found, fixed=False))
    scope = asked.request.scope
    make = partial(prepare, asked.registry, name, found, form, template_of(scope))
    if scope["query_string"] in _READY:
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        prepared = scope["app"].state.ready.find(target, make)
    else:
        prepared = make()
    mark_fetched(scope, found, name, prepared.version)
    return _given(prepared, asked, known)


def _answer_past(asked: Asked, reference: str, form: str, known: str | None, at: str) -> Response:
    """What a reference named then. Its tag is of all that it says, so it is no tag of what is served now.

    Nobody runs it, so it counts as no fetch; and it is asked for too seldom to be kept ready.
    """
    past = asked.registry.past(at)
    answer: Any
    match form:
        case "summary":
            answer = past.summary(reference)
        case "sealed":
            answer = past.sealed(reference)
        case _:
            answer = past.release(reference)
    return unless_known(known, asked.answered(answer), past_tag(answer), ASK_AGAIN)


def _given(prepared: Prepared, asked: Asked, known: str | None) -> Response:
    variant = prepared.variant(encoding_of(asked.request.headers.get("accept-encoding", "")))
    if known is not None and is_known(known, variant.tag.decode()):
        response = Response(status_code=304)
        response.raw_headers = [header for header in variant.headers if header[0] not in _OF_BODY]
    else:
        response = Response(variant.body)
        response.raw_headers = list(variant.headers)
    return response
