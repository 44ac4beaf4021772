"""Bodies of changes of bundles themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pinset.domain.described import DESCRIPTION, OWNER
from pinset.wire.requests import Reason, Request


class SetRequest(Request):
    """What is said of a bundle: what is left out stays, and '' empties."""

    owner: Annotated[str | None, Field(max_length=OWNER)] = None
    description: Annotated[str | None, Field(max_length=2 * DESCRIPTION)] = None
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
