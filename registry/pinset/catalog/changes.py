"""What the catalog is asked about changes over many bundles, as statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, or_, select, true
from sqlalchemy.orm import aliased

from pinset.catalog import questions as q
from pinset.catalog.questions import t
from pinset.domain.records import ComponentRecord, bundle_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Select

    from pinset.domain.records import Record


def about(record: Record) -> str:
    """What a record is about: a bundle, a shared component, or '' for the registry."""
    if isinstance(record, ComponentRecord):
        return f"{record.kind}/{record.name}"
    return bundle_of(record)


def holders(key: str, below: int, alias: str | None) -> Select[Any]:
    """Which bundles in use hold a component below a version: in what an alias serves, or in the newest release that counts."""
    uses = q.whole(t.Uses, t.Bundle).join(t.Bundle, t.Bundle.key == t.Uses.bundle)
    uses = uses.where(t.Uses.key == key, t.Uses.component_version < below, ~t.Bundle.archived).order_by(t.Bundle.name)
    if alias is not None:
        served = (t.Alias.bundle == t.Uses.bundle) & (t.Alias.version == t.Uses.version)
        return uses.join(t.Alias, served).where(t.Alias.name == alias)
    newer = aliased(t.Release)
    held = (t.Release.bundle == t.Uses.bundle) & (t.Release.version == t.Uses.version)
    later = (newer.bundle == t.Uses.bundle) & (newer.version > t.Uses.version)
    return uses.join(t.Release, held).where(
        t.Release.yanked.is_(None),
        t.Release.purged.is_(None),
        ~exists().where(later, newer.yanked.is_(None), newer.purged.is_(None)),
    )


def summed(name: str | None, fits: Sequence[str] | None, before: int | None) -> Select[Any]:
    """Changes with how much there is of each, newest write first."""
    last = func.max(t.Changed.serial)
    wanted = select(
        t.Changed.name,
        func.count(t.Changed.about.distinct()).filter(~t.Changed.about.contains("/"), t.Changed.about != ""),
        func.count(),
        func.min(t.Changed.serial),
        last,
    )
    wanted = wanted.where(_seen(fits)).group_by(t.Changed.name).order_by(last.desc())
    if name is not None:
        wanted = wanted.where(t.Changed.name == name)
    return wanted if before is None else wanted.having(last < before)


def bundles(name: str, fits: Sequence[str] | None, after: str) -> Select[Any]:
    """The bundles of a change, by name."""
    wanted = select(t.Bundle.name).join(t.Changed, t.Changed.about == t.Bundle.key).distinct().order_by(t.Bundle.name)
    return wanted.where(t.Changed.name == name, t.Bundle.name > after, _seen(fits))


def commits(name: str, wanted: Sequence[str] | None) -> Select[Any]:
    """The commits of a change about some bundles, or about shared components, by serial."""
    which = t.Changed.about.contains("/") if wanted is None else t.Changed.about.in_(wanted)
    found = q.whole(t.Commit).join(t.Changed, t.Changed.serial == t.Commit.serial)
    return found.where(t.Changed.name == name, which).order_by(t.Commit.serial)


def _seen(fits: Sequence[str] | None) -> Any:
    """What may be seen by who may read some bundles: shared components may be seen by everybody."""
    if fits is None:
        return true()
    return or_(t.Changed.about.contains("/"), q.named(t.Changed.about, lambda name: q.fitting(name, fits)))
