"""Shared components that moved on between two releases, and whom else that concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.model import Shared
from pinset.domain.diff.paths import same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

NAMED: Final = 5
"""Bundles named beside one component."""
LOOKED_AT: Final = 100
"""Bundles looked at for one component; those beyond are not counted."""
COMPONENTS: Final = 20
"""Components that users are looked up for; there are seldom so many in one release."""


def moved_components(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Shared, ...]:
    """The components that differ between two contents, by their key; nothing is known of their users yet."""
    before, after = (_components(content) for content in (old, new))
    keys = sorted(key for key in before.keys() | after.keys() if not same(before.get(key), after.get(key)))
    return tuple(Shared(key, _pin(before.get(key)), _pin(after.get(key))) for key in keys)


def with_users(component: Shared, bundles: Iterable[str], own: Collection[str]) -> Shared:
    """The component with the bundles that use it. own: those that are compared, which are not others."""
    others = [bundle for bundle in bundles if bundle not in own]
    return replace(component, used_by=tuple(others[:NAMED]), more=len(others[NAMED:]))


def _components(content: Mapping[str, Any]) -> dict[str, Any]:
    found = content.get("components")
    return found if isinstance(found, dict) else {}


def _pin(component: Any) -> str | None:
    """The version, or the digest where that is all there is."""
    if not isinstance(component, dict):
        return None if component is None else str(component)
    version = component.get("version")
    if isinstance(version, int):
        return f"v{version}"
    return str(version or component.get("digest") or "unknown")
