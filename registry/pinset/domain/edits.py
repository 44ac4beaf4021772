"""What is to change in a release that another one is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Edits:
    """What is to be changed. Paths are as people write them, ``model.pinned_version``; values are YAML on one line.

    set: values of paths that there are. add: entries that there are not. unset: entries and items that go. files:
    texts by path, new ones or in the place of old ones. They are made in the order files, set, add, unset.
    """

    set: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    unset: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What was asked for, as JSON."""
        return {"set": dict(self.set), "add": dict(self.add), "unset": list(self.unset), "files": dict(self.files)}
