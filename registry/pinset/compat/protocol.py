"""What one protocol is, for whoever mounts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import APIRouter

NEVER: Final = re.compile(r"(?!)")
REASONS: Final = 10
"""Findings and gates that one failure tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """name: its folder, and the path under ``/compat``. router: its routes, whole paths.

    told: the body of a failure, of its status and its problem document; what it returns as the status is answered. The
    document has ``asked`` too: ``METHOD /path``, without what is before it.
    reads, writes, raw, opened: patterns of ``METHOD /path``, without what is before it: requests that only read whatever
    their method is, those that cost much work, those whose bodies are no JSON, and those that everybody may send.
    posted: of a POST that reads one release, the text that stands for all bodies which mean the same, None for one to be
    read the ordinary way, as is all that is no strict JSON; by the path's beginning.
    """

    name: str
    router: APIRouter
    told: Callable[[int, Mapping[str, Any]], tuple[int, Any]]
    reads: re.Pattern[str] = NEVER
    writes: re.Pattern[str] = NEVER
    raw: re.Pattern[str] = NEVER
    opened: re.Pattern[str] = NEVER
    posted: Mapping[str, Callable[[bytes], bytes | None]] | None = None

    @property
    def prefix(self) -> str:
        """What every path of it begins with."""
        return f"/compat/{self.name}/"


def sentence(problem: Mapping[str, Any]) -> str:
    """What is wrong, and the way out."""
    return f"{problem['detail']}; {problem['hint']}" if problem["hint"] else str(problem["detail"])


def reasons(problem: Mapping[str, Any]) -> list[str]:
    """What in particular refuses it: findings that are errors, and gates that are open."""
    told = problem.get("details")
    details = told if isinstance(told, dict) else {}
    found = [f"{one['message']}; {one['hint']}" for one in details.get("findings") or [] if one["severity"] == "error"]
    gates = [one for one in details.get("gates") or [] if not one["passed"]]
    return [*found, *(f"{one['name']} wants {one['wants']}: {one['found']}" for one in gates)][:REASONS]
