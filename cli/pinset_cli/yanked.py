"""Which aliases serve a release that was yanked: nothing moves them away by itself, so people have to see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pinset.ports.registry import Registry


def yanks(found: Registry, bundle: str, versions: Iterable[int | None]) -> dict[int, str]:
    """The reasons of those versions of a bundle that are yanked."""
    reasons: dict[int, str] = {}
    for version in {version for version in versions if version}:
        reason = found.summary(f"{bundle}@v{version}")["yanked"]
        if reason is not None:
            reasons[version] = reason
    return reasons


def serves(version: int | None, yanked: Mapping[int, str]) -> str:
    """What an alias serves, as a cell of a table."""
    if not version:
        return "(retired)"
    return f"v{version} YANKED" if version in yanked else f"v{version}"
