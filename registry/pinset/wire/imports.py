"""Bodies of imports."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pinset.ports.imports import AT_ONCE, Version
from pinset.wire.requests import Allowed, Number, Reason, Request, Short, SourceRequest


class ImportedRequest(Request):
    """One version: of a bundle, or of a shared component, whose name is ``kind/name``.

    digest: where it is given, ``files`` are the sealed form of that digest. number: which it keeps. source: where it comes from, with its
    ``origin``, by which it is found to be there. spelled: what its bundle was called there.
    """

    name: Annotated[str, Field(max_length=200)]
    files: Annotated[dict[str, str], Field(min_length=1, max_length=1024)]
    digest: Annotated[str | None, Field(max_length=71)] = None
    number: Number = None
    label: Short = None
    message: Annotated[str, Field(max_length=100_000)] = ""
    source: SourceRequest | None = None
    spelled: Annotated[str | None, Field(max_length=1000)] = None

    def version(self) -> Version:
        """What is to be taken in."""
        said = self.source.model_dump(exclude_none=True) if self.source else {}
        return Version(**{**dict(self), "source": said})


class ImportRequest(BaseModel):
    """Versions to publish in one write, in this order. allow: as of a publish, for all of them; ``message`` is the reason."""

    model_config = ConfigDict(extra="forbid", strict=True)
    versions: Annotated[list[ImportedRequest], Field(max_length=AT_ONCE)]
    message: Reason = ""
    allow: Allowed = []
