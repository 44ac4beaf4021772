"""What Opik's clients send: the name of a prompt, and which of its versions."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, Field

from pinset.domain.text import strict_json
from pinset.errors import InvalidInput


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
    """See `Protocol.posted`."""
    try:
        value: Any = strict_json.loads_bytes(body)
        return Retrieve.model_validate(value).key
    except ValueError:
        return None
