"""``[pages]``: what a browser is served, and where from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pinset.config.oidc import is_trustworthy

if TYPE_CHECKING:
    from pinset.config.toml import Path, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """enabled: whether there are any. url: where people find them, without a slash at the end; '' where nobody said.

    session_hours: how long somebody stays signed in at most.
    """

    enabled: bool = True
    url: str = ""
    session_hours: float = 12.0


def read_pages(reader: Reader, value: Any, path: Path) -> Pages:
    """What a table sets; all else as it is by default."""
    table = reader.table(value, path, ("enabled", "url", "session_hours"))
    usual = Pages()
    url = reader.text(table, "url", path, example='"https://pinset.example.com"').rstrip("/")
    if url and (not is_trustworthy(url) or urlsplit(url).path):
        message = "url must be the https:// address of the pages, without a path"
        reader.note("bad-value", (*path, "url"), message, 'write url = "https://pinset.example.com"')
    return Pages(
        enabled=reader.flag(table, "enabled", path, default=usual.enabled),
        url=url,
        session_hours=reader.number(
            table, "session_hours", path, default=usual.session_hours, least=0.25, most=24.0 * 30
        ),
    )
