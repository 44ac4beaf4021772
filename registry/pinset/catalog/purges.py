"""What was purged, and what would be: which releases hold a text, and what is said where one is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from pinset.catalog import questions as q
from pinset.catalog.questions import t
from pinset.domain import messages, sealed
from pinset.errors import Purged
from pinset.ports.catalog import ReleaseRow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from sqlalchemy import Row, Select

    from pinset.ports.catalog import ComponentRow

    Rows = Callable[..., Sequence[Row[Any]]]

_AT_ONCE = 200
"""Texts or digests that one statement asks for."""


def holders(rows: Rows, texts: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The digests of what holds one of these texts, and the paths that are it. rows: runs a statement."""
    wanted = frozenset(texts)
    found: dict[str, set[str]] = {}
    for some in _parts(sorted(wanted)):
        inside = or_(*(t.Manifest.text.contains(hashed) for hashed in some))
        itself = t.Manifest.digest.in_([f"sha256:{hashed}" for hashed in some])
        for row in rows(select(t.Manifest.digest, t.Manifest.text).where(inside | itself)):
            content = sealed.parse(str(row.text))
            paths = {path for path, entry in content["files"].items() if entry["sha256"] in wanted}
            if row.digest.removeprefix("sha256:") in wanted:
                paths.add(sealed.MANIFEST if "bundle" in content else sealed.COMPONENT)
            if paths:
                found[str(row.digest)] = paths
    return {digest: tuple(sorted(paths)) for digest, paths in found.items()}


def of_digests(digests: Collection[str]) -> Iterator[tuple[Select[Any], Select[Any]]]:
    """The statements that find the releases, and the components, of digests."""
    for some in _parts(sorted(digests)):
        yield q.releases(t.Release.digest.in_(some)), q.components(t.Component.digest.in_(some))


def refuse(row: ReleaseRow | ComponentRow, raw: Callable[[int], str]) -> None:
    """Raises Purged for what was purged: by whom, when and why, and which content it is that is gone.

    raw: the own text of the commit of a serial. With those of the tombstone and of what it names whoever pins keys
    proves that it is gone.
    """
    if row.purged is None:
        return
    purge, which = row.purged, str(row.record.which)
    raise Purged(
        f"{which} was purged: {purge.reason}",
        hint=f"its content is gone for good; see what there is: pinset releases {row.record.bundle}"
        if isinstance(row, ReleaseRow)
        else f"its content is gone for good; see what there is: pinset component show {row.record.kind}/{row.record.name}",
        details={
            "ref": which,
            "digest": row.record.digest,
            "at": messages.format_time(purge.stamp.at),
            "by": purge.stamp.actor,
            "reason": purge.reason,
            "proof": {"purge": raw(purge.stamp.serial), "release": raw(row.record.stamp.serial)},
        },
    )


def _parts(values: list[str]) -> Iterator[list[str]]:
    yield from (values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE))
