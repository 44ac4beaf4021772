"""What the integration tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinset.gitstore import GitStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where `store` is."""
    return tmp_path / "repository.git"


@pytest.fixture
def store(path: Path) -> Iterator[GitStore]:
    """A new git store."""
    made = GitStore.create(path, wait_seconds=5)
    yield made
    made.close()
