"""Bodies of requests about evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str | None, Field(max_length=64)]


class EvidenceRequest(BaseModel):
    """Results of a release. score, threshold: decimal numbers as text. report: the text of a report, at most 1 MiB.

    signatures: by suite, of all of them or of none, each as ``ssh-keygen -Y sign`` makes it.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    suite: Short = None
    score: Short = None
    threshold: Short = None
    passed: bool | None = None
    report: str | None = None
    signatures: Annotated[
        dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=2000)]] | None,
        Field(max_length=100),
    ] = None
    reason: Annotated[str, Field(max_length=10_000)] = ""
