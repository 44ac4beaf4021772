"""Tokens and prices from packages that carry their data: the extra ``pinset[costs]``, and what stands in without it."""

from __future__ import annotations

from pinset.costs.nothing import Nothing
from pinset.costs.offline import Offline

__all__ = ["Nothing", "Offline"]
