"""Lists of bundles and of aliases as their pages show them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS: Final = 4
_USUAL: Final = ("production", "staging")
"""Aliases that come first where they are."""


class Cell(NamedTuple):
    """What an alias serves. version: None for nothing. since: '' where that is not known. yanked: why, '' where it is not."""

    alias: str
    version: int | None
    since: str
    yanked: str


class BundleRow(NamedTuple):
    """A bundle: a cell for each column, None where it has no such alias, and its other aliases."""

    name: str
    owner: str
    description: str
    releases: int
    newest: int
    changed_at: str
    archived: bool
    cells: list[Cell | None]
    others: list[Cell]


class BundleTable(NamedTuple):
    """The bundles of a page. columns: the aliases that most of them have. others, owners: whether any row has some."""

    columns: list[str]
    rows: list[BundleRow]
    others: bool
    owners: bool


def table_of(bundles: Sequence[Mapping[str, Any]]) -> BundleTable:
    """A table of bundles, with a column for each alias that is common among them."""
    counts = Counter(name for one in bundles for name in one["aliases"])
    common = sorted(
        counts, key=lambda name: (_USUAL.index(name) if name in _USUAL else len(_USUAL), -counts[name], name)
    )
    columns = [name for name in common if counts[name] * 10 >= len(bundles)][:_COLUMNS]
    rows = [_row(one, columns) for one in bundles]
    return BundleTable(columns, rows, any(row.others for row in rows), any(row.owner for row in rows))


def _row(bundle: Mapping[str, Any], columns: Sequence[str]) -> BundleRow:
    since, yanked = bundle["since"], bundle["yanked"]
    cells = {
        name: Cell(name, version, since.get(name, ""), yanked.get(name, ""))
        for name, version in bundle["aliases"].items()
    }
    return BundleRow(
        name=bundle["name"],
        owner=bundle["owner"],
        description=bundle["description"],
        releases=bundle["releases"],
        newest=bundle["newest"],
        changed_at=bundle["changed_at"],
        archived=bundle["archived"],
        cells=[cells.get(name) for name in columns],
        others=[cell for name, cell in cells.items() if name not in columns],
    )


class Adoption(NamedTuple):
    """How many clients hold a version; None for none yet."""

    version: int | None
    clients: int
    silent: int


class AliasRow(NamedTuple):
    """An alias, and who runs it."""

    answer: Mapping[str, Any]
    adoption: list[Adoption]


def aliases_of(aliases: Sequence[Mapping[str, Any]], clients: Sequence[Mapping[str, Any]]) -> list[AliasRow]:
    """Aliases with their clients: usual names first, those that serve nothing last."""

    def order(one: Mapping[str, Any]) -> tuple[bool, int, str]:
        name = one["alias"]
        return one["version"] is None, _USUAL.index(name) if name in _USUAL else len(_USUAL), name

    return [
        AliasRow(
            one,
            [
                Adoption(seen["version"], seen["clients"], seen["silent"])
                for seen in clients
                if seen["alias"] == one["alias"]
            ],
        )
        for one in sorted(aliases, key=order)
    ]


def review_of(rows: Sequence[AliasRow]) -> tuple[str, str] | None:
    """Which promotion is offered for review: from which alias to which; None where only one alias serves anything.

    rows: as `aliases_of` orders them, so that it is from staging to production where both are there.
    """
    target, *others = [row.answer["alias"] for row in rows if row.answer["version"] is not None] or [""]
    return (others[0], target) if others else None
