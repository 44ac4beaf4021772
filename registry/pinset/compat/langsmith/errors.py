"""How LangSmith tells a failure: ``{"detail": …}`` under the status of HTTP, by which its clients choose what they raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it."""
    hint = f"; {problem['hint']}" if problem["hint"] else ""
    return status, {"detail": f"{problem['detail']}{hint}", "code": problem["code"]}
