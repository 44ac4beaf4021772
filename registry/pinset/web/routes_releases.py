"""A release, its files, and who brought each line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from starlette.responses import Response

from pinset.api import parameters as p
from pinset.domain.names import bundle_name
from pinset.errors import Purged
from pinset.web import marking
from pinset.web.acting import reads_all
from pinset.web.release_view import parts_of
from pinset.web.view import allowed, packed, page

if TYPE_CHECKING:
    from pinset.api.context import Asked

router = APIRouter(include_in_schema=False)
_RESULTS: Final = 50
_OTHERS: Final = 3
_LINES: Final = 5_000
_WIDE: Final = 4_000
RAW_POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'"
"""Of a file as it is: whatever a browser takes it for, it may do nothing."""


@router.get("/bundles/{bundle}/{selector}")
def get_release(asked: p.Reads, bundle: p.Bundle, selector: p.Selector) -> Response:
    """A release with all its parts; of one that was purged, that it was."""
    registry, reference = asked.registry, f"{bundle_name(bundle)}@{selector}"
    summary = registry.summary(reference)
    exact = f"{summary['bundle']}@v{summary['version']}"
    try:
        form = registry.sealed(reference)
        parts = parts_of(form["manifest"], form["files"])
    except Purged:
        parts = None
    whole = reads_all(asked, summary["bundle"])
    return page(
        asked,
        "release.html",
        release=summary,
        parts=parts,
        whole=whole,
        at=f"v{summary['version']}" if whole else selector,
        others=_others(asked, summary["bundle"], summary["version"]),
        results=allowed(lambda: registry.evidence.of_release(exact, limit=_RESULTS)["items"]),
        signatures=allowed(lambda: registry.keys.signatures(exact)["items"]),
    )


@router.get("/bundles/{bundle}/{selector}/files/{path:path}")
def get_file(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, path: p.File) -> Response:
    """One file, line by line."""
    text = asked.registry.file(f"{bundle_name(bundle)}@{selector}", path)
    lines, left_out, cut = marking.lines(text, most=_LINES, wide=_WIDE)
    size = len(text.encode())
    return page(
        asked,
        "file.html",
        live=False,
        bundle=bundle,
        selector=selector,
        path=path,
        lines=lines,
        left_out=left_out,
        cut=cut,
        size=size,
    )


@router.get("/bundles/{bundle}/{selector}/raw/{path:path}")
def get_raw(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, path: p.File) -> Response:
    """One file as it is, as text that a browser runs nothing of."""
    text = asked.registry.file(f"{bundle_name(bundle)}@{selector}", path)
    name = path.rpartition("/")[2]
    headers = {
        "Content-Security-Policy": RAW_POLICY,
        "Content-Disposition": f'inline; filename="{name}"',
    }
    return packed(asked.request, text, media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/bundles/{bundle}/{selector}/blame/{path:path}")
def get_blame(asked: p.Reads, bundle: p.Bundle, selector: p.Selector, path: p.File) -> Response:
    """One file with who brought each line."""
    found = asked.registry.blame(f"{bundle_name(bundle)}@{selector}", path)
    lines, left_out, cut = marking.lines("\n".join(line["text"] for line in found["lines"]), most=_LINES, wide=_WIDE)
    return page(
        asked,
        "blame.html",
        live=False,
        bundle=bundle,
        selector=selector,
        path=path,
        whole=reads_all(asked, bundle),
        blame=found,
        lines=lines,
        left_out=left_out,
        cut=cut,
    )


def _others(asked: Asked, bundle: str, version: int) -> list[Any]:
    """Aliases that serve another release, to compare this one with."""
    aliases = allowed(lambda: asked.registry.aliases(bundle)["items"])
    return [one for one in aliases if one["version"] not in (None, version)][:_OTHERS]
