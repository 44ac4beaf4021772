"""The rows of the list of bundles as markup. A page has a thousand of them, so this is no template: every text is escaped here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from pinset.domain.diff.show import visible
from pinset.web.rendering import ago, second, since, when

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.web.bundle_view import BundleRow, BundleTable, Cell

_NOTHING: Final = '<td role="cell" class="nil soft">–</td>\n'  # noqa: RUF001 - a dash where there is nothing


def bundle_rows(table: BundleTable, now: int) -> Markup:
    """The rows of a table, under the columns that its head names. now: microseconds since 1970."""
    return Markup("".join(_row(row, table, now) for row in table.rows))  # noqa: S704 - every text in it is escaped


def _row(row: BundleRow, table: BundleTable, now: int) -> str:
    name = _safe(row.name)
    address = f"/bundles/{name}"
    archived = ' <span class="impact behaviour">archived</span>' if row.archived else ""
    about = f'<span class="about">{_safe(row.description)}</span>' if row.description else ""
    cells = "".join(_cells(row, table, address, now))
    return (
        f'<tr role="row">\n<th scope="row" role="rowheader"><a href="{address}">{name}</a>{archived}{about}</th>\n{cells}'
        f'<td role="cell" class="n" data-name="releases">{row.releases:,}</td>\n'
        f'<td role="cell" class="n" data-name="changed">{_time(row.changed_at, since(row.changed_at, now))}</td>\n</tr>\n'
    )


def _cells(row: BundleRow, table: BundleTable, address: str, now: int) -> Iterator[str]:
    """What its aliases serve, and whose it is."""
    for column, one in zip(table.columns, row.cells, strict=True):
        if one is not None and one.version:
            yield f'<td role="cell" data-name="{_safe(column)}">{_served(one, address, now)}</td>\n'
        else:
            yield _NOTHING
    if table.others:
        yield f'<td role="cell" data-name="other">{"".join(_others(row, address, now)) or _none()}</td>\n'
    if table.owners:
        yield f'<td role="cell" data-name="owner">{_safe(row.owner)}</td>\n'


def _others(row: BundleRow, address: str, now: int) -> Iterator[str]:
    for one in row.others:
        shown = _served(one, address, now) if one.version else _none()
        yield f'<span class="other">{_safe(one.alias)} {shown}</span> '


def _served(one: Cell, address: str, now: int) -> str:
    yanked = f' <span class="impact bad" title="{_safe(one.yanked)}">yanked</span>' if one.yanked else ""
    link = f'<a class="v" href="{address}/v{one.version}">v{one.version}</a>'
    return f'{link} <span class="soft">{_time(one.since, ago(one.since, now))}</span>{yanked}'


def _time(at: str, shown: str) -> str:
    """As `rendering.time_tag`."""
    return f'<time datetime="{second(at)}" title="{when(at)} UTC">{shown}</time>'


def _none() -> str:
    return '<span class="soft">–</span>'  # noqa: RUF001 - as above


def _safe(text: str) -> str:
    """A text on one line, visible and escaped."""
    shown = visible(text)
    # Most are names, which have nothing to escape: looking is a tenth of escaping.
    return shown if shown.isidentifier() else str(Markup.escape(shown))
