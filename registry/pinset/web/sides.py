"""Two sides that are compared: what can be chosen, and what is said of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pinset.domain.references import parse
from pinset.errors import InvalidInput, NotFound, PermissionDenied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinset.domain.answers import AliasAnswer, ReleaseSummary
    from pinset.services.local import LocalRegistry

NEWEST: Final = 60
"""Releases that a form lists; of an older one the number is typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a form's list."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What both lists of a form hold: the aliases of a bundle, then its newest versions."""

    bundle: str
    aliases: Sequence[Choice] = ()
    versions: Sequence[Choice] = ()
    more: bool = False

    def has(self, value: str) -> bool:
        """Whether a list holds it; else the form adds it."""
        return any(choice.value == value for choice in (*self.aliases, *self.versions))


def choices_of(registry: LocalRegistry, bundle: str) -> Choices:
    """What can be compared within a bundle. Raises NotFound; what may not be read is not there."""
    found = registry.releases(bundle, limit=NEWEST)
    return choices(bundle, registry.aliases(bundle)["items"], found["items"], more=found["next"] is not None)


def choices(
    bundle: str, aliases: Sequence[AliasAnswer], releases: Sequence[ReleaseSummary], *, more: bool = False
) -> Choices:
    """The lists: each alias with what it serves, each version with its label."""
    return Choices(
        bundle,
        [
            Choice(f"{bundle}@{one['alias']}", f"{one['alias']}, v{one['version']}")
            for one in aliases
            if one["version"] is not None
        ],
        [
            Choice(f"{bundle}@v{one['version']}", f"v{one['version']}" + (f" {one['label']}" if one["label"] else ""))
            for one in releases
            if one["purged"] is None
        ],
        more,
    )


def bundle_of(*references: str) -> str | None:
    """The bundle that all references are of; None where they are of several, or cannot be read."""
    found: set[str] = set()
    for text in references:
        try:
            found.add(parse(text, default=None).bundle)
        except InvalidInput:
            return None
    return found.pop() if len(found) == 1 else None


def told(registry: LocalRegistry, reference: str) -> Mapping[str, object] | None:
    """What is said of a side: its release without the content; None where that may not be seen, or is none."""
    try:
        return dict(registry.summary(reference))
    except (NotFound, PermissionDenied, InvalidInput):
        return None
