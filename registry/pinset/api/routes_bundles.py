"""Bundles: which there are, and what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.domain.answers.bundles import BundleChangeAnswer
from pinset.domain.described import OWNER
from pinset.wire import bundles as r  # noqa: TC001 - the framework reads the annotations

if TYPE_CHECKING:
    from starlette.responses import Response

router = APIRouter(prefix="/v1/bundles", responses=p.LOOKING, tags=["bundles"])
_CHANGING: dict[str, Any] = {"response_model": BundleChangeAnswer, "responses": p.SENDING}


@router.get("", response_model=a.Page[a.BundleAnswer])
def list_bundles(
    asked: p.Reads,
    q: Annotated[str, Query(max_length=64, description="Part of a name, of now or of before.")] = "",
    uses: Annotated[str | None, Query(max_length=200, description="A component that a served release holds.")] = None,
    alias: Annotated[str | None, Query(max_length=63, description="Only bundles that serve this alias.")] = None,
    owner: Annotated[str | None, Query(max_length=OWNER, description="Only theirs; empty: of those of nobody.")] = None,
    archived: Annotated[bool, Query(description="Archived ones too.")] = False,  # noqa: FBT002 - FastAPI reads it
    cursor: p.Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many items at most.")] = 100,
    at: p.At = None,
) -> Response:
    """Bundles by name."""
    return asked.page(
        asked.looking(at).bundles(
            query=q, uses=uses, alias=alias, owner=owner, archived=archived, cursor=cursor, limit=limit
        )
    )


@router.get("/{bundle}", response_model=a.BundleAnswer)
def get_bundle(asked: p.Reads, bundle: p.Bundle, at: p.At = None) -> Response:
    """One bundle, by any of its names."""
    return asked.answered(asked.looking(at).bundle(bundle))


@router.patch("/{bundle}", **_CHANGING)
def set_bundle(asked: p.Describes, bundle: p.Bundle, body: r.SetRequest) -> Response:
    """Say who owns a bundle, what it is for, or how other tools spell it."""
    # A list that says nothing leaves no trace: a retry of before there were spellings is the same request.
    given = {name: value for name, value in body.model_dump().items() if value != []}
    return asked.changed(given, lambda: asked.registry.bundle_changes.set(asked.caller, bundle, **given))


@router.post("/{bundle}/archive", **_CHANGING)
def archive(asked: p.Retires, bundle: p.Bundle, body: r.ArchiveRequest) -> Response:
    """Take a bundle out of use."""
    return asked.changed(
        body.model_dump(), lambda: asked.registry.bundle_changes.archive(asked.caller, bundle, reason=body.reason)
    )


@router.post("/{bundle}/unarchive", **_CHANGING)
def unarchive(asked: p.Retires, bundle: p.Bundle, body: r.UnarchiveRequest) -> Response:
    """Take a bundle into use again."""
    return asked.changed(
        body.model_dump(), lambda: asked.registry.bundle_changes.unarchive(asked.caller, bundle, reason=body.reason)
    )


@router.post("/{bundle}/rename", **_CHANGING)
def rename(asked: p.Renames, bundle: p.Bundle, body: r.RenameRequest) -> Response:
    """Give a bundle another name. By those that it had it answers on."""
    return asked.changed(
        body.model_dump(),
        lambda: asked.registry.bundle_changes.rename(asked.caller, bundle, body.name, reason=body.reason),
    )
