"""Request bodies. Unknown fields are refused: a misspelt one would otherwise be silently ignored."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pinset.domain import provenance

Reason = Annotated[str, Field(max_length=10_000)]
Number = Annotated[int | None, Field(ge=1, le=999_999_999)]
Short = Annotated[str | None, Field(max_length=200)]
Allowed = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=100)]
Author = Annotated[str, Field(max_length=provenance.AUTHOR)]
Files = Annotated[dict[str, str], Field(min_length=1, max_length=256)]

ValuePath = Annotated[str, Field(max_length=512)]
Values = Annotated[dict[ValuePath, Annotated[str, Field(max_length=100_000)]], Field(max_length=100)]


class Request(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CheckRequest(Request):
    """The files of a bundle directory, text by path."""

    files: Files
    label: Short = None


class SourceRequest(Request):
    """Where the files come from. What is not known is left out."""

    repository: Annotated[str | None, Field(max_length=provenance.LIMITS["repository"])] = None
    commit: Annotated[str | None, Field(max_length=provenance.LIMITS["commit"])] = None
    path: Annotated[str | None, Field(max_length=provenance.LIMITS["path"])] = None
    dirty: bool | None = None
    authors: Annotated[list[Author] | None, Field(max_length=provenance.AUTHORS)] = None
    ci: Annotated[str | None, Field(max_length=provenance.LIMITS["ci"])] = None
    url: Annotated[str | None, Field(max_length=provenance.LIMITS["url"])] = None
    by: Annotated[str | None, Field(max_length=provenance.LIMITS["by"])] = None
    ref: Annotated[str | None, Field(max_length=provenance.LIMITS["ref"])] = None
    pull_request: Annotated[str | None, Field(max_length=provenance.LIMITS["pull_request"])] = None
    text: Annotated[str | None, Field(max_length=provenance.LIMITS["text"])] = None
    system: Annotated[str | None, Field(max_length=provenance.LIMITS["system"])] = None
    origin: Annotated[str | None, Field(max_length=provenance.LIMITS["origin"])] = None
    version: Annotated[str | None, Field(max_length=provenance.LIMITS["version"])] = None
    at: Annotated[str | None, Field(max_length=provenance.LIMITS["at"])] = None


class PublishRequest(Request):
    """A release to publish. allow: codes of judgements to override, for which ``message`` gives the reason.

    from: a selector of the same bundle, such as ``production``: the release is made from that one. Then ``files`` are those
    that are new or other ones; ``set`` changes values of the manifest by their paths (``model.pinned_version``), ``add``
    adds entries, ``unset`` takes some out. Values are YAML on one line. spelled: what other tools call the bundle; of
    files only.
    """

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_alias=True, validate_by_name=False)
    files: Annotated[dict[str, str], Field(max_length=256)] = {}
    base: Annotated[str | None, Field(alias="from", max_length=200)] = None
    set: Values = {}
    add: Values = {}
    unset: Annotated[list[ValuePath], Field(max_length=100)] = []
    message: Reason = ""
    label: Short = None
    alias: Short = None
    source: SourceRequest | Annotated[str, Field(max_length=1000)] | None = None
    number: Number = None
    allow: Allowed = []
    spelled: Short = None


class ComponentRequest(Request):
    """A version of a shared component to publish."""

    files: Files
    message: Reason = ""
    label: Short = None
    number: Number = None
    allow: Allowed = []


class PromoteRequest(Request):
    """Which release an alias is to serve: a selector of the same bundle.

    break_glass: past the gates of the policy, for whom it names; ``reason`` says why.
    """

    release: str
    reason: Reason = ""
    again: bool = False
    break_glass: bool = False


class RollbackRequest(Request):
    """What to undo. from: what the alias must serve now; at most one of to, steps, at."""

    model_config = ConfigDict(extra="forbid", strict=True, validate_by_alias=True, validate_by_name=False)
    serving: Annotated[str | int | None, Field(alias="from")] = None
    to: Short = None
    steps: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    at: Short = None
    reason: Reason = ""


class YankRequest(Request):
    """Why a release is refused to new moves, or no longer is."""

    reason: Reason = ""


class ResolveRequest(Request):
    """References to resolve at one serial. at: as of then."""

    references: Annotated[list[Annotated[str, Field(max_length=600)]], Field(max_length=100)]
    at: Annotated[str | None, Field(max_length=64)] = None


class DiffRequest(Request):
    """Two sides to compare: a reference, or the files of a working copy. old_at, new_at: the time a reference is taken at."""

    old: Annotated[str, Field(max_length=600)] | Files
    new: Annotated[str, Field(max_length=600)] | Files
    old_at: Annotated[str | None, Field(max_length=64)] = None
    new_at: Annotated[str | None, Field(max_length=64)] = None


class TokenRequest(Request):
    """A credential to make. can: its grants, as one text or as a list. person: whose it is.

    expires_in_seconds: counts more than expires_in_days, of which null is never.
    """

    name: str
    can: (
        Annotated[str, Field(max_length=30_000)]
        | Annotated[list[Annotated[str, Field(max_length=300)]], Field(max_length=100)]
    )
    person: Short = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650)] = 90
    expires_in_seconds: Annotated[int | None, Field(ge=1, le=3650 * 86_400)] = None

    @property
    def grants(self) -> str:
        """The grants as one text."""
        return self.can if isinstance(self.can, str) else " ".join(self.can)

    @property
    def lifetime(self) -> int | None:
        """Seconds, None for ever."""
        if self.expires_in_seconds is not None:
            return self.expires_in_seconds
        return None if self.expires_in_days is None else self.expires_in_days * 86_400
