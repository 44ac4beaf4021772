"""What Opik's clients send: the name of a prompt, and which of its versions."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, Field

from pinset.domain.text import strict_json
from pinset.errors import InvalidInput

_SHORT: Final = 512
"""Bytes of a body that is remembered."""
_MOST: Final = 2048
"""Bodies that are remembered."""


class Retrieve(BaseModel):
    """Which version: at most one of environment, version_number and commit. What else is sent is not looked at."""

    name: str = Field(min_length=1, max_length=500)
    environment: str | None = Field(default=None, max_length=200)
    version_number: str | None = Field(default=None, max_length=20)
    commit: str | None = Field(default=None, max_length=64)

    @property
    def key(self) -> bytes:
        """Equal for all bodies that ask the same."""
        asked = [self.name, self.environment, self.version_number, self.commit]
        return json.dumps(asked, ensure_ascii=True, separators=(",", ":")).encode()

    def check(self) -> None:
        """Raises InvalidInput where it names several versions."""
        named = [one for one in ("environment", "version_number", "commit") if getattr(self, one)]
        if len(named) > 1:
            raise InvalidInput(f"{' and '.join(named)} are given", hint="name the version by one of them")


def meaning(body: bytes) -> bytes | None:
    """See `Protocol.posted`. An application asks the same again and again: short bodies are read once."""
    return _kept(body) if len(body) <= _SHORT else _read(body)


def _read(body: bytes) -> bytes | None:
    try:
        value: Any = strict_json.loads_bytes(body)
        return Retrieve.model_validate(value).key
    except ValueError:
        return None


_kept = lru_cache(_MOST)(_read)


class Looked(BaseModel):
    """What a list is asked for. page: from 1. What a project is given is not looked at: all prompts are in one."""

    page: int = Field(default=1, ge=1, le=1_000_000)
    size: int = Field(default=10, ge=1, le=1000)
    name: str = Field(default="", max_length=500)
    search: str = Field(default="", max_length=500)
    filters: str = Field(default="", max_length=10_000)
    sorting: str = Field(default="", max_length=10_000)

    @property
    def skip(self) -> int:
        """What is left out before the page."""
        return self.size * (self.page - 1)

    def check(self) -> None:
        """Raises InvalidInput where another order is wanted than there is."""
        if self.sorting not in ("", "[]", "null"):
            raise InvalidInput("there is one order here: by name, and newest first", hint="leave sorting out")


class Project(BaseModel):
    """The project that a client works in."""

    name: str = Field(min_length=1, max_length=500)
