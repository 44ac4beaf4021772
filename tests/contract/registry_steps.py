"""Short words for what the contract's tests do to a registry over and over: one bundle, one alias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinset.ports.registry import Caller

if TYPE_CHECKING:
    from pinset.ports.registry import Registry

ME = Caller(actor="ada")
NAME = "support"
ALIAS = "production"


NEAR = pytest.mark.parametrize("where", ["memory", "directory"], indirect=True)
"""For what cannot be asked over HTTP: a server knows its caller by a token, and keeps its own catalog."""


def files(text: str, *, extra: str = "", bundle: str = NAME) -> dict[str, str]:
    manifest = (
        f"release:\n  feature: {bundle}\n  model: {{name: claude, pinned_version: '2025-05-14'}}\n"
        f"  prompts: {{main: prompts/main.md}}\n{extra}"
    )
    return {"release.yaml": manifest, "prompts/main.md": text}


def publish(registry: Registry, count: int) -> None:
    for number in range(1, count + 1):
        registry.publish(ME, files(f"Text {number}."))


def promote(registry: Registry, *versions: int) -> None:
    for version in versions:
        registry.promote(ME, f"{NAME}@v{version}", ALIAS)


def rollback(registry: Registry, **target: Any) -> Any:
    return registry.rollback(ME, NAME, ALIAS, **target)


def serves(registry: Registry) -> int | None:
    return registry.alias(NAME, ALIAS)["version"]
