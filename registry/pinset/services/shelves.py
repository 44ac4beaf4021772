"""Bundles by the page, for clients that count pages: what is on one, and how many there are in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.access import Verb, bundles_of, permit_anywhere
from pinset.services import naming, reading
from pinset.services.bundles import served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinset.ports.catalog import BundleRow, CatalogReader
    from pinset.services.session import Context

DEEPEST: Final = 1_000_000
"""Bundles that are left out before a page."""


@dataclass(frozen=True, slots=True)
class Shelved:
    """One bundle. name: as it is called now. names: its spellings, the oldest first. versions: rising.

    aliases: the version that each serves. newest: the newest version that is neither yanked nor purged, None where there is none.
    """

    name: str
    names: tuple[str, ...]
    versions: tuple[int, ...]
    aliases: dict[str, int]
    newest: int | None
    changed_at: str


def shelf(context: Context, *, alias: str | None = None, skip: int = 0, limit: int = 50) -> tuple[int, list[Shelved]]:
    """How many bundles may be read that are not archived, and of these, by name, a page. alias: those that serve it."""
    permit_anywhere(context.grants, Verb.READ)
    fits = bundles_of(context.grants, Verb.READ)
    with reading.view(context) as reader:
        rows = reader.bundles(alias=alias, fits=fits, archived=False, skip=min(skip, DEEPEST), limit=limit)
        return reader.counted(alias=alias, fits=fits), _told(reader, rows)


def one(context: Context, name: str) -> Shelved:
    """One bundle by any of its names, archived or not. Raises NotFound, PermissionDenied."""
    naming.permit(context, Verb.READ, name)
    with reading.view(context) as reader:
        row = reader.bundle(name)
        if row is None:
            reading.need_bundle(reader, name)
            raise AssertionError("a bundle that is not there is not found")
        return _told(reader, [row])[0]


def _told(reader: CatalogReader, rows: Sequence[BundleRow]) -> list[Shelved]:
    serving, numbers = served(reader, rows), reader.numbers([row.key for row in rows]) if rows else {}
    found: list[Shelved] = []
    for row in rows:
        newest = reader.latest(row.key)
        found.append(
            Shelved(
                name=row.name,
                names=row.names,
                versions=tuple(numbers[row.key]),
                aliases={one.alias: one.version for one in serving[row.key] if one.version is not None},
                newest=newest.record.version if newest is not None else None,
                changed_at=reading.time(row.changed_at),
            )
        )
    return found
