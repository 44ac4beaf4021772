"""What the catalog answers about shared components, and about the releases that hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, exists

from pinset.catalog import changes, purges
from pinset.catalog import questions as q
from pinset.catalog.asking import Asking
from pinset.catalog.questions import t
from pinset.domain.records import component_ref
from pinset.errors import NotFound
from pinset.ports.catalog import Holder, Use

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from pinset.domain.sealed import Sealed
    from pinset.ports.catalog import ComponentRow


class ComponentsReader(Asking):
    """The part of `ports.catalog.CatalogReader` about shared components."""

    def component(self, kind: str, name: str, version: int) -> ComponentRow | None:
        """One version of a component."""
        row = self._one(q.COMPONENT, key=f"{kind}/{name}", version=version)
        return self._component(row) if row else None

    def component_by_label(self, kind: str, name: str, label: str) -> ComponentRow | None:
        """One version of a component by its label."""
        row = self._one(q.COMPONENT_BY_LABEL, key=f"{kind}/{name}", label=label.lower())
        return self._component(row) if row else None

    def components_by_digest(self, kind: str, name: str, digest: str) -> Sequence[ComponentRow]:
        """The versions whose digest begins so."""
        wanted = q.components(t.Component.key == f"{kind}/{name}", *q.prefix(t.Component.digest, digest))
        rows = self._rows(wanted.order_by(t.Component.version).limit(q.MOST))
        return [self._component(row) for row in rows]

    def component_versions(
        self, kind: str, name: str, *, before: int | None = None, limit: int = 100
    ) -> Sequence[ComponentRow]:
        """Versions of a component, newest first."""
        wanted = q.components(t.Component.key == f"{kind}/{name}")
        if before is not None:
            wanted = wanted.where(t.Component.version < before)
        rows = self._rows(wanted.order_by(q.descending(t.Component.version)).limit(limit))
        return [self._component(row) for row in rows]

    def components(
        self, *, kind: str | None = None, query: str = "", after: str = "", limit: int = 100
    ) -> Sequence[ComponentRow]:
        """The newest version of every component."""
        wanted = q.components(t.Component.newest, t.Component.key > after)
        if query:
            wanted = wanted.where(q.containing(t.Component.key, query))
        if kind is not None:
            wanted = wanted.where(*q.prefix(t.Component.key, f"{kind}/"))
        return [self._component(row) for row in self._rows(wanted.order_by(t.Component.key).limit(limit))]

    def sealed_component(self, kind: str, name: str, version: int) -> Sealed:
        """The texts of a component, verified."""
        row = self.component(kind, name, version)
        if row is None:
            raise NotFound(f"there is no {kind}/{name}@v{version}")
        purges.refuse(row, self.raw)
        return self._sealed(row.record.digest, component_ref(kind, name))

    def where_used(
        self,
        kind: str,
        name: str,
        version: int | None = None,
        *,
        fits: Sequence[str] | None = None,
        after: tuple[bool, int] | None = None,
        limit: int = 100,
    ) -> Sequence[Use]:
        """Every release that holds a component, served ones first, then newest first."""
        of_release = (t.Alias.bundle == t.Uses.bundle) & (t.Alias.version == t.Uses.version)
        served = case((exists().where(of_release), 1), else_=0)
        wanted = (
            q.whole(t.Uses, t.Release, served.label("served"))
            .join(t.Release, (t.Release.bundle == t.Uses.bundle) & (t.Release.version == t.Uses.version))
            .where(t.Uses.key == f"{kind}/{name}")
            .order_by(served.desc(), q.descending(t.Release.serial))
            .limit(limit)
        )
        if version is not None:
            wanted = wanted.where(t.Uses.component_version == version)
        if fits is not None:
            wanted = wanted.where(q.named(t.Uses.bundle, lambda name: q.fitting(name, fits)))
        if after is not None:
            wanted = wanted.where(
                (served < int(after[0])) | ((served == int(after[0])) & (t.Release.serial < after[1]))
            )
        return [self._use(kind, name, row) for row in self._rows(wanted)]

    def _use(self, kind: str, name: str, row: Row[Any]) -> Use:
        use, serial = q.part(row, t.Uses), q.part(row, t.Release)["serial"]
        serving = self._serving(use["bundle"], use["version"]) if row.served else ()
        return Use(kind, name, use["component_version"], use["bundle"], use["version"], serial, serving)

    def _serving(self, bundle: str, version: int) -> tuple[str, ...]:
        wanted = q.whole(t.Alias).where(t.Alias.bundle == bundle, t.Alias.version == version)
        return tuple(q.part(row, t.Alias)["name"] for row in self._rows(wanted.order_by(t.Alias.name)))

    def holders(
        self,
        kind: str,
        name: str,
        below: int,
        *,
        alias: str | None = None,
        pattern: str = "*",
        fits: Sequence[str] | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[Holder]:
        """The bundles that hold a component in a version below one."""
        wanted = changes.holders(f"{kind}/{name}", below, alias).where(t.Bundle.name > after)
        if pattern != "*":
            wanted = wanted.where(q.named(t.Bundle.key, lambda one: q.fitting(one, [pattern])))
        if fits is not None:
            wanted = wanted.where(q.named(t.Uses.bundle, lambda name: q.fitting(name, fits)))
        found = ((q.part(row, t.Uses), q.part(row, t.Bundle)) for row in self._rows(wanted.limit(limit)))
        return [Holder(held["name"], use["version"], use["component_version"]) for use, held in found]

    def components_of(self, bundle: str, version: int) -> Mapping[str, int]:
        """The shared components that a release holds."""
        wanted = q.whole(t.Uses).where(t.Uses.bundle == bundle, t.Uses.version == version).order_by(t.Uses.key)
        parts = (q.part(row, t.Uses) for row in self._rows(wanted))
        return {part["key"]: part["component_version"] for part in parts}
