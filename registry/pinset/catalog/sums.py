"""The sums that rows carry: SQL engines do not notice a bit that flips in a file of theirs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ITSELF: Final = frozenset({"sum"})
"""The column that no sum can hold."""


def sum_of_row(table: Any, values: Mapping[str, Any], left_out: frozenset[str] = ITSELF) -> int:
    """The sum of a row of a table of SQLAlchemy's; what is not given is NULL. left_out: columns that it leaves out."""
    return sum_of([table.name, *(values.get(column.name) for column in table.columns if column.name not in left_out)])


def sum_of(told: Sequence[Any]) -> int:
    """The sum of a list of plain values, as 64 bits with a sign."""
    hashed = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)
