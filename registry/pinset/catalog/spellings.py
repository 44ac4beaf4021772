"""Spellings of bundles, as a column of the catalog holds them."""

from __future__ import annotations

import json


def kept(names: tuple[str, ...]) -> str:
    """Spellings as a column has them: most bundles have none, and cost nothing."""
    return json.dumps(names, ensure_ascii=False) if names else ""


def told(text: str) -> tuple[str, ...]:
    """The inverse of `kept`."""
    return tuple(json.loads(text)) if text else ()
