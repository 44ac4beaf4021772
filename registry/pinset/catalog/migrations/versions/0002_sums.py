"""Every row carries a sum of its values, and one row says how often the tokens changed."""

import hashlib
import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
# How sums were made when this was written; later ways do not change what was.
_SUMMED = {
    "token": ("id", "name", "scope", "secret_sha256", "created_at", "expires_at", "revoked_at"),
    "answer": ("principal", "key", "request", "operation", "status", "body", "at"),
    "attempt": ("at", "actor", "action", "target", "code", "detail"),
}
_KEYS = {"token": ("id",), "answer": ("principal", "key"), "attempt": ("id",)}


def upgrade() -> None:
    """Add the sums. What a row holds now is what it is held to."""
    connection = op.get_bind()
    for table in _SUMMED:
        op.add_column(table, _number("sum"))
    op.add_column("token", _number("used_sum"))
    for table, names in _SUMMED.items():
        rows = sa.table(
            table, *(sa.column(name) for name in {*names, *_KEYS[table], "last_used_at", "sum", "used_sum"})
        )
        asked = {*names, *_KEYS[table], *(("last_used_at",) if table == "token" else ())}
        for row in connection.execute(sa.select(*(rows.c[name] for name in sorted(asked)))).mappings().all():
            values = {"sum": _sum([table, *(row[name] for name in names)])}
            if table == "token":
                values["used_sum"] = _sum(["token use", row["id"], row["last_used_at"]])
            where = (rows.c[name] == row[name] for name in _KEYS[table])
            connection.execute(sa.update(rows).where(*where).values(**values))
    meta = op.create_table(
        "state_meta",
        sa.Column("sum", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("state_id", sa.String(), nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
    )
    count = connection.execute(sa.text("SELECT count(*) FROM token")).scalar()
    told = {"id": 1, "state_id": secrets.token_hex(8), "changes": 0, "tokens": count}
    connection.execute(sa.insert(meta).values(sum=_sum(["state_meta", *told.values()]), **told))


def _number(name: str) -> Any:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")


def _sum(told: list[Any]) -> int:
    hashed = hashlib.blake2b(repr(told).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(hashed.digest(), "big", signed=True)
