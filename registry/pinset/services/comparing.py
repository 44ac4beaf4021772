"""Compare: what changes from one release, or working copy, to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import findings
from pinset.domain.access import Verb, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.diff import as_json, compare
from pinset.domain.document import content_of
from pinset.domain.references import parse
from pinset.services import costing, moments, reading, versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.ports.catalog import CatalogReader
    from pinset.services.session import Context

WORKING_COPY = "working copy"


def diff(
    context: Context,
    old: str | Mapping[str, str],
    new: str | Mapping[str, str],
    *,
    old_at: str | None = None,
    new_at: str | None = None,
) -> dict[str, Any]:
    """What changes, as JSON. old_at, new_at: the time that a reference is taken at, now where there is none."""
    permit_anywhere(context.grants, Verb.READ)
    with reading.view(context) as reader:
        was, before = _side(context, reader, old, old_at)
        now, after = _side(context, reader, new, new_at)
    spent = costing.change(context.costs, before, after, at=context.clock.now())
    return as_json(compare(before, after, costs=spent), old=was, new=now)


def _side(
    context: Context, reader: CatalogReader, side: str | Mapping[str, str], at: str | None
) -> tuple[str, dict[str, Any]]:
    """One side's name and content. A working copy need not be fit to publish, only readable."""
    if not isinstance(side, str):
        result = assemble_release(side, versions.surroundings(reader, context.grants))
        if result.content is None:
            findings.refuse(findings.as_answers(result.findings))
            raise AssertionError("a working copy without content is refused")
        return f"{result.draft.bundle} ({WORKING_COPY})", result.content
    wanted = parse(side, default=None)
    reading.permit(context, wanted)
    then = moments.find(context, reader, at) if at is not None else None
    row, move = reading.find_release(reader, wanted) if then is None else moments.release_at(reader, wanted, then)
    form = reader.sealed_release(row.record.bundle, row.record.version)
    called = [move.record.alias if move else row.record.label, f"at {then.text}" if then and not wanted.fixed else None]
    through = " ".join(note for note in called if note)
    return f"{row.record.bundle}@v{row.record.version}" + (f" ({through})" if through else ""), content_of(form)
