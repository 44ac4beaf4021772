"""What a request for a purge holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pinset.wire.requests import Reason  # noqa: TC001 - pydantic reads the annotations

_Path = Annotated[str, Field(max_length=512)]
_Named = Annotated[str, Field(max_length=200)]


class PurgeRequest(BaseModel):
    """What is to go, and why. files: paths of the release; expect: all that the sender knows to be purged with it."""

    model_config = ConfigDict(extra="forbid", strict=True)
    ref: Annotated[str, Field(max_length=600)]
    files: Annotated[list[_Path], Field(max_length=512)] = []
    all_files: bool = False
    reason: Reason
    expect: Annotated[list[_Named], Field(max_length=10_000)] | None = None
