"""Compare: what changes from one release, or working copy, to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import findings
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.assembly import assemble_release
from pinset.domain.diff import Files, as_json, compare, moved_components, with_users
from pinset.domain.diff.sharing import COMPONENTS, LOOKED_AT
from pinset.domain.document import content_of
from pinset.domain.references import parse
from pinset.services import comparing_components, costing, moments, naming, reading, versions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pinset.domain.diff import Comparison, Shared
    from pinset.domain.findings import Finding
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
    of_components = comparing_components.are_components(old, new, past=old_at is not None or new_at is not None)
    with reading.view(context) as reader:
        if of_components:
            found, was, now = comparing_components.compared(context, reader, str(old), str(new))
            return as_json(found, old=was, new=now)
        was, before, old_files = _side(context, reader, old, old_at)
        now, after, new_files = _side(context, reader, new, new_at)
        own = {side.partition("@")[0].partition(" ")[0] for side in (was, now)}
        return as_json(
            compared(context, reader, before, after, own=own, files=(old_files, new_files)), old=was, new=now
        )


def compared(
    context: Context,
    reader: CatalogReader,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    own: Collection[str] = (),
    files: tuple[Files, Files] = (Files(), Files()),
) -> Comparison:
    """What changes between two contents, with all that this registry can say of it. own: the bundles compared.

    files: what both are published with.
    """
    spent = costing.change(context.costs, before, after, at=context.clock.now())
    return compare(before, after, shared=_shared(context, reader, before, after, own), costs=spent, files=files)


def _shared(
    context: Context, reader: CatalogReader, before: Mapping[str, Any], after: Mapping[str, Any], own: Collection[str]
) -> tuple[Shared, ...]:
    """The components that moved on, with the other bundles that serve them now, of those that the caller may read."""
    fits = bundles_of(context.grants, Verb.READ)
    known = naming.named(reader)
    mine = {known.called(name) for name in own}  # a manifest may say a name of before
    found: list[Shared] = []
    for component in moved_components(before, after):
        kind, _, name = component.key.partition("/")
        asked = len(found) < COMPONENTS
        rows = reader.bundles(uses=(kind, name, None), fits=fits, limit=LOOKED_AT) if asked else ()
        found.append(with_users(component, (row.name for row in rows), mine))
    return tuple(found)


def _side(
    context: Context, reader: CatalogReader, side: str | Mapping[str, str], at: str | None
) -> tuple[str, dict[str, Any], Files]:
    """One side's name, content and files. A working copy need not be fit to publish, only readable."""
    if not isinstance(side, str):
        result = assemble_release(side, versions.surroundings(reader, context.grants))
        if result.content is None:
            findings.refuse(findings.as_answers(result.findings))
            raise AssertionError("a working copy without content is refused")
        return f"{result.draft.bundle} ({WORKING_COPY})", result.content, files_of(side, result.findings)
    wanted = parse(side, default=None)
    reading.permit(context, wanted, reader)
    then = moments.find(context, reader, at) if at is not None else None
    row, move = reading.find_release(reader, wanted) if then is None else moments.release_at(reader, wanted, then)
    form = reader.sealed_release(row.record.bundle, row.record.version)
    called = [move.record.alias if move else row.record.label, f"at {then.text}" if then and not wanted.fixed else None]
    through = " ".join(note for note in called if note)
    return (
        f"{row.record.bundle}@v{row.record.version}" + (f" ({through})" if through else ""),
        content_of(form),
        Files.of(form),
    )


def files_of(texts: Mapping[str, str], found: Iterable[Finding]) -> Files:
    """The files of a working copy, and which of them its checks say that no part names."""
    return Files(texts, frozenset(one.file for one in found if one.code == "file-unused" and one.file))
