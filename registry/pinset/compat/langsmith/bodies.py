"""What LangSmith's clients send. What they send beside is not read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from pinset.domain.exchange.spelling import SPELLING

Short = Annotated[str, Field(max_length=500)]
Long = Annotated[str, Field(max_length=100_000)]


class Pushed(BaseModel):
    """A commit. parent_commit: the hash of what it follows, None for the first."""

    manifest: dict[str, Any]
    parent_commit: Short | None = None
    description: Annotated[str, Field(max_length=4000)] | None = None


class Created(BaseModel):
    """A prompt that is to be."""

    repo_handle: Annotated[str, Field(min_length=1, max_length=SPELLING)]
    description: Long | None = None
    is_public: bool | None = None


class Changed(BaseModel):
    """What of a prompt is to be another."""

    description: Long | None = None
    is_public: bool | None = None
    is_archived: bool | None = None


class Tagged(BaseModel):
    """A tag, and the commit that it is to be on: its id, or its hash."""

    tag_name: Short
    commit_id: Short


class Entry(BaseModel):
    """A file of an agent."""

    type: Literal["file"]
    content: str


class Directory(BaseModel):
    """Files of an agent by path; None takes one out. parent_commit: as in `Pushed`."""

    files: dict[str, Entry | None]
    parent_commit: Short | None = None
