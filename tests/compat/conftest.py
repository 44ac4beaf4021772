"""An application that speaks the protocols of other tools, and a registry with something to tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from speaking import ANA, Speaking, rich

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.services.local import LocalRegistry


@pytest.fixture
def speaking_of() -> Iterator[Callable[..., Speaking]]:
    """Makes the application of a registry, with the settings given."""
    made: list[Speaking] = []

    def make(registry: LocalRegistry, chosen: Any = None, others: Any = None, **settings: Any) -> Speaking:
        made.append(Speaking(registry, chosen, others, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def speaking(memory: LocalRegistry, speaking_of: Callable[..., Speaking]) -> Speaking:
    """With ``support.triage``: v1 in production, v2 in staging, whose temperature is another."""
    memory.publish(ANA, rich(), alias="production", message="the first")
    memory.publish(ANA, rich(temperature=0.7), label="2025-03-15", alias="staging", message="warmer")
    return speaking_of(memory)
