"""How Phoenix tells a failure: ``{"detail": …}`` under the status of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.compat.protocol import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it."""
    return status, {"detail": sentence(problem), "code": problem["code"]}
