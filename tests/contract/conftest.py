"""The SQL engines on which the contracts of catalog and state are held."""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from postgres_server import Server, binaries

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed, and CI must not skip its suites")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    directory = Path(tmp_path_factory.mktemp("postgres"))
    for folder in (directory, *directory.parents):
        if str(folder).startswith("/tmp/pytest"):  # the server's user must be able to reach it
            folder.chmod(0o755)
    server = Server(directory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    return postgres.database(f"t{uuid.uuid4().hex[:12]}")
