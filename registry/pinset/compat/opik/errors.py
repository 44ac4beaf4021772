"""How Opik tells a failure: ``{"errors": […]}`` under the status of HTTP. Of 404 its client makes None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.compat.protocol import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it."""
    return status, {"code": status, "message": sentence(problem), "errors": [problem["detail"]]}
