"""How Langfuse tells a failure: ``{"message", "error"}`` under the status of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_OTHERS: Final = {422: 400, 415: 400}
"""A request that is wrong is 400 there."""

_MOST: Final = 20


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it. 404 makes them drop the prompt that they hold, so it is of nothing else."""
    hint = f"; {problem['hint']}" if problem["hint"] else ""
    said = [problem["detail"] + hint]
    details = problem.get("details")
    if isinstance(details, dict):
        said += [f"{one['code']}: {one['message']}; {one['hint']}" for one in details.get("findings", [])[:_MOST]]
        gates = [one for one in details.get("gates", []) if not one["passed"]]
        said += [f"{one['name']} wants {one['wants']}: {one['found']}" for one in gates[:_MOST]]
    return _OTHERS.get(status, status), {"message": "\n".join(said), "error": problem["code"] or problem["title"]}
