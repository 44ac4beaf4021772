"""What MLflow's clients send. What they send beside is not read: runs, links to them, local paths."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field

from pinset.domain.exchange.spelling import SPELLING

TAGS: Final = 500
"""Tags of a version."""
Name = Annotated[str, Field(min_length=1, max_length=SPELLING)]
Short = Annotated[str, Field(max_length=500)]


class Tag(BaseModel):
    """A tag; MLflow leaves out what is empty."""

    key: Short
    value: str = ""


class Named(BaseModel):
    """What is about one prompt."""

    name: Name


class Latest(Named):
    """The newest versions of stages, which prompts have none of: None for all."""

    stages: Annotated[list[Short], Field(max_length=20)] | None = None


class Tagged(Named):
    """A tag that is set or deleted. version: of a version, where it is that one's."""

    key: Short
    value: str = ""
    version: Short | None = None


class Created(Named):
    """A prompt that is to be, or a version of one."""

    tags: Annotated[list[Tag], Field(max_length=TAGS)] = []
    description: str = ""

    @property
    def plain(self) -> dict[str, str]:
        """The tags by key."""
        return {tag.key: tag.value for tag in self.tags}


class Aliased(Named):
    """An alias that is deleted."""

    alias: Short


class Moved(Aliased):
    """An alias that is set."""

    version: Short
