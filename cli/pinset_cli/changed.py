"""A change over many bundles, all of it, however many pages that are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.domain.answers.changes import ChangeAnswer
    from pinset.ports.registry import Registry


def candidates(found: Registry, name: str) -> list[tuple[str, int]]:
    """The release that each bundle has of a change: the newest that it published, else the last that it moved to."""
    chosen = []
    for item in whole(found, name)["items"]:
        versions = [one["version"] for one in item["releases"]] or [move["to"] for move in item["moves"] if move["to"]]
        if versions:
            chosen.append((item["bundle"], versions[-1]))
    return chosen


def whole(found: Registry, name: str) -> ChangeAnswer:
    """A change with all of its bundles."""
    answer: Any = found.changesets.show(name)
    while answer["next"] is not None:
        more = found.changesets.show(name, cursor=answer["next"])
        answer = {**answer, "items": [*answer["items"], *more["items"]], "next": more["next"]}
    whole: ChangeAnswer = answer
    return whole
