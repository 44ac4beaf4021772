"""What changes in retrieval: where passages come from, how they are found, how many, and where they go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.domain.diff.paths import PathChange, path_diff
from pinset.domain.diff.weighed import Weight, as_number, behaviour, change

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinset.domain.diff.budget import Budget
    from pinset.domain.diff.model import Change

_REASONS: Final[Mapping[str, str]] = {
    "embedding_model": "queries are embedded by another model: it has to be the one that the index was embedded by",
    "index.embedding_model": "the index was embedded by another model: queries have to be, too",
    "index.dimensions": "vectors of another size: the index was embedded again, and queries have to fit",
    "index.distance": "passages are ranked by another measure",
    "distance": "passages are ranked by another measure",
    "variable": "the passages go to another variable",
}


def compare_retrieval(name: str, old: Any, new: Any, budget: Budget) -> Iterator[Change]:
    """A retrieval that both sides have."""
    for one in path_diff(old, new, "", budget):
        yield change("retrieval", name, one, _weight(one))


def _weight(found: PathChange) -> Weight:
    if found.path == "top_k":
        return behaviour(_passages(found))
    reason = _REASONS.get(found.path)
    if reason is None and found.path.partition(".")[0].partition("[")[0] == "index":
        reason = "other passages are found"
    return behaviour(reason or "part of the retrieval")


def _passages(found: PathChange) -> str:
    old, new = as_number(found.old), as_number(found.new)
    if old is None or new is None:
        return "another number of passages"
    return (
        "more passages: the prompt is longer" if new > old else "fewer passages: the prompt is shorter, and knows less"
    )
