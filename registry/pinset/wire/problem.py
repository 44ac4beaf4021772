"""The one shape of every failure."""

from __future__ import annotations

from pydantic import BaseModel


class Problem(BaseModel):
    """RFC 9457, with our code, hint and details. code: stable, what programs compare. hint: a way out."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    details: dict[str, object]
    request_id: str
