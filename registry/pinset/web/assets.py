"""Style sheets and scripts: read once, sent under addresses that hold their content's digest, so that browsers keep them."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(include_in_schema=False)
TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_DIGITS: Final = 12
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. packed: with gzip."""

    address: str
    media_type: str
    plain: bytes
    packed: bytes


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """All assets by name."""
    found: dict[str, Asset] = {}
    for file in sorted(files("pinset.web").joinpath("assets").iterdir(), key=lambda one: one.name):
        stem, dot, ending = file.name.rpartition(".")
        if dot + ending not in TYPES:
            continue
        data = file.read_bytes()
        digest = sha256(data).hexdigest()[:_DIGITS]
        address = f"/assets/{stem}-{digest}.{ending}"
        found[file.name] = Asset(address, TYPES[dot + ending], data, gzip.compress(data, 9, mtime=0))
    return found


@lru_cache(maxsize=1)
def _by_address() -> Mapping[str, Asset]:
    return {asset.address: asset for asset in assets().values()}


def address_of(name: str) -> str:
    """Where an asset is. Raises KeyError for one that is not there: a template names it wrongly."""
    return assets()[name].address


@router.get("/assets/{name}")
async def get_asset(request: Request, name: str) -> Response:
    """One asset. Under another digest than its own there is none: nothing may be kept under the wrong name."""
    asset = _by_address().get(f"/assets/{name}")
    if asset is None:
        raise HTTPException(404)
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
    if takes_gzip:
        headers["Content-Encoding"] = "gzip"
    return Response(asset.packed if takes_gzip else asset.plain, media_type=asset.media_type, headers=headers)
