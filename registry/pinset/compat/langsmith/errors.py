"""How LangSmith tells a failure: ``{"detail": …}`` under the status of HTTP, by which its clients choose what they raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST: Final = 10
"""Findings of the checks that are told."""


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it."""
    said = [f"{problem['detail']}; {problem['hint']}" if problem["hint"] else problem["detail"]]
    findings = (problem.get("details") or {}).get("findings") or []
    said += [f"{one['message']}; {one['hint']}" for one in findings if one["severity"] == "error"][:_MOST]
    return status, {"detail": "\n".join(said), "code": problem["code"]}
