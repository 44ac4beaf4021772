"""How Langfuse tells a failure: ``{"message", "error"}`` under the status of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pinset.compat.protocol import reasons, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS: Final = {422: 400, 415: 400}
"""A request that is wrong is 400 there."""


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it. 404 makes them drop the prompt that they hold, so it is of nothing else."""
    said = [sentence(problem), *reasons(problem)]
    return _OTHERS.get(status, status), {"message": "\n".join(said), "error": problem["code"] or problem["title"]}
