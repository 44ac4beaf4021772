"""Bodies of changes over many bundles."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class BumpRequest(BaseModel):
    """The version of a component that a bundle is to hold: ``prompts/house-tone@v4``.

    alias: what it serves is succeeded, and moved to the successor; without, the newest release is. allow: as of a publish.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    component: Annotated[str, Field(max_length=200)]
    alias: Annotated[str | None, Field(max_length=63)] = None
    message: Annotated[str, Field(max_length=10_000)] = ""
    allow: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)] = []


class UndoRequest(BaseModel):
    """Why a change is taken back."""

    model_config = ConfigDict(extra="forbid", strict=True)
    reason: Annotated[str, Field(max_length=10_000)] = ""
