"""The state's tables, as its newest migration leaves them. Every row carries a sum: see ``catalog.sums``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Index, LargeBinary, MetaData, bindparam, delete, func, select, true
from sqlmodel import Field, SQLModel

from pinset.catalog import sums
from pinset.domain.auditing import Outcome
from pinset.ports.state import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinset.domain.auditing import Wanted

STATE: Final = MetaData()
_LEFT_OUT: Final = {
    "token": frozenset({"sum", "last_used_at", "used_sum"}),
    "attempt": frozenset({"sum", "id"}),
}
"""What a row's sum leaves out: what changes often has a sum of its own, and a number is given by the engine."""


def sum_of(table: Any, values: Mapping[str, Any]) -> int:
    """The sum of a row of a table of SQLAlchemy's; what is not given is NULL."""
    return sums.sum_of_row(table, values, _LEFT_OUT.get(table.name, sums.ITSELF))


def sum_of_use(token_id: str, last_used_at: int | None) -> int:
    """The sum of a token's last use: noting one is one statement, which need not know the rest of the row."""
    return sums.sum_of(["token use", token_id, last_used_at])


class _Bytes(LargeBinary):
    """Bytes as the engine gives them: where the file is damaged they may be anything, and no conversion may fail."""

    cache_ok = True

    def result_processor(self, dialect: Any, coltype: Any) -> None:
        """None: nothing is converted."""


class _Table(SQLModel):
    metadata = STATE
    model_config = {"defer_build": True}  # as the catalog's


class _Summed(_Table):
    sum: int = Field(sa_type=BigInteger)


class MetaTable(_Summed, table=True):
    """One row: which state this is, how often its tokens changed, and how many there are."""

    __tablename__ = "state_meta"
    id: int = Field(primary_key=True)
    state_id: str
    changes: int = Field(sa_type=BigInteger)
    tokens: int


class TokenTable(_Summed, table=True):
    """Credentials, revoked ones included."""

    __tablename__ = "token"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    grants: str
    person: str
    secret_sha256: bytes = Field(sa_type=_Bytes)
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)
    used_sum: int = Field(sa_type=BigInteger)


class AnswerTable(_Summed, table=True):
    """First answers by principal and Idempotency-Key."""

    __tablename__ = "answer"
    principal: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request: str
    operation: str
    status: int
    body: str
    at: int = Field(sa_type=BigInteger, index=True)


class AttemptTable(_Summed, table=True):
    """Rows of the audit log that git does not hold. A number is never given twice, so that who follows misses none."""

    __tablename__ = "attempt"
    __table_args__ = (Index("attempt_holder", "kind", "holder"), {"sqlite_autoincrement": True})
    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    kind: str
    holder: str
    actor: str
    person: str
    via: str
    address: str
    action: str
    target: str
    bundle: str
    alias: str
    code: str
    detail: str
    details: str
    count: int


# What is asked of these tables is made once, and here, where those who need no table do not make it.

_META, _TOKEN = STATE.tables[MetaTable.__tablename__], STATE.tables[TokenTable.__tablename__]
COUNT: Final = select(func.count()).select_from(_TOKEN)
META: Final = [column.label(f"meta_{column.name}") for column in _META.columns]
_BOTH: Final = select(*META, _TOKEN)
ONE_TOKEN: Final = _BOTH.select_from(_META.outerjoin(_TOKEN, _TOKEN.c.id == bindparam("id")))
ALL_TOKENS: Final = _BOTH.select_from(_META.outerjoin(_TOKEN, true()))

# Of refused attempts so many are kept; where there are more, the oldest of whoever has most goes.

LOCKED: Final = select(_META.c.id).with_for_update()
_ATTEMPT: Final = STATE.tables[AttemptTable.__tablename__]
_ALIKE: Final = _ATTEMPT.c.kind == bindparam("kind")
COUNT_ATTEMPTS: Final = select(func.count()).select_from(_ATTEMPT).where(_ALIKE)
_OLDEST: Final = func.min(_ATTEMPT.c.id)
DROP_ATTEMPT: Final = delete(_ATTEMPT).where(
    _ATTEMPT.c.id
    == select(_OLDEST)
    .where(_ALIKE)
    .group_by(_ATTEMPT.c.holder)
    .order_by(func.count().desc(), _OLDEST)
    .limit(1)
    .scalar_subquery()
)


def attempts(wanted: Wanted | None, before: int | None, after: int, limit: int, oldest_first: bool) -> Any:  # noqa: FBT001
    """The rows of the audit log that are asked for: see `ports.state.State.attempts`."""
    c = _ATTEMPT.c
    found = select(_ATTEMPT).where(c.id > after).order_by(c.id if oldest_first else c.id.desc()).limit(limit)
    if before is not None:
        found = found.where(c.id < before)
    if wanted is None:
        return found
    if wanted.bundle:
        found = found.where(c.bundle.in_((wanted.bundle, *wanted.formerly)))
    for name in ("alias", "actor", "action"):
        if getattr(wanted, name):
            found = found.where(c[name] == getattr(wanted, name))
    if wanted.person:
        found = found.where((c.person == wanted.person) | ((c.person == "") & (c.actor == wanted.person)))
    if wanted.outcome is not None:
        done = c.kind == Kind.DONE.value
        found = found.where(done if wanted.outcome is Outcome.DONE else ~done)
    if wanted.since is not None:
        found = found.where(c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(c.at < wanted.until)
    return found
