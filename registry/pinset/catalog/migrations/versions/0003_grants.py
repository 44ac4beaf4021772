"""Tokens have grants in the place of one scope, and say whose they are."""

import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
# How sums were made when this was written; later ways do not change what was.
_BEFORE = ("id", "name", "scope", "secret_sha256", "created_at", "expires_at", "revoked_at")
_AFTER = ("id", "name", "grants", "person", "secret_sha256", "created_at", "expires_at", "revoked_at")


def upgrade() -> None:
    """Rename the column, for a scope's name is a grant; add the other. A row that was damaged before stays damaged."""
    connection = op.get_bind()
    before = sa.table("token", *(sa.column(name) for name in {*_BEFORE, "sum"}))
    asked = (before.c[name] for name in sorted({*_BEFORE, "sum"}))
    rows = connection.execute(sa.select(*asked)).mappings().all()
    op.execute("ALTER TABLE token RENAME COLUMN scope TO grants")
    op.add_column("token", sa.Column("person", sa.String(), nullable=False, server_default=""))
    after = sa.table("token", sa.column("id"), sa.column("sum"))
    for row in rows:
        if row["sum"] == _sum(["token", *(row[name] for name in _BEFORE)]):
            now = {**row, "grants": row["scope"], "person": ""}
            changed = {"sum": _sum(["token", *(now[name] for name in _AFTER)])}
            connection.execute(sa.update(after).where(after.c.id == row["id"]).values(**changed))


def _sum(told: list[Any]) -> int:
    hashed = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)
