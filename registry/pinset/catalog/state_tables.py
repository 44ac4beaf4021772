"""The state's tables, as its newest migration leaves them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, LargeBinary, MetaData
from sqlmodel import Field, SQLModel

STATE: Final = MetaData()


class _Table(SQLModel):
    metadata = STATE
    model_config = {"defer_build": True}  # as the catalog's


class TokenTable(_Table, table=True):
    """Credentials, revoked ones included."""

    __tablename__ = "token"
    id: str = Field(primary_key=True)
    name: str = Field(index=True)
    scope: str
    secret_sha256: bytes = Field(sa_type=LargeBinary)
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)


class AnswerTable(_Table, table=True):
    """First answers by principal and Idempotency-Key."""

    __tablename__ = "answer"
    principal: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request: str
    operation: str
    status: int
    body: str
    at: int = Field(sa_type=BigInteger, index=True)


class AttemptTable(_Table, table=True):
    """Refused attempts."""

    __tablename__ = "attempt"
    id: int | None = Field(default=None, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    actor: str
    action: str
    target: str
    code: str
    detail: str
