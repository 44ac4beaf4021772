"""A registry in memory for the client's tests, and what they share."""

from __future__ import annotations

import json
import time
from typing import Any

from patience import until
from pinset import bootstrap
from pinset.errors import PinsetError, Unavailable
from pinset.ports.registry import Caller

__all__ = ["ME", "NAME", "TOOL", "UNREACHABLE", "Directory", "files", "until"]

ME = Caller(actor="ada")
NAME = "support"
TOOL = json.dumps({"name": "lookup", "description": "Looks.", "parameters": {"type": "object", "properties": {}}})


def files(words: str, *, tools: bool = False) -> dict[str, str]:
    lines = f"""\
release:
  feature: {NAME}
  model: {{provider: vendor-x, name: foundation-large, pinned_version: "2025-02-01", temperature: 0.2}}
  prompt: {{text: "{words}"}}
"""
    return {
        "release.yaml": lines + ("  tools: [lookup.json]\n" if tools else ""),
        **({"lookup.json": TOOL} if tools else {}),
    }


class Directory:
    """A source on a registry in memory that fails when told to."""

    address = "test://registry"

    def __init__(self) -> None:
        self.registry = bootstrap.memory_registry()
        self.fails: PinsetError | None = None
        self.answer: dict[str, Any] | None = None
        self.delay = 0.0
        self.asked: list[str] = []

    def fetch(self, bundle: str, selector: str, tag: str | None, seconds: float, holds: str | None = None) -> Any:
        self.asked.append(f"{bundle}@{selector}")
        time.sleep(self.delay)
        if self.fails is not None:
            raise self.fails
        answer: dict[str, Any] = self.answer or json.loads(json.dumps(self.registry.sealed(f"{bundle}@{selector}")))
        mark = f"{answer['alias']}{answer['digest']}"
        return (None if mark == tag else answer), mark

    def forked(self) -> None:
        pass

    def close(self) -> None:
        pass


UNREACHABLE = Unavailable("the registry cannot be reached", hint="wait")
