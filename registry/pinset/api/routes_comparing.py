"""Questions: what changes, what the checks say, what references name."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the framework reads the annotations

from pinset.api import parameters as p
from pinset.domain import answers as a
from pinset.domain.answers.bundles import SpelledAnswer
from pinset.domain.answers.searching import SearchAnswer
from pinset.domain.exchange.spelling import SPELLING
from pinset.domain.searching import LONGEST
from pinset.errors import InvalidInput
from pinset.wire import requests as r  # noqa: TC001 - the framework reads the annotations

router = APIRouter(prefix="/v1", responses=p.LOOKING, tags=["comparing"])


@router.get("/diff", response_model=dict[str, Any])
def get_diff(
    asked: p.Reads,
    old: Annotated[p.Reference, Query(alias="from", description="What it was.")],
    new: Annotated[p.Reference, Query(alias="to", description="What it becomes.")],
    at: p.At = None,
    from_at: p.At = None,
    to_at: p.At = None,
) -> Response:
    """What changes from one release to another, or from one version of a shared component to another.

    at: both as of then; from_at, to_at: one side as of then. A component is the same at any time.
    """
    if at is not None and (from_at is not None or to_at is not None):
        raise InvalidInput("at is of both sides, so it excludes from_at and to_at", hint="send from_at and to_at")
    changes = asked.registry.diff(
        old, new, old_at=at if from_at is None else from_at, new_at=at if to_at is None else to_at
    )
    return asked.answered(changes)


@router.post("/diff", response_model=dict[str, Any], responses=p.SENDING)
def post_diff(asked: p.Reads, body: r.DiffRequest) -> Response:
    """What changes, where a side may be the files of a working copy; references as of old_at and new_at, else as of now."""
    return asked.answered(asked.registry.diff(body.old, body.new, old_at=body.old_at, new_at=body.new_at))


@router.post("/check", response_model=a.CheckAnswer, responses=p.SENDING)
def check(asked: p.Reads, body: r.CheckRequest) -> Response:
    """What the checks say of the files of a bundle directory."""
    return asked.answered(asked.registry.check(body.files, label=body.label))


@router.get("/search", response_model=SearchAnswer)
def search(
    asked: p.Reads,
    text: Annotated[str, Query(alias="q", max_length=LONGEST, description='Words, and "words in a row".')],
    cursor: p.Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50, description="How many items at most.")] = 20,
) -> Response:
    """Names, and what prompts and every other text say."""
    return asked.page(asked.registry.search(text, cursor=cursor, limit=limit))


@router.get("/spelled", response_model=SpelledAnswer)
def spelled(
    asked: p.Reads,
    name: Annotated[str, Query(max_length=4 * SPELLING, description="A bundle's name, or what other tools call it.")],
) -> Response:
    """Which bundle a name means: one of its own, or a spelling of it, or ``team/x`` for ``team.x``."""
    return asked.answered({"name": name, "bundle": asked.registry.spelled(name)})


@router.post("/resolve", response_model=a.ResolveAnswer, responses=p.SENDING)
def resolve(asked: p.Reads, body: r.ResolveRequest) -> Response:
    """Many references at one serial."""
    return asked.answered(asked.looking(body.at).resolve(body.references))
