"""Bodies of requests about the policy."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=262_144)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class PolicyRequest(_Request):
    """A policy to bring into force. expect: the number of the one in force, 0 for none, where no header says it.

    break_glass: past the policy's own rule, for whom it names.
    """

    text: Text
    reason: Annotated[str, Field(max_length=10_000)] = ""
    expect: Annotated[int | None, Field(ge=0, le=2_000_000_000)] = None
    break_glass: bool = False


class PolicyCheckRequest(_Request):
    """A policy to try on the registry as it is."""

    text: Text
