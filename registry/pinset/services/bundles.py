"""Bundles: what there is, who owns it, and what each alias serves since when. A list costs a fixed number of questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinset.domain import names
from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.domain.described import owner_text
from pinset.errors import NotFound
from pinset.services import naming, reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.domain import answers
    from pinset.ports.catalog import BundleRow, CatalogReader, Said, Serving
    from pinset.services.session import Context


def bundles(
    context: Context,
    *,
    query: str = "",
    uses: str | None = None,
    alias: str | None = None,
    owner: str | None = None,
    archived: bool = False,
    cursor: str | None = None,
    limit: int = 100,
) -> answers.Page[answers.BundleAnswer]:
    """Bundles by name."""
    check(alias, owner, cursor)
    permit_anywhere(context.grants, Verb.READ)
    with reading.view(context) as reader:
        used = None
        if uses is not None:
            kind, name, reference = reading.component_key(uses)
            row = reading.find_component(reader, reference) if reference else None
            if reference is not None and row is None:
                raise NotFound(f"there is no {reference}", hint="see what there is: pinset component list")
            used = (kind, name, row.record.version if row else None)
        rows = reader.bundles(
            query=query,
            alias=alias,
            uses=used,
            fits=bundles_of(context.grants, Verb.READ),
            after=cursor or "",
            limit=limit + 1,
            owner=owner,
            archived=archived,
        )
        told = served(reader, rows[:limit])
        return reading.page(rows, limit, lambda row: answer(reader, row, told[row.key]), lambda row: row.name)


def serving(context: Context, alias: str, *, limit: int) -> list[str]:
    """The names of the bundles of which an alias serves something that who reads may read; archived ones too."""
    with reading.view(context) as reader:
        rows = reader.bundles(alias=alias, fits=bundles_of(context.grants, Verb.READ, alias), limit=limit)
        return [row.name for row in rows]


def bundle(context: Context, name: str) -> answers.BundleAnswer:
    """One bundle."""
    naming.permit(context, Verb.READ, names.bundle_name(name))
    with reading.view(context) as reader:
        return one(reader, name)


def check(alias: str | None, owner: str | None, cursor: str | None) -> None:
    """Raises InvalidInput, InvalidName for what no list can be asked for."""
    if alias is not None:
        names.alias_name(alias)
    if owner is not None:
        owner_text(owner)
    if cursor is not None and not names.is_bundle_name(cursor):
        raise reading.bad_cursor(cursor)


def need(reader: CatalogReader, name: str) -> BundleRow:
    """A bundle by any of its names. Raises NotFound, naming bundles of a similar name."""
    row = reader.bundle(name)
    if row is None:
        reading.need_bundle(reader, name)
        raise AssertionError("a bundle that is not there is not found")
    return row


def one(reader: CatalogReader, name: str) -> answers.BundleAnswer:
    """A bundle as it is in a view. Raises NotFound."""
    row = need(reader, name)
    return answer(reader, row, served(reader, [row])[row.key])


def served(reader: CatalogReader, rows: Sequence[BundleRow]) -> dict[str, list[Serving]]:
    """What the aliases of these bundles serve, by first name; their names are looked up with it."""
    found: dict[str, list[Serving]] = {row.key: [] for row in rows}
    for serving in reader.serving(found) if found else ():
        found[serving.bundle].append(serving)
    naming.named(reader).learn(found)
    return found


def answer(
    reader: CatalogReader, row: BundleRow, serving: Sequence[Serving], said: Said | None = None
) -> answers.BundleAnswer:
    """A bundle, and what its aliases serve. said: what was said of it at an earlier time, None for now."""
    about = said or row
    return {
        "name": row.name,
        "releases": row.releases,
        "newest": row.newest,
        "changed_at": reading.time(row.changed_at),
        "aliases": {one.alias: one.version for one in serving},
        "since": {one.alias: reading.time(one.at) for one in serving},
        "yanked": {one.alias: one.yanked for one in serving if one.yanked is not None},
        "names": list(about.names),
        "owner": about.owner,
        "description": about.description,
        "archived": about.archived,
        "formerly": [name for name in naming.named(reader).names(row.key) if name != row.name],
    }
