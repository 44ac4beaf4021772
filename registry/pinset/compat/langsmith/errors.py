"""How LangSmith tells a failure: ``{"detail": …}`` under the status of HTTP, by which its clients choose what they raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinset.compat.protocol import reasons, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping


def told(status: int, problem: Mapping[str, Any]) -> tuple[int, Any]:
    """A failure as its clients read it."""
    said = [sentence(problem), *reasons(problem)]
    return status, {"detail": "\n".join(said), "code": problem["code"]}
