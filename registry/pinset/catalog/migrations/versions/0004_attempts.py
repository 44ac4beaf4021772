"""The audit log's rows say whose credential it was, from where, and about what."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
# How rows and sums were made when this was written; later ways do not change what was.
_BEFORE = ("at", "actor", "action", "target", "code", "detail")
_NAMES = (
    "at", "kind", "holder", "actor", "person", "via", "address", "action", "target", "bundle", "alias", "code", "detail",
    "details", "count",
)  # fmt: skip
_STRANGER = "anonymous"


def upgrade() -> None:
    """Make the table anew, for a number must never be given twice. A row that was damaged stays so."""
    connection = op.get_bind()
    old = sa.table("attempt", *(sa.column(name) for name in ("id", "sum", *_BEFORE)))
    rows = connection.execute(sa.select(*old.c).order_by(old.c.id)).mappings().all()
    op.drop_table("attempt")
    new = op.create_table(
        "attempt",
        sa.Column("sum", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _NAMES[1:-1]),
        sa.Column("count", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("attempt_holder", "attempt", ["kind", "holder"])
    for row in rows:
        connection.execute(sa.insert(new).values(**_grown(row)))


def _grown(row: Any) -> dict[str, Any]:
    kind = _STRANGER if row["actor"] == _STRANGER else "refused"
    values = dict.fromkeys(_NAMES, "") | {name: row[name] for name in _BEFORE}
    values |= {"kind": kind, "holder": "" if kind == _STRANGER else row["actor"], "details": "{}", "count": 1}
    sound = row["sum"] == _sum([row[name] for name in _BEFORE])
    return {**values, "sum": _sum([values[name] for name in _NAMES]) if sound else 0}


def _sum(values: list[Any]) -> int:
    hashed = hashlib.blake2b(repr(["attempt", *values]).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)
