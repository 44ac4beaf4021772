"""What Langfuse's clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pinset.domain.exchange.spelling import SPELLING

_Label = Annotated[str, Field(min_length=1, max_length=100)]
_LABELS = 32


class Create(BaseModel):
    """A new version of a prompt. Keys that later clients add are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=SPELLING)
    prompt: str | list[dict[str, Any]]
    type: Literal["text", "chat"] | None = None
    config: Any = None
    labels: Annotated[list[_Label], Field(max_length=_LABELS)] | None = None
    tags: Annotated[list[str], Field(max_length=_LABELS)] | None = None
    commit_message: str | None = Field(default=None, alias="commitMessage")
    is_active: bool | None = Field(default=None, alias="isActive")


class Relabel(BaseModel):
    """Labels that a version is to have, beside those that it has."""

    model_config = ConfigDict(extra="ignore", strict=True)

    new_labels: Annotated[list[_Label], Field(max_length=_LABELS)] = Field(alias="newLabels")
