"""Compare: what changes from one release, or working copy, to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import findings
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.diff import as_json, compare, moved_components, with_users
from pinset.domain.diff.sharing import COMPONENTS, LOOKED_AT
from pinset.domain.document import content_of
from pinset.domain.references import parse
from pinset.services import costing, moments, reading, versions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pinset.domain.diff import Shared
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
        concerned = shared(context, reader, before, after, {was.partition("@")[0], now.partition("@")[0]})
    spent = costing.change(context.costs, before, after, at=context.clock.now())
    return as_json(compare(before, after, shared=concerned, costs=spent), old=was, new=now)


def shared(
    context: Context,
    reader: CatalogReader,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    own: Collection[str],
) -> tuple[Shared, ...]:
    """The components that moved on between two contents, with the other bundles that serve them now.

    Of those only what the caller may read. own: the bundles that are compared.
    """
    fits = bundles_of(context.grants, Verb.READ)
    found: list[Shared] = []
    for component in moved_components(old, new):
        kind, _, name = component.key.partition("/")
        asked = len(found) < COMPONENTS
        rows = reader.bundles(uses=(kind, name, None), fits=fits, limit=LOOKED_AT) if asked else ()
        found.append(with_users(component, (row.name for row in rows), own))
    return tuple(found)


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
