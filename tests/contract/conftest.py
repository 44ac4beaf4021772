"""The registries and the SQL engines on which the contracts are held."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import uvicorn

from pinset import bootstrap
from pinset.api.app import create_app
from pinset.api.server import listen
from pinset.client.remote import RemoteRegistry

sys.path.insert(0, str(Path(__file__).parent))
from postgres_server import Server, binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinset.ports.registry import Registry
    from pinset.services.local import LocalRegistry


PLACES: Final = ["memory", "directory", "http"] if os.environ.get("PINSET_TORTURE") == "1" else ["memory", "http"]


@pytest.fixture(params=PLACES)
def where(request: pytest.FixtureRequest) -> str:
    """Where a registry is. Over HTTP there is a directory behind it, so that in the short form it is not taken by itself."""
    found: str = request.param
    return found


@pytest.fixture
def near(where: str, tmp_path: Path, make_registry: Callable[[Path], Path]) -> Iterator[LocalRegistry]:
    """A registry in this process. Whatever a test did with it, it must prove sound in the end."""
    if where == "memory":
        made = bootstrap.memory_registry()
    else:
        make_registry(tmp_path / ".pinset")
        made = bootstrap.local_registry(tmp_path)
    yield made
    proven = made.verify()
    made.close()
    assert proven["ok"], proven["problems"]


@pytest.fixture
def reach(where: str, near: LocalRegistry) -> Iterator[Callable[[str | None], Registry]]:
    """Reaches the registry with a token, which only HTTP asks for."""
    if where != "http":
        yield lambda _token: near
        return
    listening = listen(near, "127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(near), log_level="warning", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    clients: list[RemoteRegistry] = []

    def client(token: str | None) -> Registry:
        clients.append(RemoteRegistry(f"http://127.0.0.1:{listening.getsockname()[1]}", token))
        return clients[-1]

    yield client
    for each in clients:
        each.close()
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def registry(reach: Callable[[str | None], Registry]) -> Registry:
    """A registry as its users see it, near and far."""
    return reach(None)


@pytest.fixture
def everything(near: LocalRegistry, tmp_path: Path) -> Callable[[], tuple[Any, ...]]:
    """All that a registry holds: the rows of the catalog, the refs, and the files of its directory but for those that come
    and go with a look: SQLite's own, and the state, which notes attempts."""

    def look() -> tuple[Any, ...]:
        with near._context.catalog.reading() as reader:
            rows = list(reader.dump())
        found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
        files = [path for path in found if not path.endswith(("-wal", "-shm")) and "/state." not in path]
        return rows, dict(near._context.store.refs()), files

    return look


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    if binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed, and CI must not skip its suites")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # Not below pytest's own folder: another run may tidy that up, and the server's user cannot enter it.
    with tempfile.TemporaryDirectory(prefix="pinset-postgres-") as folder:
        server = Server(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def postgres_url(postgres: Server) -> str:
    return postgres.database(f"t{uuid.uuid4().hex[:12]}")
