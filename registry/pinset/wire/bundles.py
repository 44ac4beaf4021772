"""Bodies of changes of bundles themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pinset.domain.described import DESCRIPTION, OWNER
from pinset.domain.exchange.spelling import SPELLING, SPELLINGS
from pinset.wire.requests import Reason, Request

Spellings = Annotated[list[Annotated[str, Field(max_length=4 * SPELLING)]], Field(max_length=SPELLINGS)]


class SetRequest(Request):
    """What is said of a bundle: what is left out stays, and '' empties. also, not_also: spellings that come, and go."""

    owner: Annotated[str | None, Field(max_length=OWNER)] = None
    description: Annotated[str | None, Field(max_length=2 * DESCRIPTION)] = None
    also: Spellings = Field(default_factory=list)
    not_also: Spellings = Field(default_factory=list)
    reason: Reason = ""


class ArchiveRequest(Request):
    """Why a bundle is taken out of use."""

    reason: Reason


class UnarchiveRequest(Request):
    """Why a bundle is taken into use again."""

    reason: Reason = ""


class RenameRequest(Request):
    """What a bundle is to be called, and why."""

    name: Annotated[str, Field(max_length=64)]
    reason: Reason
