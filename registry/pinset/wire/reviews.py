"""Bodies of requests for reviews."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pinset.wire.requests import Files  # noqa: TC001 - pydantic reads the annotations


class ReviewRequest(BaseModel):
    """The files of a bundle directory, text by path, and the alias whose release they are compared with."""

    model_config = ConfigDict(extra="forbid", strict=True)

    files: Files
    to: Annotated[str, Field(max_length=63)] = "production"
