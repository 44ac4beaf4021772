"""Bodies of decisions about requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class DecisionRequest(BaseModel):
    """Why a request is approved, rejected or taken back."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Annotated[str, Field(max_length=10_000)] = ""


class SettleRequest(BaseModel):
    """Nothing has to be said."""

    model_config = ConfigDict(extra="forbid", strict=True)
