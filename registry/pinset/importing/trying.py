"""Imports that are only tried: what would be there by then, and is not, refuses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pinset.domain.answers.imports import ImportedAnswer

_MISSING: Final = "reference-unresolved"


class Trial:
    """What a dry run would have published by now, as far as others lean on it: shared components, by ``kind/name``."""

    def __init__(self) -> None:
        self._there: set[str] = set()

    def judged(self, item: ImportedAnswer) -> ImportedAnswer:
        """What would become of a version. One that only lacks components of before it would be created."""
        if item["problem"] is not None and self._lacks_those_alone(item):
            item = {**item, "outcome": "created", "problem": None, "findings": []}
        if item["outcome"] == "created" and "/" in item["name"]:
            self._there.add(item["name"])
        return item

    def _lacks_those_alone(self, item: ImportedAnswer) -> bool:
        errors = [one for one in item["findings"] if one["severity"] == "error"]
        return bool(errors) and all(
            one["code"] == _MISSING and any(f" {name}@" in one["message"] for name in self._there) for one in errors
        )
