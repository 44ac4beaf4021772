"""What OpenFeature's providers ask: one flag, all flags, and to be told when to ask again."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from pinset.api.conditional import ASK_AGAIN, is_known
from pinset.compat.answering import Reads, called, key_of, told
from pinset.compat.ofrep import bulk
from pinset.compat.ofrep.bodies import Means  # noqa: TC001 - the framework reads the annotations
from pinset.compat.ofrep.stream import Refetches
from pinset.domain.following import Wanted
from pinset.domain.names import DEFAULT_ALIAS
from pinset.domain.references import Selector, parse_selector
from pinset.errors import InvalidInput, NotFound

router = APIRouter(prefix="/compat/ofrep/ofrep/v1", include_in_schema=False)
_LONGEST: Final = 64 * 1024
_Bundles = Annotated[str | None, Query(max_length=_LONGEST)]


@router.post("/evaluate/flags")
async def all_flags(asked: Reads, means: Means, bundle: _Bundles = None) -> Response:
    """Every bundle that serves production, or those that are named."""
    del means  # it was checked; everybody gets the same
    body, tag = await bulk.flags(asked, bulk.named(bundle))
    headers = {"ETag": tag, "Cache-Control": ASK_AGAIN}
    known = asked.request.headers.get("if-none-match")
    if known is not None and is_known(known, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.post("/evaluate/flags/{key:path}")
def one_flag(asked: Reads, means: Means, key: str) -> Response:
    """The release that ``bundle``, or ``bundle@alias``, means."""
    name, selector = key, parse_selector(DEFAULT_ALIAS)
    if "@" in key and asked.registry.meaning(key) is None:
        name, _, text = key.rpartition("@")
        selector = _selector(text)
    if called(asked.registry, name).prompt is not None:
        raise NotFound("there is no bundle of that name", hint="a flag is a whole release: BUNDLE, or BUNDLE@ALIAS")
    return told(asked, name, selector, bulk.tell_as(key), key=key_of(asked, means))


@router.get("/stream")
async def stream(asked: Reads, bundle: _Bundles = None) -> Response:
    """A message whenever what production serves may be another."""
    state = asked.request.app.state
    return Refetches(
        state.hub,
        state.watch,
        Wanted.of(bulk.named(bundle), [], asked.caller.grants),
        after=None,
        wait=None,
        beat=state.settings.beat_seconds,
    )


def _selector(text: str) -> Selector:
    try:
        return parse_selector(text)
    except InvalidInput:
        raise NotFound("there is nothing of that name", hint="a flag is BUNDLE, BUNDLE@ALIAS or BUNDLE@v7") from None
