"""Prompts and their versions by the page, for clients that look around rather than fetch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pinset.errors import ContentPurged, NotFound, PermissionDenied, Purged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinset.domain import answers
    from pinset.services.local import LocalRegistry

_PAGE: Final = 100
MOST: Final = 1000
"""Bundles, or releases, of one answer."""


def bundles(registry: LocalRegistry, query: str = "", after: str | None = None) -> Iterator[answers.BundleAnswer]:
    """Bundles that are in use and that who asks may read, by name. query: a part of one of its names."""
    cursor = after
    while True:
        page = registry.bundles(query=query, cursor=cursor, limit=_PAGE)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def called_there(about: answers.BundleAnswer) -> str:
    """What a bundle is called in these protocols' lists: as it was spelled first where it comes from, else by its name."""
    return about["names"][0] if about["names"] else about["name"]


def every_name(about: answers.BundleAnswer) -> list[str]:
    """All that a bundle answers to."""
    return [*about["names"], about["name"], *about["formerly"]]


def releases(registry: LocalRegistry, bundle: str, after: str | None = None) -> Iterator[answers.ReleaseSummary]:
    """The releases of a bundle whose content is there, newest first."""
    cursor = after
    while True:
        page = registry.releases(bundle, cursor=cursor, limit=_PAGE)
        yield from (one for one in page["items"] if one["purged"] is None)
        cursor = page["next"]
        if cursor is None:
            return


def newest(registry: LocalRegistry, bundle: str) -> answers.ReleaseAnswer | None:
    """The newest release; None where there is none, or none that who asks may read."""
    return at(registry, bundle, "latest")


def at(registry: LocalRegistry, bundle: str, selector: str) -> answers.ReleaseAnswer | None:
    """A release; None where there is none, or none that who asks may read."""
    try:
        return registry.release(f"{bundle}@{selector}")
    except (NotFound, PermissionDenied, ContentPurged, Purged):
        return None


def serving(registry: LocalRegistry, bundle: str, version: int) -> list[str]:
    """The aliases that serve a version, for who may read the whole bundle; sorted."""
    return sorted(one["alias"] for one in registry.aliases(bundle)["items"] if one["version"] == version)
