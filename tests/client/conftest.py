"""What the client's tests begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from client_fakes import ME, Directory, files

from pinset.client.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def source() -> Iterator[Directory]:
    made = Directory()
    made.registry.publish(ME, files("Summarize {{ticket}}."), alias="production")
    yield made
    made.registry.close()


@pytest.fixture
def make(source: Directory, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def client(**more: Any) -> Client:
        made = Client(source=source, **{"cache": tmp_path / "cache", "poll": 0.02, **more})
        clients.append(made)
        return made

    yield client
    for one in clients:
        one.close()
