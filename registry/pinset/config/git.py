"""``[git]``: whether the registry can be cloned over HTTP, and how much that may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pinset.config.toml import Path, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """enabled: whether there is ``/git``. at_once: clones and fetches that a process serves at the same time.

    seconds: how long one may take in all.
    """

    enabled: bool = True
    at_once: int = 4
    seconds: float = 1800.0


def read_git(reader: Reader, value: Any, path: Path) -> Git:
    """What a table sets; all else as it is by default."""
    table = reader.table(value, path, ("enabled", "at_once", "seconds"))
    usual = Git()
    return Git(
        enabled=reader.flag(table, "enabled", path, default=usual.enabled),
        at_once=reader.number(table, "at_once", path, default=usual.at_once, least=1, most=1000),
        seconds=reader.number(table, "seconds", path, default=usual.seconds, least=1, most=24 * 3600),
    )
