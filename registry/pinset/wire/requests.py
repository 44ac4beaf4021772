"""Request bodies. Unknown fields are refused: a misspelt one would otherwise be silently ignored."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Reason = Annotated[str, Field(max_length=10_000)]
Files = Annotated[dict[str, str], Field(min_length=1, max_length=256)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class CheckRequest(_Request):
    """The files of a bundle directory, text by path."""

    files: Files
    label: str | None = None


class PublishRequest(_Request):
    """A release to publish. allow: codes of judgements to override, for which ``message`` gives the reason."""

    files: Files
    message: Reason = ""
    label: str | None = None
    alias: str | None = None
    source: Annotated[str | None, Field(max_length=1000)] = None
    number: int | None = None
    allow: list[str] = []


class ComponentRequest(_Request):
    """A version of a shared component to publish."""

    files: Files
    message: Reason = ""
    label: str | None = None
    number: int | None = None
    allow: list[str] = []


class PromoteRequest(_Request):
    """Which release an alias is to serve: a selector of the same bundle."""

    release: str
    reason: Reason = ""
    again: bool = False


class RollbackRequest(_Request):
    """What to undo. from: what the alias must serve now; at most one of to, steps, at."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_alias=True, validate_by_name=False)
    serving: Annotated[str | int | None, Field(alias="from")] = None
    to: str | None = None
    steps: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    at: str | None = None
    reason: Reason = ""


class YankRequest(_Request):
    """Why a release is refused to new moves, or no longer is."""

    reason: Reason = ""


class RetireRequest(_Request):
    """Why an alias is to serve nothing."""

    reason: Reason = ""


class ResolveRequest(_Request):
    """References to resolve at one serial."""

    references: Annotated[list[str], Field(max_length=100)]


class DiffRequest(_Request):
    """Two sides to compare: a reference, or the files of a working copy."""

    old: str | dict[str, str]
    new: str | dict[str, str]


class TokenRequest(_Request):
    """A credential to make."""

    name: str
    can: str
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650)] = 90


class Problem(BaseModel):
    """RFC 9457, with our code, hint and details."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    details: dict[str, object]
    request_id: str
