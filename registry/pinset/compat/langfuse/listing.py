"""The list of prompts: a page costs what is on it, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pinset.compat.answering import alias_of, called
from pinset.domain.exchange import langfuse
from pinset.domain.references import SelectorKind
from pinset.errors import NotFound, PermissionDenied, TooLarge

if TYPE_CHECKING:
    from pinset.services.local import LocalRegistry
    from pinset.services.shelves import Shelved

SEARCHED: Final = 500
"""Bundles whose newest release is read for a tag: what a release is tagged with stands in the release."""


class Wanted(NamedTuple):
    """What of the list is asked for. page: from 1."""

    name: str | None
    label: str | None
    tag: str | None
    page: int
    limit: int


def listed(registry: LocalRegistry, wanted: Wanted) -> dict[str, Any]:
    """A page. Raises TooLarge where a tag is asked for among too many."""
    label = _alias(wanted.label)
    skip = wanted.limit * (wanted.page - 1)
    if label is None and wanted.label is not None and wanted.label != langfuse.LATEST:
        return _page([], 0, wanted)
    if wanted.name is not None:
        found = [one for one in _named(registry, wanted.name) if label is None or label in one.aliases]
        told = [_told(registry, one, label, wanted.name) for one in found]
    elif wanted.tag is None:
        total, shelf = registry.shelf(alias=label, skip=skip, limit=wanted.limit)
        return _page([_told(registry, one, label) for one in shelf], total, wanted)
    else:
        total, shelf = registry.shelf(alias=label, limit=SEARCHED)
        if total > SEARCHED:
            raise TooLarge(f"{total} prompts are too many to look for a tag in", hint="ask with a label, or by name")
        told = [_told(registry, one, label) for one in shelf]
    told = [one for one in told if wanted.tag is None or wanted.tag in one["tags"]]
    return _page(told[skip : skip + wanted.limit], len(told), wanted)


def _alias(label: str | None) -> str | None:
    """The alias that a label is; None where every bundle has it, or none can."""
    if label is None:
        return None
    try:
        found = alias_of(label)
    except NotFound:
        return None
    return found.text if found.kind is SelectorKind.ALIAS else None


def _named(registry: LocalRegistry, name: str) -> list[Shelved]:
    try:
        meant = called(registry, name)
        return [] if meant.prompt is not None else [registry.shelved(meant.bundle)]
    except (NotFound, PermissionDenied):
        return []


def _told(registry: LocalRegistry, one: Shelved, label: str | None, name: str | None = None) -> dict[str, Any]:
    """One bundle; with a label, what of it has the label. name: as the client spells it."""
    number = one.newest if label is None else one.aliases[label]
    labels = sorted({alias for alias, version in one.aliases.items() if label is None or version == number})
    document = (
        registry.release(f"{one.name}@v{number}") if number is not None and _is_whole(registry, one, number) else None
    )
    spelled = name or (one.names[0] if one.names else one.name)
    said = langfuse.tell(document, spelled) if document is not None else {"type": "text", "tags": [], "config": {}}
    newest = [langfuse.LATEST] if one.newest is not None and number == one.newest else []
    return {
        "name": spelled,
        "type": said["type"],
        "versions": list(one.versions) if label is None else [number],
        "labels": [*labels, *newest],
        "tags": said["tags"],
        "lastUpdatedAt": one.changed_at,
        "lastConfig": said["config"],
    }


def _is_whole(registry: LocalRegistry, one: Shelved, number: int) -> bool:
    """Whether a release's content is there: that of one that an alias serves may have been purged."""
    return number == one.newest or registry.summary(f"{one.name}@v{number}")["purged"] is None


def _page(told: list[dict[str, Any]], total: int, wanted: Wanted) -> dict[str, Any]:
    pages = -(-total // wanted.limit)
    return {
        "data": told,
        "meta": {"page": wanted.page, "limit": wanted.limit, "totalItems": total, "totalPages": pages},
    }
