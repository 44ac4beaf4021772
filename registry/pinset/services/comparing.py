"""Compare: what changes from one release, or working copy, to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain.assembly import assemble_release
from pinset.domain.diff import as_json, compare
from pinset.domain.document import content_of
from pinset.domain.references import parse
from pinset.domain.sealed import Sealed
from pinset.services import publish, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.diff import Comparison
    from pinset.ports.catalog import CatalogReader
    from pinset.services.session import Context

WORKING_COPY = "working copy"


def diff(context: Context, old: str | Mapping[str, str], new: str | Mapping[str, str]) -> dict[str, Any]:
    """What changes, as JSON."""
    comparison, was, now = compared(context, old, new)
    return as_json(comparison, old=was, new=now)


def compared(
    context: Context, old: str | Mapping[str, str], new: str | Mapping[str, str]
) -> tuple[Comparison, str, str]:
    """What changes, and what to call both sides."""
    with reading.view(context) as reader:
        was, before = _side(reader, old)
        now, after = _side(reader, new)
    return compare(before, after), was, now


def _side(reader: CatalogReader, side: str | Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """One side's name and content. A working copy need not be fit to publish, only readable."""
    if not isinstance(side, str):
        result = assemble_release(side, publish.surroundings(reader))
        if result.content is None:
            publish.refuse(result.findings, (), unsealed=True)
            raise AssertionError("a working copy without content is refused")
        return f"{result.draft.bundle} ({WORKING_COPY})", result.content
    row, move = reading.find_release(reader, parse(side, default=None))
    stored = reader.sealed_release(row.record.bundle, row.record.version)
    through = f" ({move.record.alias})" if move else f" ({row.record.label})" if row.record.label else ""
    return f"{row.record.bundle}@v{row.record.version}{through}", content_of(Sealed(stored.manifest, stored.files))
