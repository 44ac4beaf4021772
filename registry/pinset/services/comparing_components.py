"""Compare two versions of a shared component, and say who still serves the older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.domain import names, sealed
from pinset.domain.access import Verb, bundles_of
from pinset.domain.diff import Shared, compare, with_users
from pinset.domain.diff.sharing import LOOKED_AT
from pinset.domain.document import component_content
from pinset.domain.references import ComponentReference, SelectorKind, is_component, parse_selector
from pinset.errors import InvalidInput, InvalidReference
from pinset.services import components, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.diff import Comparison
    from pinset.ports.catalog import CatalogReader, ComponentRow
    from pinset.services.session import Context


def are_components(old: str | Mapping[str, str], new: str | Mapping[str, str], *, past: bool) -> bool:
    """Whether two sides are versions of a component. past: whether a time is asked for.

    Raises InvalidReference where only one of them is, InvalidInput for a time: versions are numbered, and never move.
    """
    named = [isinstance(side, str) and is_component(side) for side in (old, new)]
    if not any(named):
        return False
    if not all(named):
        text = old if named[0] else new
        key = str(text).partition("@")[0]
        raise InvalidReference(
            f"{names.show(str(text))} is a shared component, and the other side is none",
            hint=f"name two versions of it: {key}@v1 {key}@latest; or two releases that hold them: pinset where-used {key}",
        )
    if past:
        raise InvalidInput(
            "a version of a component is the same at any time",
            hint="name two versions, without --at (over HTTP: at, from_at, to_at)",
        )
    return True


def compared(context: Context, reader: CatalogReader, old: str, new: str) -> tuple[Comparison, str, str]:
    """What changes between two versions, and what the two are called. Raises NotFound, Purged."""
    was, now = (_row(reader, side) for side in (old, new))
    first, second = was.record, now.record
    if first.kind != second.kind:
        raise InvalidReference(
            f"{first.kind} and {second.kind} have nothing in common to compare", hint="name two components of one kind"
        )
    before, after = _content(reader, was), _content(reader, now)
    part = "retrieval" if first.kind == "indexes" else first.kind
    before = {**before, part: {second.name: before[part][first.name]}}
    if first.name == second.name and first.version == second.version:
        return compare(before, after), _called(was), _called(now)
    users = reader.bundles(
        uses=(first.kind, first.name, first.version), fits=bundles_of(context.grants, Verb.READ), limit=LOOKED_AT
    )
    moved = Shared(f"{second.kind}/{second.name}", f"v{first.version}", f"v{second.version}")
    shared = [with_users(moved, (bundle.name for bundle in users), ())]
    return compare(before, after, shared=shared), _called(was), _called(now)


def _row(reader: CatalogReader, text: str) -> ComponentRow:
    key, at, selector = text.partition("@")
    if not at:
        raise InvalidReference(
            f"{names.show(text)} does not say which version", hint=f"write {key}@v1, or {key}@latest"
        )
    kind, name, _ = reading.component_key(key)
    wanted = ComponentReference(kind, name, parse_selector(selector))
    if wanted.selector.kind is SelectorKind.ALIAS:
        raise InvalidReference(
            f"{names.show(text)} names no version: components have no aliases",
            hint=f"name a version, a label or {key}@latest (`pinset component show {key}` lists them)",
        )
    row = reading.find_component(reader, wanted)
    if row is None:
        raise components.unknown(reader, wanted)
    return row


def _content(reader: CatalogReader, row: ComponentRow) -> dict[str, Any]:
    record = row.record
    form = reader.sealed_component(record.kind, record.name, record.version)
    included = {}
    for key, pin in sealed.parse(form.manifest).get("components", {}).items():
        kind, _, name = key.partition("/")
        included[key] = reader.sealed_component(kind, name, pin["version"])
    return component_content(form, included)


def _called(row: ComponentRow) -> str:
    record = row.record
    return str(record.which) + (f" ({record.label})" if record.label else "")
