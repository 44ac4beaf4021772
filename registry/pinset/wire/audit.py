"""Request bodies of the audit log."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AuditVerifyRequest(BaseModel):
    """A head that was kept: the line of `pinset audit head`."""

    model_config = ConfigDict(extra="forbid", strict=True)
    head: Annotated[str, Field(min_length=1, max_length=200)]
